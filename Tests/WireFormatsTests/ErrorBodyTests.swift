import SemanticCache
import Testing

@testable import WireFormats

@Suite struct ErrorBodyTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func speaksOpenAI() {
        let body = ErrorBody.bytes(message: "a \"b\"\n", type: "invalid_request_error", param: "messages[0]", code: nil, endpoint: .chatCompletions)
        #expect(text(body) == #"{"error":{"message":"a \"b\"\n","type":"invalid_request_error","param":"messages[0]","code":null}}"#)
        let other = ErrorBody.bytes(message: "m", type: "api_error", code: "cache_miss", endpoint: nil)
        #expect(text(other) == #"{"error":{"message":"m","type":"api_error","param":null,"code":"cache_miss"}}"#)
    }

    @Test func speaksAnthropic() {
        let body = ErrorBody.bytes(for: RequestError("m", param: "p"), endpoint: .messages)
        #expect(text(body) == #"{"type":"error","error":{"type":"invalid_request_error","message":"m"}}"#)
    }
}

@Suite struct AnswerTextTests {
    @Test(arguments: [
        ("chat-text.json", "Paris is the capital of France 🇫🇷.\n\"Voilà\""), ("chat-text.sse", "Paris is the capital of France 🇫🇷.\n\"Voilà\""),
        ("chat-tools.json", "get_weather({\"city\":\"Paris\"})\nget_time({\"tz\":\"CET\"})"), ("chat-refusal.sse", "I'm sorry, no."),
        ("chat-custom-tool.json", "sql(SELECT 1)"),
        ("completion-text.sse", "Once upon a time"), ("messages-tools.sse", "Let me look.\nget_weather({\"city\": \"San Jos\\u00e9\"})"),
        ("responses-all.json", "Hello é\nno\nf({\"a\":1})"), ("embeddings.json", "1 embeddings"),
    ])
    func readsTheFirstChoice(name: String, expected: String) throws {
        let transcript = try Transcript(name)
        #expect(try AnswerText.preview(transcript.answer(), endpoint: transcript.endpoint, limit: 1000) == expected)
    }

    @Test func cutsAtTheLimit() throws {
        let transcript = try Transcript("chat-text.json")
        #expect(try AnswerText.preview(transcript.answer(), endpoint: .chatCompletions, limit: 6) == "Paris…")
        #expect(try AnswerText.preview(transcript.answer(), endpoint: .chatCompletions, limit: 0) == "")
    }
}
