import HTTPTypes
import SemanticCache
import TestSupport
import Testing
import WireFormats

@testable import Proxy

/// Browsers read a hit where they could read a fresh answer, and nowhere else.
@Suite struct CrossOriginTests {
    /// What the upstream tells a page, by the page's origin; `nil` for a request without one.
    private func bench(_ told: @escaping @Sendable (String?) -> [(String, String)]) -> ProxyBench {
        ProxyBench { request, body in
            guard case .response(let status, var fields, let chunks) = ProxyBench.echo(body) else { return ProxyBench.echo(body) }
            for (name, value) in told(request.fields[.origin]) { fields.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
            return .response(status: status, fields: fields, chunks: chunks)
        }
    }

    private func told(_ answer: ProxyBench.Answer) -> [String] {
        answer.fields.filter { $0.name.canonicalName.hasPrefix("access-control") || $0.name == .vary }.map { "\($0.name.canonicalName): \($0.value)" }
            .sorted()
    }

    @Test func whatHoldsForAllIsInEveryHit() async {
        let bench = bench { _ in [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "x-request-id")] }
        _ = await bench.ask("one")
        for fields in [[:], [.origin: "https://a.example"], [.origin: "null"]] as [HTTPFields] {
            let hit = await bench.ask("one", fields: fields)
            #expect(hit.cache == "HIT")
            #expect(told(hit) == ["access-control-allow-origin: *", "access-control-expose-headers: x-request-id"])
        }
        #expect(bench.upstream.calls.count == 1)
    }

    /// An upstream that lets some pages in and names them: each costs one call, also for other questions to the same model.
    @Test func eachPageIsToldItsOwn() async {
        let bench = bench { origin in
            guard let origin, origin.hasSuffix(".example") else { return [("Vary", "Origin")] }
            return [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"), ("Vary", "Accept-Encoding, Origin")]
        }
        func ask(_ question: String, _ origin: String?) async -> ProxyBench.Answer {
            await bench.ask(question, fields: origin.map { [.origin: $0] } ?? [:])
        }
        let (a, b, stranger) = ("https://a.example", "https://b.example", "https://elsewhere.test")
        for origin in [a, b, stranger] {
            let fresh = await ask("one", origin)
            #expect(fresh.cache == "MISS")
            for asked in [a, b, stranger].prefix(through: [a, b, stranger].firstIndex(of: origin)!) {
                let hit = await ask("one", asked)
                #expect(hit.cache == "HIT")
                if asked == stranger {
                    #expect(told(hit) == ["vary: Origin"])
                } else {
                    #expect(
                        told(hit) == [
                            "access-control-allow-credentials: true", "access-control-allow-origin: \(asked)", "vary: Accept-Encoding, Origin",
                        ])
                }
            }
        }
        #expect(await ask("one", "https://c.example").reason == "incomplete-entry")
        // What is not asked from a page has no page's leave in it.
        let plain = await ask("one", nil)
        #expect(plain.cache == "HIT" && plain.fields[.accessControlAllowOrigin] == nil)
        _ = await ask("two", nil)
        let before = bench.upstream.calls.count
        #expect(await ask("two", a).fields[.accessControlAllowOrigin] == a)
        #expect(bench.upstream.calls.count == before)
    }

    @Test func aPageFindsWhatWasAskedFromNoPage() async {
        let bench = bench { $0.map { [("Access-Control-Allow-Origin", $0)] } ?? [] }
        _ = await bench.ask("one")
        let first = await bench.ask("one", fields: [.origin: "https://a.example"])
        #expect(first.cache == "MISS" && first.fields[.accessControlAllowOrigin] == "https://a.example")
        #expect(await bench.ask("one", fields: [.origin: "https://a.example"]).cache == "HIT")
        #expect(await bench.ask("one").cache == "HIT")
    }

    @Test func whereNothingIsSaidNothingIsAdded() async {
        let bench = bench { _ in [] }
        for cache in ["MISS", "HIT", "HIT"] {
            let answer = await bench.ask("one", fields: [.origin: "https://a.example"])
            #expect(answer.cache == cache && told(answer).isEmpty)
        }
    }

