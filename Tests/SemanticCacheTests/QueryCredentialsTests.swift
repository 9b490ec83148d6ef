import HTTPTypes
import SemanticCache
import Testing

@Suite struct QueryCredentialsTests {
    @Test(arguments: [
        ("/v1beta/models/m:generateContent?key=AIza%2B1", ["x-goog-api-key: AIza+1"], "/v1beta/models/m:generateContent"),
        ("/v1beta/x?alt=sse&key=k", ["x-goog-api-key: k"], "/v1beta/x?alt=sse"),
        ("/v1beta/x?key=k&alt=sse", ["x-goog-api-key: k"], "/v1beta/x?alt=sse"),
        ("/v1/realtime?api-key=a&model=m", ["api-key: a"], "/v1/realtime?model=m"),
        ("/v1beta/x?access_token=t", ["authorization: Bearer t"], "/v1beta/x"), ("/x?key=a&key=b", ["x-goog-api-key: a", "x-goog-api-key: b"], "/x"),
        ("/x?keys=a&monkey=b&Key=c", [], "/x?keys=a&monkey=b&Key=c"), ("/x?", [], "/x?"), ("/x?a&&b=", [], "/x?a&&b="), ("/x?key=&a", [], "/x?a"),
        ("/x?key", [], "/x?key"), ("/key=1", [], "/key=1"),
    ])
    func standForFields(target: String, fields: [String], removed: String) {
        #expect(QueryCredentials.fields(in: target).map { "\($0.name.canonicalName): \($0.value)" } == fields)
        #expect(QueryCredentials.removed(from: target) == removed)
    }

    @Test func aSocketsSubprotocolMayBeOne() {
        var fields: HTTPFields = [.secWebSocketProtocol: "realtime, openai-insecure-api-key.sk-1,openai-beta.realtime-v1"]
        #expect(SocketCredentials.fields(in: fields) == [HTTPField(name: .authorization, value: "Bearer sk-1")])
        SocketCredentials.remove(from: &fields)
        #expect(fields[.secWebSocketProtocol] == "realtime, openai-beta.realtime-v1")
        let before: HTTPFields = [.secWebSocketProtocol: "chat,superchat"]
        var after = before
        SocketCredentials.remove(from: &after)
        #expect(after == before && SocketCredentials.fields(in: before).isEmpty)
    }
}
