import SemanticCache
import Testing

@testable import WireFormats

@Suite struct UsageChunkTests {
    private func omitting(_ bytes: [UInt8], cuts: [Int] = []) -> [UInt8] {
        var omission = UsageOmission()
        var result: [UInt8] = []
        var start = 0
        for cut in cuts + [bytes.count] {
            result += omission.append(Array(bytes[start..<cut]))
            start = cut
        }
        return result + omission.finish()
    }

    /// On its way or recorded: the same bytes are left out, however the stream was cut.
    @Test(arguments: try Transcript.all.filter { $0.isEvents && ($0.endpoint == .chatCompletions || $0.endpoint == .completions) })
    func isLeftOutOnItsWayAsFromARecording(transcript: Transcript) throws {
        let ranges = UsageChunk.ranges(in: transcript.bytes)
        let whole = omitting(transcript.bytes)
        #expect(whole == EventRecording(bytes: transcript.bytes, marks: []).without(ranges).bytes)
        #expect((whole == transcript.bytes) == ranges.isEmpty)
        for cut in stride(from: 0, through: transcript.bytes.count, by: 3) {
            #expect(omitting(transcript.bytes, cuts: [cut]) == whole, "cut at \(cut)")
        }
        // Line ends do not matter.
        for end in ["\r\n", "\r"] where !transcript.bytes.contains(0x0D) {
            let other = transcript.bytes.flatMap { $0 == 0x0A ? Array(end.utf8) : [$0] }
            #expect(UsageChunk.ranges(in: other).count == ranges.count)
        }
    }

    @Test func onlyAUsageChunkIsLeftOut() throws {
        let usage = "data: {\"choices\": [ ],\"usage\":{\"total_tokens\":1}}\n\n"
        let others = [
            "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[]}}],\"usage\":{\"total_tokens\":1}}\n\n",
            "data: {\"choices\":[],\"usage\":null}\n\n", ": []\n\n", "data: []\n\n", "event: x\ndata: {\"a\":\ndata: []}\n\n", "data: [DONE]\n\n",
        ]
        for place in 0...others.count {
            let before = others[..<place].joined()
            let stream = Array((before + usage + others[place...].joined()).utf8)
            #expect(UsageChunk.ranges(in: stream) == [before.utf8.count..<(before.utf8.count + usage.utf8.count)])
            #expect(omitting(stream) == Array(others.joined().utf8))
        }
    }

    @Test func eventsGoOnAsSoonAsTheyAreWhole() {
        var omission = UsageOmission()
        let event = Array("data: {\"choices\":[{}]}\n\n".utf8)
        #expect(omission.append(event) == event)
        #expect(omission.append(Array("data: {".utf8)) == [])
        #expect(omission.append(Array("}\n\ndata: x".utf8)) == Array("data: {}\n\n".utf8))
        #expect(omission.finish() == Array("data: x".utf8))
    }

    @Test(arguments: [
        (#"{ "model":"m" }"#, #"{ "model":"m","stream_options":{"include_usage":true} }"#), ("{}", #"{"stream_options":{"include_usage":true}}"#),
        (#"{"stream_options":null,"n":1.0}"#, #"{"stream_options":{"include_usage":true},"n":1.0}"#),
        (#"{"a":1, "stream_options": {"x":[1], "include_usage": false} }"#, #"{"a":1, "stream_options": {"x":[1], "include_usage": true} }"#),
        (#"{"stream_options": { } }"#, #"{"stream_options": {"include_usage":true } }"#),
        (#"{"stream_options":{"include_obfuscation":false},"a":1}"#, #"{"stream_options":{"include_obfuscation":false,"include_usage":true},"a":1}"#),
    ])
    func asksForUsage(body: String, expected: String) {
        #expect(RequestReader.askingForUsage(Array(body.utf8)).map { String(decoding: $0, as: UTF8.self) } == expected)
    }
}
