/// Where the paths of Google's APIs begin, beside `/v1/`: versions, files on their way, and the live API's socket.
enum GoogleRoots {
    static let all = ["/v1beta/", "/v1beta1/", "/v1alpha/", "/upload/v1", "/download/v1", "/ws/google."]
}

extension WireError {
    /// The form that Google's clients read (`google.rpc.Status` as JSON).
    var google: [UInt8] {
        var body = Array("{\"error\":{\"code\":\(status),\"message\":".utf8)
        JSONText.append(message, to: &body)
        body.append(raw: ",\"status\":\"")
        body.append(raw: Self.googleStatus(status))
        body.append(raw: "\"")
        if let code {
            body.append(raw: ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":")
            JSONText.append(code.uppercased(), to: &body)
            body.append(raw: ",\"domain\":\"reprise\"}]")
        }
        body.append(raw: "}}")
        return body
    }

    /// The name of `google.rpc.Code` that goes with a status of HTTP.
    private static func googleStatus(_ status: Int) -> StaticString {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 429: "RESOURCE_EXHAUSTED"
        case 400..<500: "INVALID_ARGUMENT"
        case 502, 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        default: "INTERNAL"
        }
    }
}
