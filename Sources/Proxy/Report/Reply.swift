import Cache
import HTTPTypes
import SemanticCache
import Telemetry
import WireFormats

/// What a request is answered with: what became of it, and the response without what the cache has to say of itself.
struct Reply: Sendable {
    let outcome: Outcome
    /// Head and body. The fields that tell of the outcome are the ``Reporter``'s to write.
    var response: ProxyResponse
    /// What was served of the cache.
    var served: Served?

    /// An answer that came from the cache.
    struct Served: Sendable {
        /// `nil` where it was put together from several.
        let answer: Answer?
        let saving: ProxyMetrics.Saving
    }

    init(_ outcome: Outcome, _ response: ProxyResponse, served: Served? = nil) {
        self.outcome = outcome
        self.response = response
        self.served = served
    }
}

extension Reply {
    /// What the upstream says.
    init(_ call: Call, of inquiry: Inquiry, because reason: MissReason) {
        switch call.head {
        case .success(let head):
            let isStored = head.status == .ok && !call.isCollapsed && head.refusal == nil && !inquiry.controls.forbidsStoring
            var response = ProxyResponse(status: head.status, fields: head.fields, body: .stream(call.body))
            if inquiry.asksForUsage { response.hideUsage(call.body) }
            self.init(.miss(reason, isStored: isStored, isCollapsed: call.isCollapsed), response)
        case .failure(let error):
            self.init(.miss(reason, isCollapsed: call.isCollapsed), ErrorResponse.upstream(error, path: inquiry.request.path))
        }
    }

    /// What a request gets that forbids asking the model.
    static func onlyIfCached(_ absence: Outcome.Absence, path: String) -> Reply {
        let message =
            switch absence {
            case .miss(let reason): "Nothing cached may answer this request (\(reason.rawValue)), and only-if-cached forbids asking the model."
            case .bypass(let reason): "This request is not answered from the cache (\(reason.rawValue)), and only-if-cached forbids asking the model."
            }
        let response = ErrorResponse.client(.gatewayTimeout, message: message, type: "cache_miss", code: "only_if_cached", path: path)
        return Reply(.onlyIfCached(absence), response)
    }
}
