import HTTPTypes
import SemanticCache
import Testing

@testable import WireFormats

@Suite struct WireFormatTests {
    @Test func everyEndpointHasOneFormat() {
        #expect(KnownFormats.all.map(\.endpoint.rawValue).sorted() == Endpoint.allCases.map(\.rawValue).sorted())
        for endpoint in Endpoint.allCases { #expect(endpoint.format.endpoint == endpoint) }
    }

    /// Those whose paths name no model; the others have tests of their own.
    @Test(arguments: Endpoint.allCases.filter { !$0.path.contains("{model}") })
    func everyFormatKnowsItsPaths(endpoint: Endpoint) {
        let rest = endpoint.path.dropFirst("/v1".count)
        for path in [endpoint.path, "/openai/v1" + rest, "/openai/deployments/d-1" + rest, "/openai" + rest] {
            let target = WireTarget(path: path[...])
            #expect(target?.endpoint == endpoint, "\(path)")
            #expect(target?.model == nil && target?.streams == nil)
        }
        for path in [endpoint.path + "/", "/v2" + rest, String(rest), "/openai/deployments/d-1/x" + rest, endpoint.path.uppercased()] {
            #expect(WireTarget(path: path[...]) == nil, "\(path)")
        }
    }

    /// No format answers to another one's path, so the order of the list decides nothing.
    @Test func pathsAreOfOneFormatEach() {
        for endpoint in Endpoint.allCases {
            let path = RequestPath(endpoint.path[...])
            #expect(KnownFormats.all.compactMap { $0.target(at: path)?.endpoint } == [endpoint])
        }
    }
}

/// A format whose model and streaming stand in the path, as Google's do: nothing of it is in the list, and everything reads it.
@Suite struct PathFormatTests {
    /// `/v1beta/models/NAME:generateContent`, or `:streamGenerateContent`; requests and answers as in chat completions.
    private struct PathFormat: WireFormat {
        private let chat = ChatFormat()
        var endpoint: Endpoint { .chatCompletions }
        var streamsTellUsage: Bool { true }

        func target(at path: RequestPath) -> WireTarget? {
            guard path.text.hasPrefix("/v1beta/models/") else { return nil }
            let parts = path.text.dropFirst("/v1beta/models/".count).split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, ["generateContent", "streamGenerateContent"].contains(parts[1]) else { return nil }
            return WireTarget(format: self, model: String(parts[0]), streams: parts[1] == "streamGenerateContent")
        }

        func keyed(_ pathAndQuery: String) -> String {
            guard let colon = pathAndQuery.firstIndex(of: ":") else { return pathAndQuery }
            return String(pathAndQuery[..<colon])
        }

        func findQuery(in root: JSONNode) throws(RequestError) -> QueryFinder { try chat.findQuery(in: root) }
        func check(_ message: JSONNode) throws(NotStoredReason) { try chat.check(message) }
        func progress() -> (any StreamProgress)? { chat.progress() }
        func message(from events: [SSEEvent]) -> [UInt8]? { chat.message(from: events) }
        func events(from message: JSONNode, includesUsage: Bool) -> [[UInt8]]? { chat.events(from: message, includesUsage: true) }
        func text(of message: JSONNode) -> String { chat.text(of: message) }
    }

    private func read(_ path: String, _ body: String = #"{"messages":[{"role":"user","content":"hi"}]}"#) throws -> CacheableRequest {
        let target = try #require(PathFormat().target(at: RequestPath(path[...])))
        guard case .cacheable(let request) = RequestReader.read(target, body: Array(body.utf8)) else { throw NotCacheable() }
        return request
    }

    @Test func modelAndStreamingComeFromThePath() throws {
        let plain = try read("/v1beta/models/g-2:generateContent")
        let streamed = try read("/v1beta/models/g-2:streamGenerateContent")
        #expect(plain.model == "g-2" && streamed.model == "g-2")
        #expect(!plain.wantsStream && streamed.wantsStream)
        #expect(!streamed.hidesUsage)
        #expect(PathFormat().target(at: RequestPath("/v1beta/models/g-2:countTokens")) == nil)
        // What the path says, no body unsays.
        #expect(try read("/v1beta/models/g-2:generateContent", #"{"model":"x","stream":true,"messages":[{"role":"user"}]}"#).wantsStream == false)
        #expect(try read("/v1beta/models/g-2:generateContent", #"{"model":"x","messages":[{"role":"user"}]}"#).model == "g-2")
    }

    @Test func theStreamAndThePlainAnswerAreOneEntry() throws {
        let paths = ["/v1beta/models/g-2:generateContent", "/v1beta/models/g-2:streamGenerateContent", "/v1beta/models/g-3:generateContent"]
        let keys = try paths.map { try read($0).key(tenant: tenant, namespace: "", pathAndQuery: $0) }
        let scopes = try paths.map { try read($0).scope(tenant: tenant, namespace: "", pathAndQuery: $0) }
        #expect(keys[0] == keys[1] && keys[0] != keys[2])
        #expect(scopes[0] == scopes[1] && scopes[0] != scopes[2])
    }

    @Test func itsAnswersAreKeptAndGivenInBothForms() throws {
        let transcript = try Transcript("chat-usage.sse")
        var recorder = AnswerRecorder(
            request: try read("/v1beta/models/g-2:streamGenerateContent"), status: 200, fields: [.contentType: "text/event-stream"], limit: 1 << 20)
        recorder.append(transcript.bytes, milliseconds: 0)
        let recorded = try recorder.finish().get()
        let answer = Answer(recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: .zero)
        let streamed = try #require(AnswerRenderer.render(answer, for: read("/v1beta/models/g-2:streamGenerateContent")))
        #expect(streamed.bytes == transcript.bytes)
        let plain = try #require(AnswerRenderer.render(answer, for: read("/v1beta/models/g-2:generateContent")))
        #expect(try JSONDocument(plain.bytes).root["choices"]?.first?["message"] != nil)
    }
}
