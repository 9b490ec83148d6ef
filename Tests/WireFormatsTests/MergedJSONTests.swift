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
        // Labels come whole, signatures, and objects of arguments, too.
        ([#"{"a":{"thought_signature":"x"}}"#, #"{"a":{"thought_signature":"x"}}"#], #"{"a":{"thought_signature":"x"}}"#),
        ([#"{"channel":"analysis"}"#, #"{"channel":"analysis"}"#, #"{"channel":"final"}"#], #"{"channel":"final"}"#),
        ([#"{"tool_use_id":"t","mime_type":"m"}"#, #"{"tool_use_id":"t","mime_type":"m"}"#], #"{"tool_use_id":"t","mime_type":"m"}"#),
        ([#"{"input":{"a":"x"}}"#, #"{"input":{"a":"xy","b":null}}"#], #"{"input":{"a":"xy","b":null}}"#),
    ])
    func merges(fragments: [String], expected: String) throws {
        let merged = MergedJSON.emptyObject()
        for fragment in fragments { merged.mergeMembers(of: try JSONDocument(Array(fragment.utf8)).root) }
        var output: [UInt8] = []
        merged.write(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    /// Which elements of two lists are pieces of one: by id, by index and type, by what they are pieces of.
    @Test(arguments: [
        // An id is one element's, whatever its index; an index with another id is another's.
        (#"[{"id":"a","index":0,"x":"1"}]"#, #"[{"id":"b","index":0,"x":"2"}]"#, #"[{"id":"a","index":0,"x":"1"},{"id":"b","index":0,"x":"2"}]"#),
        (#"[{"id":"a","x":"1"},{"id":"b","x":"2"}]"#, #"[{"id":"a","x":"3"}]"#, #"[{"id":"a","x":"13"},{"id":"b","x":"2"}]"#),
        // The id may come later, or only once.
        (#"[{"index":0,"x":"1"}]"#, #"[{"id":"a","index":0,"x":"2"}]"#, #"[{"index":0,"x":"12","id":"a"}]"#),
        (
            #"[{"index":0,"id":"a","x":"1"},{"index":0,"id":"b","x":"2"}]"#, #"[{"index":0,"x":"3"}]"#,
            #"[{"index":0,"id":"a","x":"1"},{"index":0,"id":"b","x":"23"}]"#
        ),
        // One id and one index, two types; and one id of two types under two numbers.
        (
            #"[{"type":"s","id":"r","index":0,"x":"1"}]"#, #"[{"type":"e","id":"r","index":0,"x":"2"},{"type":"s","id":"r","index":0,"x":"3"}]"#,
            #"[{"type":"s","id":"r","index":0,"x":"13"},{"type":"e","id":"r","index":0,"x":"2"}]"#
        ),
        (
            #"[{"type":"s","id":"r","index":0,"x":"1"}]"#, #"[{"type":"s","id":"r","index":1,"x":"2"}]"#,
            #"[{"type":"s","id":"r","index":0,"x":"1"},{"type":"s","id":"r","index":1,"x":"2"}]"#
        ),
        // Pieces of one element in one list.
        (#"[{"index":0,"id":"a","x":"1"},{"index":0,"x":"2"}]"#, #"[{"index":0,"x":"3"}]"#, #"[{"index":0,"id":"a","x":"123"}]"#),
        // Arguments without anything else go on with the last call, wherever they are in it.
        (#"[{"id":"a","custom":{"name":"f","input":""}}]"#, #"[{"custom":{"input":"x"}}]"#, #"[{"id":"a","custom":{"name":"f","input":"x"}}]"#),
        (
            #"[{"id":"a","function":{"name":"f","arguments":""}}]"#, #"[{"function":{"arguments":""}},{"index":0,"function":{"arguments":"x"}}]"#,
            #"[{"id":"a","function":{"name":"f","arguments":"x"},"index":0}]"#
        ),
        // Servers that make up an id with each piece.
        (
            #"[{"index":0,"id":"a","function":{"name":"f"}},{"index":1,"id":"b","function":{"name":"g"}}]"#,
            #"[{"index":0,"id":"c","function":{"arguments":"x"}},{"index":1,"id":"d","function":{"arguments":"y"}}]"#,
            #"[{"index":0,"id":"a","function":{"name":"f","arguments":"x"}},{"index":1,"id":"b","function":{"name":"g","arguments":"y"}}]"#
        ),
        // Whole calls of a kind without names, index and id.
        (
            #"[{"type":"search","arguments":"{}"}]"#, #"[{"type":"python","arguments":"{}"}]"#,
            #"[{"type":"search","arguments":"{}"},{"type":"python","arguments":"{}"}]"#
        ),
        (
            #"[{"type":"search","arguments":"[1]"}]"#, #"[{"type":"search","arguments":"[2]"}]"#,
            #"[{"type":"search","arguments":"[1]"},{"type":"search","arguments":"[2]"}]"#
        ),
        // A call that is named behind whole arguments is another, also without an id; one that says the same is the same.
        (
            #"[{"index":0,"function":{"name":"f","arguments":"{}"}}]"#, #"[{"index":0,"function":{"name":"g","arguments":"{}"}}]"#,
            #"[{"index":0,"function":{"name":"f","arguments":"{}"}},{"index":0,"function":{"name":"g","arguments":"{}"}}]"#
        ),
        (
            #"[{"index":0,"function":{"name":"f","arguments":"{}"}}]"#, #"[{"index":0,"function":{"name":"f","arguments":"{}"}}]"#,
            #"[{"index":0,"function":{"name":"f","arguments":"{}"}}]"#
        ),
        (
            #"[{"index":0,"function":{"name":"f","arguments":"{\"a\":"}}]"#, #"[{"index":0,"function":{"name":"f","arguments":"{}}"}}]"#,
            #"[{"index":0,"function":{"name":"f","arguments":"{\"a\":{}}"}}]"#
        ),
        // What was whole is said again whole.
        (
            #"[{"index":0,"arguments":"{\"q\":1}"}]"#, #"[{"index":0,"arguments":"{\"q\":1}","output":"o"}]"#,
            #"[{"index":0,"arguments":"{\"q\":1}","output":"o"}]"#
        ),
        (#"[{"index":0,"image_url":{"url":"u"}}]"#, #"[{"index":0,"image_url":{"url":"u"},"n":1}]"#, #"[{"index":0,"image_url":{"url":"u"},"n":1}]"#),
        (#"[{"url":"a","start":1}]"#, #"[{"url":"a","start":1},{"url":"b","start":2}]"#, #"[{"url":"a","start":1},{"url":"b","start":2}]"#),
        (#"["https://a","https://b"]"#, #"["https://a","https://b"]"#, #"["https://a","https://b"]"#),
        // What may be the same twice is not: numbers, and texts that grow.
        ("[7]", "[7,7]", "[7,7,7]"),
        (#"[{"type":"text","text":"ha"}]"#, #"[{"type":"text","text":"ha"}]"#, #"[{"type":"text","text":"haha"}]"#),
        (
            #"[{"type":"reasoning.text","index":0,"text":"ha"}]"#, #"[{"type":"reasoning.text","index":0,"text":"ha"}]"#,
            #"[{"type":"reasoning.text","index":0,"text":"haha"}]"#
        ),
        // Parts that are whole stay apart, and so do parts of one list.
        (
            #"[{"type":"reference","ids":[1]}]"#, #"[{"type":"reference","ids":[2]}]"#,
            #"[{"type":"reference","ids":[1]},{"type":"reference","ids":[2]}]"#
        ),
        (
            #"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#, #"[{"type":"text","text":"c"},{"type":"text","text":"d"}]"#,
            #"[{"type":"text","text":"a"},{"type":"text","text":"bc"},{"type":"text","text":"d"}]"#
        ),
        (#"[{"type":"file","file_id":"a"}]"#, #"[{"type":"file","file_id":"b"}]"#, #"[{"type":"file","file_id":"a"},{"type":"file","file_id":"b"}]"#),
        // A signed part is over.
        (
            #"[{"type":"thinking","thinking":"a","signature":"s"}]"#, #"[{"type":"thinking","thinking":"b"}]"#,
            #"[{"type":"thinking","thinking":"a","signature":"s"},{"type":"thinking","thinking":"b"}]"#
        ),
    ])
    func joinsListsByTheirElements(first: String, second: String, expected: String) throws {
        let merged = MergedJSON.emptyObject()
        for list in [first, second] { merged.mergeMembers(of: try JSONDocument(Array(#"{"l":\#(list)}"#.utf8)).root) }
        var output: [UInt8] = []
        merged.write(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == #"{"l":\#(expected)}"#)
    }

    /// The last word counts, and objects of which each word says a part are merged.
    @Test(arguments: [
        ([#"{"o":{"a":"x","l":[1]}}"#, #"{"o":{"a":"y","b":null,"l":[2]}}"#, #"{"o":{"a":""}}"#], #"{"o":{"a":"y","l":[2],"b":null}}"#),
        ([#"{"o":{"d":{"a":1}}}"#, #"{"o":{"d":{"b":2}}}"#, #"{"o":null}"#], #"{"o":{"d":{"a":1,"b":2}}}"#),
        ([#"{"o":null}"#, #"{"o":{"a":"x"}}"#, #"{"o":"s"}"#], #"{"o":"s"}"#),
    ])
    func takesTheLastWord(words: [String], expected: String) throws {
        let merged = MergedJSON.emptyObject()
        for word in words { merged.replaceMembers(from: try JSONDocument(Array(word.utf8)).root) }
        var output: [UInt8] = []
        merged.write(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    /// Elements of every shape, in great number: a quadratic merge would take an hour.
    @Test(
        .timeLimit(.minutes(20)),
        arguments: [
            #"{"l":[{"id":"@N","x":"y"}]}"#, #"{"l":[{"id":"@N","index":0,"type":"t","x":"y"}]}"#, #"{"l":[{"index":@N}]}"#, #"{"l":[{"a":@N}]}"#,
            #"{"l":[{"index":0,"function":{"name":"f","arguments":"{\"a\":@N}"}}]}"#, #"{"l":[{"type":"text","text":"@N"}]}"#, #"{"l":["@N"]}"#,
            #"{"l":"@N"}"#,
        ])
    func mergesManyElements(fragment: String) throws {
        let merged = MergedJSON.emptyObject()
        for number in 0..<40_000 {
            merged.mergeMembers(of: try JSONDocument(Array(fragment.replacing("@N", with: String(number)).utf8)).root)
        }
        var output: [UInt8] = []
        merged.write(to: &output)
        #expect(output.count > 40_000)
    }
}
