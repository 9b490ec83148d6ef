import Learning
import Matching
import SemanticCache
import Telemetry
import WireFormats

/// A request that is looked up: what it asks, for whom, and under which settings. It stays as it is from the recogniser to the last byte.
struct Inquiry: Sendable {
    let request: ProxyRequest
    let content: CacheableRequest
    let controls: RequestControls
    let caller: AccessRules.Caller
    let tenant: TenantID
    let namespace: String
    /// What the operator had decided when the request came.
    let settings: LiveOptions.Snapshot
    /// Where what becomes of it is written down.
    let trace: RequestTrace
    let key: CacheKey
    /// What of the request beside its body is in key and scope.
    private let variant: String
    /// `nil` where histories stand as they are.
    private let conversations: Conversations?
    private let readAsked = Once<Asked?>()
    private let readHistory = Once<ReadHistory>()

    init(
        request: ProxyRequest, content: CacheableRequest, controls: RequestControls, caller: AccessRules.Caller, tenant: TenantID,
        namespace: String, settings: LiveOptions.Snapshot, trace: RequestTrace, conversations: Conversations? = nil
    ) {
        self.request = request
        self.content = content
        self.controls = controls
        self.caller = caller
        self.tenant = tenant
        self.namespace = namespace
        self.settings = settings
        self.trace = trace
        self.conversations = conversations
        // The path may add to the endpoint: a query string names an API version or a deployment.
        variant = request.variant(by: settings.options.routingFields)
        key = content.key(tenant: tenant, namespace: namespace, pathAndQuery: variant)
    }

    /// The same question with another body, such as a part of it.
    func with(_ request: ProxyRequest, _ content: CacheableRequest) -> Inquiry {
        Inquiry(
            request: request, content: content, controls: controls, caller: caller, tenant: tenant, namespace: namespace, settings: settings,
            trace: trace, conversations: conversations)
    }

    var options: PipelineOptions { settings.options }

    var started: ContinuousClock.Instant { trace.started }

    /// What of it may be worded otherwise, read when it is first asked for; `nil` where nothing is.
    var asked: Asked? {
        readAsked.value {
            Asked(
                content, splitting: options.askSplit, tenant: tenant, namespace: namespace, pathAndQuery: variant,
                rewording: history.replaced.map(\.counts))
        }
    }

    /// Its history as it counts, read when it is first asked for.
    var history: ReadHistory {
        readHistory.value {
            conversations?.read(content, splitting: options.askSplit, tenant: tenant, namespace: namespace, pathAndQuery: variant) ?? .asItStands
        }
    }

    /// Names it among the turns of its conversation.
    var turnMark: TurnMark? { content.turnMark(tenant: tenant, namespace: namespace, pathAndQuery: variant) }

    /// Whether the answer holds for a moment only.
    var isOfTheMoment: Bool { options.isOfTheMoment(content, asked?.query) }

    /// Whether rewordings may find the answer to it.
    var isSearchable: Bool { options.isSearchable(content, asked) }

    /// Whether several inputs are asked for at once, each with an entry of its own.
    var isBatch: Bool { content.items.count > 1 }

    /// The key of each input of a batch.
    var itemKeys: [CacheKey] { content.itemKeys(tenant: tenant, namespace: namespace, pathAndQuery: variant) }

    /// The settings of matching that hold for it.
    var matching: MatchingOptions { options.matching(model: content.model, namespace: namespace) }

    /// The kind of traffic that it is of, with the class of its text.
    var population: PopulationName { asked?.text.map { kind.of($0) } ?? kind }

    /// The kind of traffic that it is of, whatever its text is: for what is asked of every request.
    var kind: PopulationName {
        PopulationName(
            tenant: tenant, endpoint: content.endpoint, namespace: namespace, model: content.model, instructions: content.instructions)
    }

    var labels: ProxyMetrics.Labels { .init(endpoint: content.endpoint, model: content.model, tenant: tenant, namespace: namespace) }
}
