package import HTTPTypes
package import SemanticCache
import WireFormats

/// The one place where an error becomes HTTP: the provider's own error shape, with a status that says whose fault it was.
package enum ErrorResponse {
    /// An error of the client's making.
    package static func client(
        _ status: HTTPResponse.Status, message: String, type: String = "invalid_request_error", param: String? = nil, code: String? = nil,
        path: String = ""
    ) -> ProxyResponse {
        response(status, message: message, type: type, param: param, code: code, path: path)
    }

    /// An error on the upstream's side: 502 for a failure, 504 for a time limit, 503 where no call was made: too many wait, the upstream is left
    /// alone, or the program is shutting down.
    package static func upstream(_ error: UpstreamError, path: String) -> ProxyResponse {
        let (status, code) = statusAndCode(of: error)
        var response = response(status, message: "Reprise: \(error.description)", type: "upstream_error", param: nil, code: code, path: path)
        switch error {
        case .overloaded(let time), .circuitOpen(let time): response.fields[.retryAfter] = String(max(1, Int64(time.inSeconds.rounded(.up))))
        case .closed: response.fields[.retryAfter] = "1"
        default: break
        }
        return response
    }

    /// The status of the above.
    static func status(of error: UpstreamError) -> HTTPResponse.Status { statusAndCode(of: error).status }

    private static func statusAndCode(of error: UpstreamError) -> (status: HTTPResponse.Status, code: String) {
        switch error {
        case .timedOut: (.gatewayTimeout, "upstream_timeout")
        case .unreachable: (.badGateway, "upstream_unreachable")
        case .tls: (.badGateway, "upstream_tls")
        case .broken: (.badGateway, "upstream_broken")
        case .requestBody: (.badRequest, "request_body")
        case .overloaded: (.serviceUnavailable, "upstream_overloaded")
        case .circuitOpen: (.serviceUnavailable, "upstream_circuit_open")
        case .cancelled: (.badGateway, "cancelled")
        case .closed: (.serviceUnavailable, "shutting_down")
        }
    }

    /// More than this proxy can take at the moment.
    package static func overloaded(_ message: String, path: String = "") -> ProxyResponse {
        var response = response(
            .serviceUnavailable, message: message, type: "overloaded_error", param: nil, code: "proxy_overloaded", path: path)
        response.fields[.retryAfter] = "1"
        return response
    }

    private static func response(_ status: HTTPResponse.Status, message: String, type: String, param: String?, code: String?, path: String)
        -> ProxyResponse
    {
        let body = ErrorBody.bytes(message: message, type: type, param: param, code: code, status: status.code, path: path[...])
        return ProxyResponse(status: status, fields: [.contentType: "application/json"], body: .bytes(body))
    }
}
