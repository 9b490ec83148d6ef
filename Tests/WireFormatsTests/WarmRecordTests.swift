import SemanticCache
import Testing

@testable import WireFormats

@Suite struct WarmRecordTests {
    private func read(_ line: String, defaultModel: String? = nil) throws -> WarmRecord {
        try WarmRecord.read(line: Array(line.utf8), defaultModel: defaultModel, created: 1_760_000_000)
    }

    @Test func readsAPromptAndItsAnswer() throws {
        let record = try read(
            #"{"prompt":"What?\n","answer":"That \u00e9.","model":"m","system":"Be brief.","namespace":"docs","tags":["a","b"],"ttl":"1h","temperature":0}"#
        )
        #expect(
            String(decoding: record.body, as: UTF8.self)
                == #"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What?\n"}],"temperature":0}"#)
        #expect(record.request.query == "What?\n")
        #expect(record.namespace == "docs")
        #expect(record.tags == ["a", "b"])
        #expect(record.ttl == .seconds(3600))
        guard case .message(let bytes) = record.answer?.recording else {
            Issue.record("no message")
            return
        }
        let root = try JSONDocument(bytes).root
        #expect(root["choices"]?.first?["message"]?["content"]?.string == "That é.")
        #expect(root["model"]?.string == "m")
        #expect(root["created"]?.int == 1_760_000_000)
        #expect(root["object"]?.string == "chat.completion")
        #expect(record.answer?.usage == TokenUsage(prompt: 0, completion: 0))
        #expect(try read(#"{"prompt":"q"}"#).answer == nil)
    }

    /// A record is the same request as what a client sends.
    @Test func meansTheSameRequest() throws {
        let client = try request(#"{"model":"m","messages":[{"role":"user","content":"q"}],"stream":true}"#)
        for line in [
            #"{"prompt":"q","model":"m"}"#, #"{"prompt":"q"}"#, #"{"messages":[{"role":"user","content":"q"}],"model":"m"}"#,
            #"{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"q"}]}}"#,
            #"{"body":{"messages":[{"role":"user","content":"q"}]}}"#,
        ] {
            let record = try read(line, defaultModel: "m")
            #expect(record.request.plainKey == client.plainKey)
            #expect(record.request.plainScope == client.plainScope)
        }
    }

    @Test func readsBatchLinesAndOtherEndpoints() throws {
        #expect(
            try read(#"{"custom_id":"r-1","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"q"}]}}"#).id
                == "r-1")
        let embeddings = try read(
            #"{"url":"/v1/embeddings","body":{"input":"q"},"response":{"status_code":200,"body":{"data":[{"embedding":[1]}]}}}"#)
        #expect(embeddings.request.endpoint == .embeddings)
        #expect(embeddings.answer?.recording == .message(Array(#"{"data":[{"embedding":[1]}]}"#.utf8)))
        #expect(try read(#"{"endpoint":"/v1/messages","body":{"messages":[{"role":"user","content":"q"}]}}"#).request.endpoint == .messages)
        #expect(try read(#"{"prompt":"q","ttl":30}"#).ttl == .seconds(30))
    }

    @Test(arguments: [
        "", "x", "[]", "{}", #"{"prompt":1}"#, #"{"prompt":"q","messages":[]}"#, #"{"messages":[]}"#, #"{"body":[]}"#,
        #"{"url":"/v1/files","body":{"messages":[{"role":"user"}]}}"#,
        #"{"prompt":"q","answer":5}"#, #"{"prompt":"q","response":{"choices":[]}}"#, #"{"prompt":"q","ttl":"soon"}"#, #"{"prompt":"q","ttl":-1}"#,
        #"{"prompt":"q","tags":"a"}"#, #"{"prompt":"q","tags":[1]}"#, #"{"prompt":"q","namespace":"a b"}"#, #"{"prompt":"q","system":[]}"#,
        #"{"url":"/v1/completions","body":{"prompt":"q"},"answer":"text"}"#, #"{"method":"GET","url":"/v1/completions","body":{"prompt":"q"}}"#,
        #"{"prompt":"q","response":{"choices":[{"message":{},"finish_reason":"length"}]}}"#, #"{"prompt":"q","prompt":"r","x":1,"x":2}"#,
        #"{"url":"/v1/responses","body":{"input":"q","background":true}}"#,
        #"{"body":{"input":1},"url":"/v1/embeddings","response":{"status_code":500,"body":{}}}"#,
    ])
    func refuses(line: String) {
        let error = #expect(throws: WarmRecordError.self) { try read(line) }
        #expect(error?.description.isEmpty == false)
    }

    /// What the command takes, the proxy takes too, as the same request.
    @Test(arguments: [
        #"{"prompt":"q","model":"m","answer":"a","system":"s","ttl":"3600","tags":["t"],"namespace":"n"}"#,
        #"{"prompt":"q","model":"m","answer":{"choices":[]}}"#, #"{"messages":[{"role":"user","content":"q"}],"model":"m","response":"a","x":1}"#,
        #"{"endpoint":"https://h.example/v1/responses","body":{"model":"m","input":"q"},"response":{"output":[]}}"#,
        #"{"custom_id":"1","method":"post","url":"/v1/embeddings","body":{"model":"m","input":["a","b"]}}"#,
    ])
    func strictIsAPartOfWhatIsRead(line: String) throws {
        let strict = try WarmLine(Array(line.utf8), isStrict: true)
        let read = try WarmLine(Array(line.utf8))
        #expect(strict.request.plainKey == read.request.plainKey && strict.body == read.body)
        #expect(strict.hasAnswer == read.hasAnswer && strict.ttl == read.ttl)
    }

    @Test(arguments: [
        #"{"prompt":""}"#, #"{"prompt":"q","system":""}"#, #"{"prompt":"q","response":"a"}"#, #"{"prompt":"q","ttl":0}"#,
        #"{"prompt":"q","answer":""}"#,
        #"{"messages":[{"role":"user"}],"answer":"a","response":"b"}"#, #"{"body":{"messages":[{"role":"user"}]},"response":"a"}"#,
    ])
    func whatWasHardlyMeantIsReadButNotStrictly(line: String) throws {
        _ = try WarmLine(Array(line.utf8))
        #expect(throws: WarmRecordError.self) { try WarmLine(Array(line.utf8), isStrict: true) }
    }

    @Test(arguments: [
        (#"{"prompt":"a"}"#, #"{"model":"m","prompt":"a"}"#),
        (#" {"prompt":"a" , "model" : null, "x":1.0}"#, #" {"model":"m","prompt":"a","x":1.0}"#),
        (#"{"url":"/v1/embeddings","body":{ "input":"a"} }"#, #"{"url":"/v1/embeddings","body":{"model":"m", "input":"a"} }"#),
    ])
    func aModelIsPutInAndNothingElseChanged(line: String, expected: String) throws {
        let record = try WarmLine(Array(line.utf8), defaultModel: "m")
        #expect(!record.namesModel && record.request.model == "m")
        #expect(String(decoding: record.naming(model: "m"), as: UTF8.self) == expected)
    }
}
