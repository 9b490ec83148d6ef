@testable import Forwarding
import HTTPTypes
import SemanticCache
import Synchronization
import TestSupport
import Testing

private let request = UpstreamRequest(method: .post, target: "/chat/completions", fields: [:], body: .bytes(Array("{}".utf8)))

private func reply(_ code: Int, _ fields: HTTPFields = [:]) -> ScriptedUpstream.Reply {
    .response(status: .init(code: code), fields: fields, chunks: [Array("\(code)".utf8)])
}

/// Gives its replies in order, the last one again and again.
private func upstream(_ replies: ScriptedUpstream.Reply...) -> ScriptedUpstream {
    let left = Mutex(replies[...])
    return ScriptedUpstream { _, _ in left.withLock { $0.count > 1 ? $0.removeFirst() : $0[$0.startIndex] } }
}

/// Notes how long it was asked to sleep, and does not.
private final class Naps: Sendable {
    private let list = Mutex<[Duration]>([])
    var all: [Duration] { list.withLock { $0 } }

    func sleep(_ duration: Duration) { list.withLock { $0.append(duration) } }
}

struct RetryPolicyTests {
    private let policy = RetryPolicy(retries: 4, firstDelay: .milliseconds(100), longestDelay: .milliseconds(500))

    @Test(arguments: [
        (408, true), (429, true), (500, true), (502, true), (503, true), (504, true), (529, true), (200, false), (400, false), (401, false),
        (404, false), (409, false), (422, false), (501, false), (505, false),
    ])
    func statusesThatMeanNotNow(status: Int, isRepeated: Bool) {
        #expect((policy.delay(after: .status(status, retryAfter: nil), attempt: 0, random: 0) != nil) == isRepeated)
    }

    @Test(arguments: [
        (UpstreamError.unreachable("refused"), true), (.broken("reset"), true), (.timedOut(.connecting, limit: .seconds(1)), true),
        (.timedOut(.firstByte, limit: .seconds(1)), false), (.timedOut(.silence, limit: .seconds(1)), false), (.tls("expired"), false),
        (.requestBody("gone"), false), (.cancelled, false), (.closed, false), (.overloaded(retryAfter: .seconds(1)), false),
        (.circuitOpen(retryAfter: .seconds(1)), false),
    ])
    func faultsThatMayPass(error: UpstreamError, isRepeated: Bool) {
        #expect((policy.delay(after: .failure(error), attempt: 0, random: 0) != nil) == isRepeated)
    }

    @Test func pausesDoubleUpToTheLongestAndEnd() {
        let full = (0..<5).map { policy.delay(after: .status(503, retryAfter: nil), attempt: $0, random: 1) }
        #expect(full == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(500), nil])
        #expect(policy.delay(after: .status(503, retryAfter: nil), attempt: 1, random: 0) == .milliseconds(100))
    }

    @Test func retryAfterIsRespectedUpToTheLongestPause() {
        #expect(policy.delay(after: .status(429, retryAfter: .milliseconds(450)), attempt: 0, random: 0) == .milliseconds(450))
        #expect(policy.delay(after: .status(429, retryAfter: .seconds(60)), attempt: 0, random: 0) == nil)
        #expect(policy.delay(after: .status(429, retryAfter: .zero, isForbidden: true), attempt: 0, random: 0) == nil)
    }