    @Test func rewordingsAndStreamsAreHitsOfTheSamePage() async {
        let bench = bench { $0.map { [("Access-Control-Allow-Origin", $0)] } ?? [] }
        let (a, b): (HTTPFields, HTTPFields) = ([.origin: "https://a.example"], [.origin: "https://b.example"])
        _ = await bench.ask("how do i reset my account password", fields: a)
        let reworded = await bench.ask("please how do i reset my account password", fields: a)
        #expect(reworded.match == "semantic" && reworded.fields[.accessControlAllowOrigin] == "https://a.example")
        let streamed = await bench.ask("how do i reset my account password", extra: #","stream":true"#, fields: a)
        #expect(streamed.cache == "HIT" && streamed.fields[.accessControlAllowOrigin] == "https://a.example")
        #expect(await bench.ask("please how do i reset my account password", fields: b).fields[.accessControlAllowOrigin] == "https://b.example")
    }

    @Test func pagesShareNoCall() async {
        let bench = bench { $0.map { [("Access-Control-Allow-Origin", $0)] } ?? [] }
        async let first = bench.ask("one", fields: [.origin: "https://a.example"])
        async let second = bench.ask("one", fields: [.origin: "https://b.example"])
        #expect(await first.fields[.accessControlAllowOrigin] == "https://a.example")
        #expect(await second.fields[.accessControlAllowOrigin] == "https://b.example")
    }

    @Test func partsOfABatchToo() async {
        let body = #"{"object":"list","data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[2]}],"usage":{"prompt_tokens":2}}"#
        let bench = ProxyBench { request, _ in
            .response(
                status: .ok, fields: [.contentType: "application/json", .accessControlAllowOrigin: request.fields[.origin] ?? "-"],
                chunks: [Array(body.utf8)])
        }
        let origin: HTTPFields = [.origin: "https://a.example"]
        for cache in ["MISS", "HIT"] {
            let answer = await bench.post(#"{"model":"e","input":["a","b"]}"#, path: "/v1/embeddings", fields: origin)
            #expect(answer.cache == cache && answer.fields[.accessControlAllowOrigin] == "https://a.example")
        }
    }
}

/// Streams whose client asks what they cost.
@Suite struct AskedUsageTests {
    private static let asking = #","stream":true,"stream_options":{"include_usage":true}"#

    private func bench(_ usage: @escaping @Sendable (_ isAsked: Bool) -> Bool, plainUsage: Bool = true) -> ProxyBench {
        ProxyBench { _, body in
            let text = String(decoding: body, as: UTF8.self)
            guard text.contains(#""stream":true"#) else {
                let whole = ProxyBench.completion("hi")
                let bare = whole.replacing(#","usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}"#, with: "")
                return .response(status: .ok, fields: [.contentType: "application/json"], chunks: [Array((plainUsage ? whole : bare).utf8)])
            }
            var chunks = ProxyBench.events(["hi"])
            if usage(text.contains("include_usage")) {
                chunks.insert(
                    Array((#"data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"# + "\n\n").utf8),
                    at: chunks.count - 1)
            }
            return .response(status: .ok, fields: [.contentType: "text/event-stream"], chunks: chunks)
        }
    }

    @Test func anEntryWithoutItIsIncomplete() async {
        let bench = bench { $0 }
        _ = await bench.ask("one", extra: #","stream":true"#)
        let asked = await bench.ask("one", extra: Self.asking)
        #expect(asked.reason == "incomplete-entry" && asked.body.contains("prompt_tokens"))
        let again = await bench.ask("one", extra: Self.asking)
        #expect(again.cache == "HIT" && again.body == asked.body)
        let unasked = await bench.ask("one", extra: #","stream":true"#)
        #expect(unasked.cache == "HIT" && !unasked.body.contains("prompt_tokens"))
        #expect(await bench.ask("one").body.contains("prompt_tokens"))
    }

    /// A plain answer without it gives no stream with it either; one with it does.
    @Test func plainAnswersAreAskedTheSame() async {
        let told = bench { $0 }
        _ = await told.ask("one")
        #expect(await told.ask("one", extra: Self.asking).cache == "HIT")
        let silent = bench({ $0 }, plainUsage: false)
        _ = await silent.ask("one")
        #expect(await silent.ask("one", extra: #","stream":true"#).cache == "HIT")
        #expect(await silent.ask("one", extra: Self.asking).reason == "incomplete-entry")
    }

    /// Who is never told is not asked for ever: what a fresh answer would lack, a hit may lack.
    @Test func anUpstreamThatNeverSaysItIsBelieved() async {
        let bench = bench { _ in false }
        _ = await bench.ask("one", extra: #","stream":true"#)
        #expect(await bench.ask("one", extra: Self.asking).reason == "incomplete-entry")
        #expect(await bench.ask("one", extra: Self.asking).cache == "HIT")
        #expect(await bench.ask("one", extra: #","stream":true"#).cache == "HIT")
        #expect(bench.upstream.calls.count == 2)
    }
}
