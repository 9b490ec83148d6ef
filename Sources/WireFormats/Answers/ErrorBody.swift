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
    ///   - status: the response's, which Google's form says once more.
    ///   - endpoint: `nil` for paths that are no provider's, which get OpenAI's form.
    package static func bytes(
        message: String, type: String, param: String? = nil, code: String? = nil, status: Int = 400, endpoint: Endpoint?
    ) -> [UInt8] {
        let error = WireError(message: message, type: type, param: param, code: code, status: status)
        return endpoint?.format.error(error) ?? error.openAI
    }

    /// The same for a path with or without its query, cached or not.
    package static func bytes(
        message: String, type: String, param: String? = nil, code: String? = nil, status: Int, path: Substring
    ) -> [UInt8] {
        bytes(message: message, type: type, param: param, code: code, status: status, endpoint: KnownFormats.speaking(at: path)?.endpoint)
    }

    /// The body for a request that could not be read: a 400.
    package static func bytes(for error: RequestError, endpoint: Endpoint?) -> [UInt8] {
        bytes(message: error.message, type: "invalid_request_error", param: error.param, endpoint: endpoint)
    }
}
