import Testing

@testable import WireFormats

@Suite struct MergedJSONTests {
    @Test(arguments: [
        ([#"{"a":"x"}"#, #"{"a":"y\n"}"#, #"{"a":null}"#], #"{"a":"xy\n"}"#), ([#"{"a":null}"#, #"{"a":"y"}"#], #"{"a":"y"}"#),
        ([#"{"n":1}"#, #"{"n":2.50}"#], #"{"n":2.50}"#),
        ([#"{"id":"i","type":"t"}"#, #"{"id":"i","type":"t"}"#, #"{"id":""}"#], #"{"id":"i","type":"t"}"#),
        ([#"{"name":"get"}"#, #"{"name":"_x"}"#], #"{"name":"get_x"}"#), ([#"{"name":"get"}"#, #"{"name":"get"}"#], #"{"name":"get"}"#),
        ([#"{"l":[1]}"#, #"{"l":[2,3]}"#], #"{"l":[1,2,3]}"#),
        ([#"{"l":[]}"#, #"{"l":[{"index":1,"a":"x"}]}"#, #"{"l":[{"index":1,"a":"y"}]}"#], #"{"l":[{"index":1,"a":"xy"}]}"#),
        ([#"{"l":[{"index":1,"a":"b"}]}"#, #"{"l":[{"index":0,"a":"a"}]}"#], #"{"l":[{"index":0,"a":"a"},{"index":1,"a":"b"}]}"#),
        ([#"{"o":{"a":"x"}}"#, #"{"o":{"b":1}}"#, #"{"o":{"a":"y"}}"#], #"{"o":{"a":"xy","b":1}}"#),
        (
            [#"{"content":[{"type":"thinking","thinking":[]}]}"#, #"{"content":"4"}"#, #"{"content":"2"}"#],
            #"{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"42"}]}"#
        ),
        ([#"{"content":""}"#, #"{"content":[{"type":"text","text":"a"}]}"#, #"{"content":"b"}"#], #"{"content":[{"type":"text","text":"ab"}]}"#),
    ])
    func merges(fragments: [String], expected: String) throws {
        let merged = MergedJSON.emptyObject()
        for fragment in fragments { merged.mergeMembers(of: try JSONDocument(Array(fragment.utf8)).root) }
        var output: [UInt8] = []
        merged.write(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }
}