    @Test(arguments: [
        ("3", Duration.seconds(3)), ("0.5", .milliseconds(500)), ("Sun, 06 Nov 1994 08:49:37 GMT", .seconds(37)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", .zero), ("Tue, 29 Feb 2000 12:00:00 GMT", .seconds(951_825_600 - 784_111_740)),
    ])
    func retryAfterTakesSecondsAndDates(text: String, expected: Duration) throws {
        let fields: HTTPFields = [try #require(HTTPField.Name("Retry-After")): text]
        #expect(RetryAfter.read(fields, now: Timestamp(milliseconds: 784_111_740_000)) == expected)
    }

    @Test(arguments: ["", "soon", "-1", "1e300", "nan", "Sun, 99 Nov 1994 08:49:37 GMT", "06 Nov 1994"])
    func whatIsNoTimeIsPassedOver(text: String) throws {
        #expect(RetryAfter.read([try #require(HTTPField.Name("Retry-After")): text], now: Timestamp(milliseconds: 0)) == nil)
    }
}

struct RetryingUpstreamTests {
    private func retrying(_ upstream: any Upstream, _ naps: Naps, retries: Int = 2) -> RetryingUpstream {
        RetryingUpstream(
            upstream, policy: RetryPolicy(retries: retries, firstDelay: .milliseconds(100), longestDelay: .seconds(2)), clock: ManualClock(),
            random: { 0 }, sleep: { naps.sleep($0) })
    }

    @Test func aPassingFaultIsNotSeen() async throws {
        let naps = Naps()
        let inner = upstream(.failure(.unreachable("refused")), reply(503), reply(200))
        let response = try await retrying(inner, naps).send(request)
        #expect(response.status.code == 200)
        #expect(inner.calls.count == 3)
        #expect(naps.all == [.milliseconds(50), .milliseconds(100)])
    }

    @Test func theLastAnswerIsPassedOn() async throws {
        let inner = upstream(reply(429))
        let response = try await retrying(inner, Naps()).send(request)
        #expect(response.status.code == 429)
        #expect(try await response.body.collect(upTo: 100) == Array("429".utf8))
        #expect(inner.calls.count == 3)
    }

    /// A failed call's answer is let go before the pause, which may be long, so that others have its place among the upstream's calls.
    @Test func whoPausesHoldsNoPlace() async throws {
        let limited = LimitedUpstream(upstream(reply(503), reply(200)), limit: 1, waitingLimit: 1, patience: .seconds(30))
        let out = Mutex<[Int]>([])
        let retrying = RetryingUpstream(
            limited, policy: RetryPolicy(retries: 2, firstDelay: .milliseconds(250), longestDelay: .seconds(2)), clock: ManualClock(),
            sleep: { _ in out.withLock { $0.append(limited.depth.out) } })
        #expect(try await retrying.send(request).status.code == 200)
        #expect(out.withLock { $0 } == [0])
    }

    private func refusal(_ chunks: [String], status: Int = 429, type: String = "application/json") -> ScriptedUpstream.Reply {
        .response(status: .init(code: status), fields: [.contentType: type], chunks: chunks.map { Array($0.utf8) })
    }

    /// No repeat fills a purse: such a refusal is passed on at once, whole.
    @Test(arguments: [429, 503])
    func aLastingRefusalIsPassedOn(status: Int) async throws {
        let inner = upstream(refusal(["{\"spent\"", ":1}"], status: status), reply(200))
        let retrying = RetryingUpstream(
            inner, policy: RetryPolicy(retries: 2, firstDelay: .zero, longestDelay: .zero), clock: ManualClock(),
            isLasting: { String(decoding: $0, as: UTF8.self).contains("spent") }, sleep: { _ in })
        let response = try await retrying.send(request)
        #expect(response.status.code == status)
        #expect(try await response.body.collect(upTo: 100) == Array("{\"spent\":1}".utf8))
        #expect(inner.calls.count == 1)
    }

    /// What was looked at is not lost: refusals that pass, that break, that are long or are no JSON go on as ever.
    @Test func whatWasReadToDecideIsPassedOnToo() async throws {
        let long = String(repeating: "x", count: 40_000)
        for reply in [refusal(["{\"busy\"", ":1}"]), refusal([long, long, long]), refusal(["spent"], type: "text/plain")] {
            let inner = upstream(reply)
            let retrying = RetryingUpstream(
                inner, policy: RetryPolicy(retries: 1, firstDelay: .zero, longestDelay: .zero), clock: ManualClock(),
                isLasting: { String(decoding: $0, as: UTF8.self).contains("spent") }, sleep: { _ in })
            let response = try await retrying.send(request)
            guard case .response(_, _, let chunks) = reply else { return }
            #expect(try await response.body.collect(upTo: 1 << 20) == Array(chunks.joined()))
            #expect(inner.calls.count == 2)
        }
    }

    /// An answer that has begun is never asked for again, however it ends.
    @Test func nothingIsRepeatedAfterTheHead() async throws {
        let inner = upstream(.broken(fields: [:], chunks: [[1]]))
        let response = try await retrying(inner, Naps()).send(request)
        await #expect(throws: UpstreamError.self) { try await response.body.collect(upTo: 100) }
        #expect(inner.calls.count == 1)
    }

    @Test func aStreamedBodyIsSentOnce() async throws {
        let inner = upstream(reply(503), reply(200))
        var streamed = request
        streamed.body = .stream(ByteStream([[1, 2], [3]]), length: 3)
        #expect(try await retrying(inner, Naps()).send(streamed).status.code == 503)
        #expect(inner.calls.count == 1)
    }

    @Test func whoLeavesDuringThePauseIsNotAskedFor() async throws {
        let inner = upstream(reply(503), reply(200))
        let patient = RetryingUpstream(
            inner, policy: RetryPolicy(retries: 2, firstDelay: .seconds(600), longestDelay: .seconds(600)), clock: ManualClock())
        let call = Task { try await patient.send(request) }
        while inner.calls.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        call.cancel()
        await #expect(throws: UpstreamError.self) { try await call.value }
        #expect(inner.calls.count == 1)
    }
}

struct CircuitBreakerTests {
    private let start = ContinuousClock.now

    @Test func failuresInARowOpenIt() {
        var breaker = CircuitBreaker(limit: 3, coolDown: .seconds(5))
        for _ in 0..<2 { #expect(breaker.fail(at: start) == false) }
        breaker.succeed()
        for _ in 0..<2 { #expect(breaker.fail(at: start) == false) }
        #expect(breaker.admit(at: start) == .pass)
        #expect(breaker.fail(at: start) == true)
        #expect(breaker.admit(at: start + .seconds(2)) == .refuse(.seconds(3)))
    }

    @Test func afterTheCoolDownOneTries() {
        var breaker = CircuitBreaker(limit: 1, coolDown: .seconds(5))
        #expect(breaker.fail(at: start) == true)
        #expect(breaker.admit(at: start + .seconds(5)) == .pass)
        #expect(breaker.admit(at: start + .seconds(5)) != .pass)
        #expect(breaker.fail(at: start + .seconds(6)) == true)
        #expect(breaker.admit(at: start + .seconds(7)) == .refuse(.seconds(4)))
        #expect(breaker.admit(at: start + .seconds(11)) == .pass)
        breaker.succeed()
        #expect(breaker.state == .closed(failures: 0))
    }

    @Test func aTrialThatSaysNothingLeavesThePlaceToTheNext() {
        var breaker = CircuitBreaker(limit: 1, coolDown: .seconds(5))
        _ = breaker.fail(at: start)
        #expect(breaker.admit(at: start + .seconds(5)) == .pass)
        breaker.abandon(at: start + .seconds(6))
        #expect(breaker.admit(at: start + .seconds(6)) == .pass)
        // One that is lost altogether does, too, after a while.
        #expect(breaker.admit(at: start + .seconds(67)) == .pass)
    }

    @Test func itsConditionIsThatOfTheNextCall() {
        var breaker = CircuitBreaker(limit: 1, coolDown: .seconds(5))
        #expect(breaker.condition(at: start) == .closed)
        _ = breaker.fail(at: start)
        #expect(breaker.condition(at: start + .seconds(4)) == .open)
        #expect(breaker.condition(at: start + .seconds(5)) == .halfOpen)
        #expect(breaker.admit(at: start + .seconds(5)) == .pass)
        #expect(breaker.condition(at: start + .seconds(6)) == .halfOpen)
        _ = breaker.fail(at: start + .seconds(6))
        #expect(breaker.condition(at: start + .seconds(6)) == .open)
        breaker.succeed()
        #expect(breaker.condition(at: start + .seconds(6)) == .closed)
    }

    @Test func aCircuitIsSeenFromOutside() async {
        let breaking = BreakingUpstream(upstream(.failure(.unreachable("refused"))), limit: 2, coolDown: .seconds(5), now: { [start] in start })
        #expect(breaking.condition == .closed)
        for _ in 0..<2 { await #expect(throws: UpstreamError.self) { try await breaking.send(request) } }
        #expect(breaking.condition == .open)
    }

    @Test func zeroNeverOpens() {
        var breaker = CircuitBreaker(limit: 0, coolDown: .seconds(5))
        for _ in 0..<1000 { #expect(breaker.fail(at: start) == false) }
        #expect(breaker.admit(at: start) == .pass)
    }

    @Test func anOpenCircuitMakesNoCall() async {
        let inner = upstream(.failure(.unreachable("refused")))
        let breaking = BreakingUpstream(inner, limit: 2, coolDown: .seconds(5), now: { [start] in start })
        for _ in 0..<5 { await #expect(throws: UpstreamError.self) { try await breaking.send(request) } }
        #expect(inner.calls.count == 2)
    }

    @Test(arguments: [(500, true), (503, true), (429, false), (400, false), (401, false)])
    func whatCountsAsAFailure(status: Int, isFailure: Bool) async throws {
        let inner = upstream(reply(status))
        let breaking = BreakingUpstream(inner, limit: 1, coolDown: .seconds(5), now: { [start] in start })
        _ = try await breaking.send(request)
        _ = try? await breaking.send(request)
        #expect(inner.calls.count == (isFailure ? 1 : 2))
    }
}

/// An upstream whose answers end when the test says so.
private final class HeldUpstream: Upstream {
    private let bodies = Mutex<[AsyncStream<[UInt8]>.Continuation]>([])
    var count: Int { bodies.withLock { $0.count } }

    func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
        bodies.withLock { $0.append(continuation) }
        return UpstreamResponse(
            status: .ok, fields: [:],
            body: ByteStream(next: {
                for await chunk in stream { return chunk }
                return nil
            }))
    }

    func end(_ index: Int) { bodies.withLock { $0[index] }.finish() }
}

struct LimitedUpstreamTests {
    private func until(_ condition: () -> Bool) async throws {
        for _ in 0..<6000 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(condition())
    }

    @Test func noMoreThanTheLimitIsOut() async throws {
        let inner = HeldUpstream()
        let limited = LimitedUpstream(inner, limit: 2, waitingLimit: 1, patience: .seconds(600))
        let first = try await limited.send(request)
        let second = try await limited.send(request)
        let third = Task { try await limited.send(request) }
        try await until { limited.depth.waiting == 1 }
        await #expect(throws: UpstreamError.self) { try await limited.send(request) }
        #expect(inner.count == 2)
        // The place is free when the body has ended, not before.
        inner.end(0)
        #expect(try await first.body.collect(upTo: 10) == [])
        _ = try await third.value
        #expect(inner.count == 3)
        _ = second
    }

    @Test func whoDropsTheAnswerGivesThePlaceBack() async throws {
        let inner = HeldUpstream()
        let limited = LimitedUpstream(inner, limit: 1, waitingLimit: 5, patience: .seconds(600))
        var response: UpstreamResponse? = try await limited.send(request)
        #expect(response != nil)
        let next = Task { try await limited.send(request) }
        try await until { limited.depth.waiting == 1 }
        response = nil
        _ = try await next.value
    }

    @Test func patienceAndCancellationEndTheWait() async throws {
        let inner = HeldUpstream()
        let limited = LimitedUpstream(inner, limit: 1, waitingLimit: 5, patience: .milliseconds(30))
        let held = try await limited.send(request)
        await #expect(throws: UpstreamError.self) { try await limited.send(request) }
        let patient = LimitedUpstream(inner, limit: 1, waitingLimit: 5, patience: .seconds(600))
        let alsoHeld = try await patient.send(request)
        let waiting = Task { try await patient.send(request) }
        try await until { patient.depth.waiting == 1 }
        waiting.cancel()
        await #expect(throws: UpstreamError.self) { try await waiting.value }
        #expect(patient.depth == (1, 0))
        _ = (held, alsoHeld)
    }

    /// Thousands of calls through a narrow gate: all come through, and the places are all given back.
    @Test func placesAreNeverLost() async throws {
        let limited = LimitedUpstream(upstream(reply(200)), limit: 3, waitingLimit: 5000, patience: .seconds(600))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<2000 {
                group.addTask {
                    let response = try await limited.send(request)
                    if number.isMultiple(of: 3) { return }
                    _ = try await response.body.collect(upTo: 100)
                }
            }
            try await group.waitForAll()
        }
        #expect(limited.depth == (0, 0))
    }
}

struct FallbackUpstreamTests {
    private let keyed = UpstreamRequest(
        method: .post, target: "/x", fields: [.authorization: "Bearer client", .contentType: "a/b"], body: .bytes([1]))

    @Test(arguments: [reply(503), reply(429), .failure(.unreachable("x")), .failure(.circuitOpen(retryAfter: .seconds(1)))])
    func theSecondAnswersWhereTheFirstFails(first: ScriptedUpstream.Reply) async throws {
        let second = upstream(reply(200))
        #expect(try await FallbackUpstream(upstream(first), then: second, sharesCredentials: false).send(keyed).status.code == 200)
        #expect(second.calls[0].request.fields == [.contentType: "a/b"])
    }

    @Test(arguments: [reply(200), reply(400), reply(401), .failure(.requestBody("gone"))])
    func theClientsOwnFaultsStay(first: ScriptedUpstream.Reply) async {
        let second = upstream(reply(200))
        _ = try? await FallbackUpstream(upstream(first), then: second, sharesCredentials: false).send(keyed)
        #expect(second.calls.isEmpty)
    }

    @Test func whenBothFailTheFirstOnesWordStands() async throws {
        let response = try await FallbackUpstream(upstream(reply(429)), then: upstream(reply(503)), sharesCredentials: true).send(keyed)
        #expect(response.status.code == 429)
        let other = try await FallbackUpstream(upstream(reply(429)), then: upstream(.failure(.broken("x"))), sharesCredentials: true).send(keyed)
        #expect(other.status.code == 429)
    }
}

struct RoutedUpstreamTests {
    private static func route(_ paths: [String], _ models: [String], _ code: Int) -> RoutedUpstream.Route {
        .init(paths: paths.map { NamePattern($0) }, models: models.map { NamePattern($0) }, upstream: upstream(reply(code)))
    }

    private let routed = RoutedUpstream(
        routes: [route(["/v1/messages"], [], 201), route([], ["claude-*", "o?-mini"], 202), route(["/v1/audio/*"], ["whisper*"], 203)],
        default: upstream(reply(200)),
        model: { target, body in target.contains("/deployments/claude-x/") ? "claude-x" : body.map { String(decoding: $0, as: UTF8.self) } })

    @Test(arguments: [
        ("/messages", "gpt-4o", 201), ("/messages?beta=true", "claude-3", 201), ("/chat/completions", "claude-3", 202),
        ("/chat/completions", "CLAUDE-3", 202), ("/chat/completions", "o3-mini", 202), ("/chat/completions", "o33-mini", 200),
        ("/chat/completions", "gpt-4o", 200), ("/audio/speech", "whisper-1", 203), ("/audio/speech", "gpt", 200), ("/models", "", 200),
    ])
    func theFirstMatchWins(target: String, model: String, expected: Int) async throws {
        let request = UpstreamRequest(method: .post, target: target, fields: [:], body: .bytes(Array(model.utf8)))
        #expect(try await routed.send(request).status.code == expected)
    }

    /// Whoever reads the model is given path and query as the client sent them.
    @Test func anAzureDeploymentStandsForTheModel() async throws {
        let target = "/openai/deployments/claude-x/chat/completions?api-version=1"
        let request = UpstreamRequest(method: .post, target: target, isFromRoot: true, fields: [:], body: .bytes([]))
        #expect(try await routed.send(request).status.code == 202)
    }

    @Test(arguments: [
        ("*", "", true), ("a*c", "abbc", true), ("a*c", "abcd", false), ("**", "x", true), ("?", "", false), ("a*b*c", "axxbyyc", true),
        ("*.x", "a.x.x", true), ("", "", true), ("", "a", false),
    ])
    func patterns(pattern: String, text: String, isMatch: Bool) {
        #expect(NamePattern(pattern).matches(text) == isMatch)
    }
}

struct EndpointTests {
    @Test(arguments: [
        ("https://a/v1", "/x?b=1", false, "https://a/v1/x?b=1"),
        ("https://a/openai/deployments/d?api-version=2", "/chat/completions", false, "https://a/openai/deployments/d/chat/completions?api-version=2"),
        ("https://a/v1?v=1&w=2", "/x?v=9", false, "https://a/v1/x?v=9&w=2"), ("https://a/v1?v=1", "/x?v=9", false, "https://a/v1/x?v=9"),
        ("https://a:8/v1", "/openai/deployments/d/x?api-version=2", true, "https://a:8/openai/deployments/d/x?api-version=2"),
        ("https://a/v1/?v=1", "/x?", false, "https://a/v1/x?v=1"),
        ("https://a/v1", "/v1beta/models/m:x?alt=sse", true, "https://a/v1beta/models/m:x?alt=sse"),
        ("https://a/google/v1beta", "/v1beta/models/m:x", true, "https://a/google/v1beta/models/m:x"),
        ("https://a/v1beta/openai", "/v1beta/models/m:x", true, "https://a/v1beta/models/m:x"),
        ("https://v1beta", "/v1beta/models", true, "https://v1beta/v1beta/models"),
    ])
    func urls(base: String, target: String, isFromRoot: Bool, expected: String) throws {
        let request = UpstreamRequest(method: .get, target: target, isFromRoot: isFromRoot, fields: [:], body: .none)
        #expect(try UpstreamEndpoint.patient(base).url(for: request) == expected)
    }

    /// An upstream with a key of its own never sees a client's, in whatever field it came.
    @Test func theClientsCredentialStaysWhereTheUpstreamHasItsOwn() throws {
        var endpoint = try UpstreamEndpoint.patient("https://a/v1")
        let fields: HTTPFields = [.authorization: "Bearer client", .init("x-api-key")!: "client", .init("api-key")!: "client", .accept: "*/*"]
        let request = UpstreamRequest(method: .get, target: "/x", fields: fields, body: .none)
        #expect(RequestPlan(request, endpoint: endpoint).lines.filter { $0.contains("client") }.count == 3)
        endpoint.headers = [(name: "X-API-Key", value: "own")]
        #expect(RequestPlan(request, endpoint: endpoint).lines.filter { $0.contains("client") }.isEmpty)
        endpoint.headers = []
        endpoint.authorization = "Bearer own"
        let lines = RequestPlan(request, endpoint: endpoint).lines
        #expect(lines.contains("Authorization: Bearer own") && !lines.contains { $0.contains("client") })
    }
}
