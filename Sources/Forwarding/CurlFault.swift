import CCurl
import SemanticCache

/// libcurl's result codes in the port's words.
enum CurlFault {
    static func translate(_ code: CURLcode, detail: String?, plan: RequestPlan) -> UpstreamError {
        let reason = detail ?? String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_URL_MALFORMAT:
            return .unreachable(reason)
        case CURLE_OPERATION_TIMEDOUT:
            // The only limit that libcurl itself keeps.
            return .timedOut(.connecting, limit: plan.connectTimeout)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_INVALIDCERTSTATUS:
            return .tls(reason)
        default:
            return .broken(reason)
        }
    }
}
