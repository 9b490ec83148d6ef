import Learning
import Matching
package import SemanticCache
import Telemetry
import WireFormats

// What becomes of a request on its way through the pipeline.

extension RequestPipeline {
    /// What a request turned out to be.
    enum Recognised {
        case passThrough(ProxyRequest, BypassReason, strippingControls: Bool)
        case refused(ProxyResponse)
        case lookUp(LookUp)
    }

    /// A request that is looked up.
    struct LookUp: Sendable {
        let request: ProxyRequest
        let content: CacheableRequest
        let controls: RequestControls
        let caller: AccessRules.Caller
        let tenant: TenantID
        let namespace: String
        let started: ContinuousClock.Instant
        /// What the operator had decided when the request came.
        let settings: LiveOptions.Snapshot
        let trace: RequestTrace
        /// What is to be learned from the fresh answer, when the request is forwarded.
        var lesson: LabelJob.Kind?
        /// Whether the look-up by meaning is still to be done, behind the call.
        var isLookedUpBehind = false
        let key: CacheKey
        private let readFacts = Once<StatedFacts>()

        init(
            request: ProxyRequest, content: CacheableRequest, controls: RequestControls, caller: AccessRules.Caller, tenant: TenantID,
            namespace: String, started: ContinuousClock.Instant, settings: LiveOptions.Snapshot, trace: RequestTrace, lesson: LabelJob.Kind? = nil
        ) {
            self.request = request
            self.content = content
            self.controls = controls
            self.caller = caller
            self.tenant = tenant
            self.namespace = namespace
            self.started = started
            self.settings = settings
            self.trace = trace
            self.lesson = lesson
            // The path may add to the endpoint: a query string names an API version or a deployment.
            key = content.key(tenant: tenant, namespace: namespace, pathAndQuery: request.variant)
        }

        var scope: Scope? { content.scope(tenant: tenant, namespace: namespace, pathAndQuery: request.variant) }

        /// What the query states.
        var facts: StatedFacts { readFacts.value { StatedFacts(content.query ?? "") } }

        func lookedUpBehind() -> Self {
            var lookUp = self
            lookUp.isLookedUpBehind = true
            return lookUp
        }

        /// What must be equal to share an upstream call with this request.
        func flightKey(onBehalfOf principal: TenantID) -> RequestCoalescer.Key {
            RequestCoalescer.Key(key: key, principal: principal, wantsStream: content.wantsStream, wantsUsage: content.wantsUsage)
        }

        var labels: ProxyMetrics.Labels { .init(endpoint: content.endpoint, model: content.model, tenant: tenant, namespace: namespace) }
    }

    /// How far ``begin(_:)`` came.
    package enum Beginning: Sendable {
        case answered(ProxyResponse)
        /// To be given to ``finish(_:)``, once.
        case underway(Begun)
    }

    /// A request that was let in and read.
    package struct Begun: Sendable {
        enum Step: Sendable {
            case passThrough(ProxyRequest, BypassReason, strippingControls: Bool)
            case lookUp(LookUp, ExactFinding)
        }

        package let request: ProxyRequest
        let trace: RequestTrace
        let step: Step
    }

    /// What became of the look-up by key.
    enum ExactFinding: Sendable {
        case answer(ProxyResponse)
        /// A hit that is asked afresh to learn how much answers to one question differ.
        case sample(Entry)
        /// An entry that cannot be given in the form that is asked for.
        case unfit
        case missing(MissReason)
        /// Memory does not tell.
        case unknown
    }
}
