import Foundation
import Testing

@testable import reprise

/// Which records are taken, and what is said about the others.
struct CheckedRecordTests {
    private func record(_ line: String, model: String? = nil) throws(RecordFault) -> CheckedRecord {
        try CheckedRecord(jsonLine: Array(line.utf8), defaultModel: model)
    }

    @Test(arguments: [
        (#"{"prompt":"a","answer":"b","model":"m"}"#, true),
        (#"{"prompt":"a","model":"m","answer":null}"#, false),
        (#"{"prompt":"a","model":"m","system":"s","namespace":"n","tags":["t"],"ttl":"1h","id":7,"temperature":0.70}"#, false),
        (#"{"prompt":"a","model":"m","ttl":3600}"#, false), (#"{"prompt":"a","model":"m","ttl":"3600"}"#, false),
        (#"{"messages":[{"role":"user","content":"x"}],"model":"m","answer":"y","temperature":0.1}"#, true),
        (#"{"messages":[{"role":"user","content":[]}],"model":"m","response":{"id":"x"}}"#, true),
        (#"{"messages":[{"role":"user","content":"x"}],"model":"m"}"#, false),
        (#"{"body":{"model":"m","messages":[{"role":"user"}]},"response":{"choices":[]}}"#, true),
        (#"{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user"}]}}"#, false),
        (#"{"custom_id":"1","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"x"}}"#, false),
    ])
    func goodRecordsKeepTheirBytes(line: String, hasAnswer: Bool) throws {
        #expect(try record(line) == CheckedRecord(line: Array(line.utf8), hasAnswer: hasAnswer))
    }

    @Test(arguments: [
        ("nonsense", "this is not JSON"), ("{\"a\":", "this is not JSON"), ("[1]", "expected a JSON object; found a list"),
        ("3", "expected a JSON object; found 3"),
        ("{}", "expected one of the members prompt, messages and body; found none of them"),
        (#"{"promt":"a"}"#, "found none of them; did you mean 'prompt' by 'promt'?"),
        (#"{"prompt":"a","messages":[]}"#, "found prompt and messages"),
        (#"{"prompt":"","model":"m"}"#, "prompt: expected some text; found an empty text"),
        (#"{"prompt":["a"],"model":"m"}"#, "prompt: expected some text; found a list"),
        (#"{"prompt":"a","model":"m","anwser":"b"}"#, "unknown member 'anwser'; did you mean 'answer'?"),
        (#"{"prompt":"a","model":"m","response":{}}"#, "beside prompt expected the member answer"),
        (#"{"prompt":"a","model":"m","answer":1}"#, "answer: expected some text; found 1"),
        (#"{"prompt":"a","model":5}"#, "model: expected some text; found 5"),
        (#"{"prompt":"a"}"#, "no model: name one in the record, or for all records with --model"),
        (#"{"prompt":"a","model":"m","tags":"x"}"#, "tags: expected a list of texts; found 'x'"),
        (#"{"prompt":"a","model":"m","tags":[1]}"#, "tags: expected a list of texts"),
        (#"{"prompt":"a","model":"m","ttl":"soon"}"#, "ttl: expected a duration such as 30s, 5m, 24h or 7d, or seconds; found 'soon'"),
        (#"{"prompt":"a","model":"m","ttl":-1}"#, "ttl: expected a duration"),
        (#"{"prompt":"a","model":"m","ttl":"0s"}"#, "ttl: expected a duration"),
        (#"{"messages":"a","model":"m"}"#, "messages: expected a list; found 'a'"), (#"{"messages":[],"model":"m"}"#, "at least one message"),
        (#"{"messages":[{"role":"user"},{}],"model":"m"}"#, "expected an object with a role at index 1"),
        (#"{"messages":[{"role":"user"}],"model":"m","answer":"a","response":{}}"#, "expected answer or response; found both"),
        (#"{"body":"x"}"#, "body: expected an object; found 'x'"), (#"{"body":{"model":"m"}}"#, "messages: expected a list; found nothing"),
        (#"{"method":"GET","body":{"model":"m","messages":[{"role":"u"}]}}"#, "method: expected POST; found 'GET'"),
        (#"{"url":"/v1/files","body":{"model":"m"}}"#, "url: expected one of /v1/chat/completions"),
        (#"{"body":{"model":"m","messages":[{"role":"u"}]},"response":"x"}"#, "response: expected an object; found 'x'"),
    ])
    func badRecordsSayWhatWasExpected(line: String, message: String) {
        do throws(RecordFault) {
            _ = try record(line)
            Issue.record("taken: \(line)")
        } catch { #expect(error.message.contains(message), "\(error.message)") }
    }

    @Test func theDefaultModelIsPutInWithoutTouchingNumbers() throws {
        let line = try record(#"{"messages":[{"role":"user"}],"temperature":0.70}"#, model: "m\"x").line
        #expect(String(decoding: line, as: UTF8.self) == #"{"model":"m\"x","messages":[{"role":"user"}],"temperature":0.70}"#)
        let inBody = try record(#"{"body":{"messages":[{"role":"user"}]}}"#, model: "m").line
        let object = try #require(try JSONSerialization.jsonObject(with: Data(inBody)) as? [String: [String: Any]])
        #expect(object["body"]?["model"] as? String == "m" && object["body"]?["messages"] != nil)
        #expect(try record(#"{"prompt":"a","model":"own"}"#, model: "m").line == Array(#"{"prompt":"a","model":"own"}"#.utf8))
        #expect(try record(#"{"prompt":"a","model":null}"#, model: "m").line == Array(#"{"model":"m","prompt":"a"}"#.utf8))
    }

    @Test func rowsBecomeLines() throws {
        let row = ["prompt": "a\n\"b\"", "answer": "c", "model": "", "tags": "x; y,z,", "ttl": "1h"]
        let record = try CheckedRecord(row: row, defaultModel: "m")
        #expect(record.hasAnswer && !record.line.contains(UInt8(ascii: "\n")))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(record.line)) as? [String: Any])
        #expect(object["prompt"] as? String == "a\n\"b\"" && object["tags"] as? [String] == ["x", "y", "z"] && object["model"] as? String == "m")
        #expect(throws: RecordFault("the column prompt is empty")) { try CheckedRecord(row: ["prompt": "", "answer": "x"], defaultModel: "m") }
    }
}
