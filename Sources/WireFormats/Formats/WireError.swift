/// An error of this program's making, before it has the form of a format.
package struct WireError: Sendable {
    package let message: String
    /// In OpenAI's and Anthropic's vocabulary: `invalid_request_error`, `api_error`, ...
    package let type: String
    /// The request's member or header field at fault.
    package let param: String?
    /// A word for programs, as `cache_miss`.
    package let code: String?
    /// The response's status.
    package let status: Int

    /// The form that OpenAI's clients read, and those of most others.
    package var openAI: [UInt8] {
        var body: [UInt8] = []
        body.append(raw: "{\"error\":{\"message\":")
        JSONText.append(message, to: &body)
        body.append(raw: ",\"type\":")
        JSONText.append(type, to: &body)
        body.append(raw: ",\"param\":")
        Self.append(param, to: &body)
        body.append(raw: ",\"code\":")
        Self.append(code, to: &body)
        body.append(raw: "}}")
        return body
    }

    /// Appends the text as a string, or null where there is none.
    private static func append(_ text: String?, to output: inout [UInt8]) {
        if let text { JSONText.append(text, to: &output) } else { output.append(raw: "null") }
    }
}
