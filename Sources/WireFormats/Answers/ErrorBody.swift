package import SemanticCache

/// Writes this program's own errors in the form that the endpoint's clients read.
///
/// Upstream errors are not rewritten: they pass through as they came.
package enum ErrorBody {
    /// The JSON body of an error response.
    /// - Parameters:
    ///   - type: in OpenAI's and Anthropic's vocabulary: `invalid_request_error`, `api_error`, ...
    ///   - param: the request's member or header field at fault. Anthropic's form has no place for it.
    ///   - code: a word for programs, as `cache_miss`. Anthropic's form has no place for it.
    ///   - endpoint: `nil` for paths that are not cached, which get OpenAI's form.
    package static func bytes(message: String, type: String, param: String? = nil, code: String? = nil, endpoint: Endpoint?) -> [UInt8] {
        var body: [UInt8] = []
        if endpoint == .messages {
            body.append(raw: "{\"type\":\"error\",\"error\":{\"type\":")
            JSONText.append(type, to: &body)
            body.append(raw: ",\"message\":")
            JSONText.append(message, to: &body)
        } else {
            body.append(raw: "{\"error\":{\"message\":")
            JSONText.append(message, to: &body)
            body.append(raw: ",\"type\":")
            JSONText.append(type, to: &body)
            body.append(raw: ",\"param\":")
            JSONText.append(param, to: &body)
            body.append(raw: ",\"code\":")
            JSONText.append(code, to: &body)
        }
        body.append(raw: "}}")
        return body
    }

    /// The body for a request that could not be read: a 400.
    package static func bytes(for error: RequestError, endpoint: Endpoint?) -> [UInt8] {
        bytes(message: error.message, type: "invalid_request_error", param: error.param, endpoint: endpoint)
    }
}

extension JSONText {
    /// Appends `text` as a string, or null where there is none.
    fileprivate static func append(_ text: String?, to output: inout [UInt8]) {
        if let text { append(text, to: &output) } else { output.append(raw: "null") }
    }
}
