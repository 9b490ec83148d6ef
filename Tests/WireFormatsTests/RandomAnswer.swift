import SemanticCache
import TestSupport

@testable import WireFormats

/// A made-up answer in both of its forms: as a plain body, and as the stream that a provider might have sent instead, cut into random fragments.
struct RandomAnswer {
    let endpoint: Endpoint
    let body: [UInt8]
    let stream: [UInt8]

    private static let alphabet = Array("ab cd\n\t\"\\/{}[]:,é€😀\u{0}\u{7f}ß0")

    static func make(_ endpoint: Endpoint, using random: inout SeededGenerator) -> RandomAnswer {
        endpoint == .messages ? message(&random) : completion(&random)
    }

    // MARK: - Pieces

    private static func text(_ random: inout SeededGenerator, atLeast least: Int = 0) -> String {
        String((0..<Int.random(in: least...24, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "x" })
    }

    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONText.append(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text in one to five pieces, none of them empty unless the text is.
    private static func pieces(_ text: String, _ random: inout SeededGenerator) -> [String] {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count > 1 else { return [text] }
        var cuts = Set((0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 1..<scalars.count, using: &random) }).sorted()
        cuts.append(scalars.count)
        var start = 0
        return cuts.map { cut in
            defer { start = cut }
            var piece = String.UnicodeScalarView()
            piece.append(contentsOf: scalars[start..<cut])
            return String(piece)
        }
    }

    // MARK: - Chat completions

    private static func completion(_ random: inout SeededGenerator) -> RandomAnswer {
        let envelope = #""id":"c-1","created":1,"model":"m","system_fingerprint":"f""#
        let hasUsage = Bool.random(using: &random)
        var choices: [String] = []
        var queues: [[String]] = []
        for index in 0..<Int.random(in: 1...3, using: &random) {
            let (choice, deltas) = self.choice(index, &random)
            choices.append(choice)
            queues.append(deltas)
        }
        // The choices' fragments come in any order between each other.
        var events: [String] = []
        while let next = queues.indices.filter({ !queues[$0].isEmpty }).randomElement(using: &random) {
            events.append(#"{\#(envelope),"object":"chat.completion.chunk","choices":[\#(queues[next].removeFirst())]}"#)
        }
        let usage = #""usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}"#
        if hasUsage { events.append(#"{\#(envelope),"object":"chat.completion.chunk","choices":[],\#(usage)}"#) }
        let stream = events.map { "data: \($0)\n\n" }.joined() + "data: [DONE]\n\n"
        let body = #"{\#(envelope),"object":"chat.completion","choices":[\#(choices.joined(separator: ","))]\#(hasUsage ? "," + usage : "")}"#
        return RandomAnswer(endpoint: .chatCompletions, body: Array(body.utf8), stream: Array(stream.utf8))
    }

    private static func choice(_ index: Int, _ random: inout SeededGenerator) -> (String, [String]) {
        var members = [#""role":"assistant""#]
        var deltas = [#""delta":{"role":"assistant","content":null},"finish_reason":null"#]
        func add(_ name: String, _ pieces: [String]) {
            for piece in pieces { deltas.append(#""delta":{"\#(name)":\#(quoted(piece))},"finish_reason":null"#) }
        }
        for name in ["reasoning_content", "refusal", "vendor_text"] where Bool.random(using: &random) {
            let text = text(&random, atLeast: 1)
            members.append(#""\#(name)":\#(quoted(text))"#)
            add(name, pieces(text, &random))
        }
        // Something is said in each: what is empty is not kept.
        if Bool.random(using: &random) || members.count == 1 {
            let text = text(&random, atLeast: 1)
            members.append(#""content":\#(quoted(text))"#)
            add("content", pieces(text, &random))
        } else {
            members.append(#""content":null"#)
        }
        var calls: [String] = []
        for call in 0..<Int.random(in: 0...3, using: &random) {
            let arguments = text(&random, atLeast: 1)
            calls.append(#"{"id":"call_\#(call)","type":"function","function":{"name":"f\#(call)","arguments":\#(quoted(arguments))}}"#)
            let start = #"{"index":\#(call),"id":"call_\#(call)","type":"function","function":{"name":"f\#(call)","arguments":""}}"#
            deltas.append(#""delta":{"tool_calls":[\#(start)]},"finish_reason":null"#)
            for piece in pieces(arguments, &random) {
                deltas.append(#""delta":{"tool_calls":[{"index":\#(call),"function":{"arguments":\#(quoted(piece))}}]},"finish_reason":null"#)
            }
        }
        if !calls.isEmpty { members.append(#""tool_calls":[\#(calls.joined(separator: ","))]"#) }
        let reason = calls.isEmpty ? "stop" : "tool_calls"
        deltas.append(#""delta":{},"finish_reason":"\#(reason)","vendor":\#(index)"#)
        let plain = #"{"index":\#(index),"message":{\#(members.joined(separator: ","))},"finish_reason":"\#(reason)","vendor":\#(index)}"#
        return (plain, deltas.map { #"{"index":\#(index),\#($0)}"# })
    }

    // MARK: - Messages

    private static func message(_ random: inout SeededGenerator) -> RandomAnswer {
        let head = #""id":"msg_1","type":"message","role":"assistant","model":"c""#
        var events = [
            #"{"type":"message_start","message":{\#(head),"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}"#
        ]
        var blocks: [String] = []
        for index in 0..<Int.random(in: 1...4, using: &random) {
            if Bool.random(using: &random) { events.append(#"{"type":"ping"}"#) }
            let (block, start, deltas) = self.block(index, &random)
            blocks.append(block)
            events.append(#"{"type":"content_block_start","index":\#(index),"content_block":\#(start)}"#)
            events += deltas.map { #"{"type":"content_block_delta","index":\#(index),"delta":\#($0)}"# }
            events.append(#"{"type":"content_block_stop","index":\#(index)}"#)
        }
        events.append(#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}"#)
        events.append(#"{"type":"message_stop"}"#)
        let stream = events.map { "event: \($0.split(separator: "\"")[3])\ndata: \($0)\n\n" }.joined()
        let body =
            #"{\#(head),"content":[\#(blocks.joined(separator: ","))],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":9}}"#
        return RandomAnswer(endpoint: .messages, body: Array(body.utf8), stream: Array(stream.utf8))
    }

    private static func block(_ index: Int, _ random: inout SeededGenerator) -> (String, String, [String]) {
        let text = text(&random, atLeast: 1)
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let deltas = pieces(text, &random).map { #"{"type":"text_delta","text":\#(quoted($0))}"# }
            return (#"{"type":"text","text":\#(quoted(text))}"#, #"{"type":"text","text":""}"#, deltas)
        case 1:
            let deltas = pieces(text, &random).map { #"{"type":"thinking_delta","thinking":\#(quoted($0))}"# }
            return (
                #"{"type":"thinking","thinking":\#(quoted(text)),"signature":"c2ln"}"#, #"{"type":"thinking","thinking":"","signature":""}"#,
                deltas + [#"{"type":"signature_delta","signature":"c2ln"}"#]
            )
        case 2:
            let input = #"{"q":\#(quoted(text)),"n":1.50}"#
            let deltas = pieces(input, &random).map { #"{"type":"input_json_delta","partial_json":\#(quoted($0))}"# }
            return (
                #"{"type":"tool_use","id":"t_\#(index)","name":"f","input":\#(input)}"#,
                #"{"type":"tool_use","id":"t_\#(index)","name":"f","input":{}}"#, deltas
            )
        default:
            let block = #"{"type":"vendor_block","data":\#(quoted(text)),"list":[1,{"a":null}]}"#
            return (block, block, [])
        }
    }
}
