import HTTPTypes
package import SemanticCache

/// Makes failed calls again, as a ``RetryPolicy`` says.
///
/// A call is repeated only while nothing of its answer has reached anyone: the decision falls on the head, before the body is handed on. A body that
/// streams from the client is gone once it was sent, so such calls are made once.
package struct RetryingUpstream: Upstream {
    private let upstream: any Upstream
    private let policy: RetryPolicy
    private let clock: any WallClock
    private let random: @Sendable () -> Double
    private let isLasting: @Sendable ([UInt8]) -> Bool
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - clock: reads `Retry-After` dates.
    ///   - random: numbers in 0..<1.
    ///   - isLasting: whether the body of a refusal says that no repeat helps, such as that a quota is spent, where its status is that of a passing one.
    ///   - sleep: waits; throws when the task is cancelled.
    package init(
        _ upstream: any Upstream, policy: RetryPolicy, clock: any WallClock, random: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        isLasting: @escaping @Sendable ([UInt8]) -> Bool = { _ in false },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.upstream = upstream
        self.policy = policy
        self.clock = clock
        self.random = random
        self.isLasting = isLasting
        self.sleep = sleep
    }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        guard request.isReplayable else { return try await upstream.send(request) }
        var repeats = 0
        while true {
            switch await attempt(request, after: repeats) {
            case .settled(let result): return try result.get()
            case .again(let delay): do { try await sleep(delay) } catch { throw .cancelled }
            }
            repeats += 1
        }
    }

    /// What one call came to. Nothing of a call that is made again is held during the pause: its answer has a place among the upstream's calls.
    private enum Attempt {
        case settled(Result<UpstreamResponse, UpstreamError>)
        case again(Duration)
    }

    private func attempt(_ request: UpstreamRequest, after repeats: Int) async -> Attempt {
        var result: Result<UpstreamResponse, UpstreamError>
        do throws(UpstreamError) { result = .success(try await upstream.send(request)) } catch { result = .failure(error) }
        let outcome: RetryPolicy.Outcome
        switch result {
        case .success(let response):
            outcome = .init(response, now: clock.now())
            guard policy.delay(after: outcome, attempt: repeats, random: 0) != nil, response.isLikelyJSON else { break }
            let (beginning, whole) = await response.lookingAhead(bytes: Self.longestRefusal)
            result = .success(whole)
            if isLasting(beginning) { return .settled(result) }
        case .failure(let error): outcome = .failure(error)
        }
        if let delay = policy.delay(after: outcome, attempt: repeats, random: random()) { return .again(delay) }
        return .settled(result)
    }
}

extension RetryingUpstream {
    /// How much of a refusal's body is read to see what it says, in bytes.
    private static var longestRefusal: Int { 64 << 10 }
}

extension UpstreamResponse {
    fileprivate var isLikelyJSON: Bool { fields[.contentType]?.lowercased().contains("json") ?? false }

    /// The beginning of the body, and the response whose body still has all of it.
    fileprivate func lookingAhead(bytes limit: Int) async -> (beginning: [UInt8], whole: UpstreamResponse) {
        var chunks: [[UInt8]] = []
        var count = 0
        var fault: (any Error)?
        do {
            while count < limit, let chunk = try await body.next() {
                chunks.append(chunk)
                count += chunk.count
            }
        } catch { fault = error }
        var whole = self
        whole.body = ByteStream(state: chunks[...]) { [body, fault] rest in
            if let chunk = rest.popFirst() { return chunk }
            if let fault { throw fault }
            return try await body.next()
        }
        return (Array(chunks.joined()), whole)
    }
}

extension UpstreamRequest {
    /// Whether the request can be sent a second time. What follows a handshake is not touched before the upstream agreed to it.
    var isReplayable: Bool { if case .stream = body { upgrade != nil } else { true } }
}
