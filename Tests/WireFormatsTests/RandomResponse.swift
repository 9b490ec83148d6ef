import TestSupport

@testable import WireFormats

/// A made-up plain answer of `/v1/responses` with items of every kind that comes in pieces, and of kinds that nobody knows.
enum RandomResponse {
    private static let alphabet = Array("ab cd\n\t\"\\/{}[]:,é€😀\u{0}\u{7f}ß0")

    private static func text(_ random: inout SeededGenerator) -> String {
        JSONText.quoted(String((0..<Int.random(in: 0...24, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "x" }))
    }

    private static func texts(_ random: inout SeededGenerator) -> [String] {
        (0..<Int.random(in: 0...3, using: &random)).map { _ in text(&random) }
    }

    private static func list(_ elements: [String]) -> String { "[\(elements.joined(separator: ","))]" }

    static func make(using random: inout SeededGenerator) -> [UInt8] {
        let items = (0..<Int.random(in: 0...8, using: &random)).map { item($0, &random) }
        return Array(
            #"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":\#(list(items)),"usage":null,"text":{"a":1}}"#
                .utf8)
    }

    private static func item(_ index: Int, _ random: inout SeededGenerator) -> String {
        let id = #""id":"i_\#(index)","status":"completed""#
        let text = text(&random)
        let texts = texts(&random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0:
            let parts = texts.map {
                Bool.random(using: &random)
                    ? #"{"type":"output_text","text":\#($0),"annotations":[{"type":"file_path","index":1}]}"#
                    : #"{"type":"refusal","refusal":\#($0)}"#
            }
            return #"{"type":"message",\#(id),"role":"assistant","content":\#(list(parts + [#"{"type":"vendor_part","x":[1]}"#]))}"#
        case 1: return #"{"type":"reasoning","id":"i_\#(index)","summary":\#(list(texts.map { #"{"type":"summary_text","text":\#($0)}"# }))}"#
        case 2:
            let parts = list(texts.map { #"{"type":"reasoning_text","text":\#($0)}"# })
            return #"{"type":"reasoning","id":"i_\#(index)","summary":[],"content":\#(parts),"encrypted_content":null}"#
        case 3: return #"{"type":"function_call",\#(id),"call_id":"c","name":"f","arguments":\#(text)}"#
        case 4: return #"{"type":"custom_tool_call",\#(id),"call_id":"c","name":"f","input":\#(text)}"#
        case 5: return #"{"type":"mcp_call",\#(id),"name":"f","server_label":"s","arguments":\#(text),"output":\#(text),"error":null}"#
        case 6: return #"{"type":"code_interpreter_call",\#(id),"code":\#(text),"container_id":"c","outputs":[{"type":"logs","logs":\#(text)}]}"#
        case 7: return #"{"type":"apply_patch_call",\#(id),"call_id":"c","operation":{"type":"update_file","path":"p","diff":\#(text)}}"#
        case 8: return #"{"type":"shell_call",\#(id),"call_id":"c","action":{"commands":\#(list(texts)),"timeout_ms":null}}"#
        case 9:
            let outputs = texts.map { #"{"stdout":\#($0),"stderr":\#(text),"outcome":{"type":"exit","exit_code":0}}"# }
            return #"{"type":"shell_call_output",\#(id),"call_id":"c","output":\#(list(outputs))}"#
        case 10: return #"{"type":"tool_search_call",\#(id),"call_id":null,"arguments":{"paths":\#(list(texts))}}"#
        default: return #"{"type":"vendor_call",\#(id),"input":{"a":\#(text)},"content":\#(text),"summary":7,"arguments":[]}"#
        }
    }
}
