package import Learning
package import SemanticCache
import WireFormats

/// What the operator decides about the life of a request. No value has a default here: what ships is for the settings to say.
package struct PipelineOptions: Sendable {
    package var isEnabled: Bool
    package var access: AccessRules
    package var storage: StoragePolicy
    package var endpoints: Set<Endpoint>
    /// The header fields that belong to key and scope.
    package var routingFields: RoutingFields
    package var ttl: Duration
    package var maximumTTL: Duration
    /// The longest time to live of an answer to a time-sensitive prompt.
    package var timeSensitiveTTL: Duration
    /// Larger answers pass through and are not stored, in bytes.
    package var maximumAnswerBytes: Int
    package var tools: ToolUse
    package var mode: MatchingMode
    /// The least cosine similarity at which a rewording may be served, in 0...1.
    package var threshold: Float
    package var profile: GuardProfile
    /// The largest share of wrong answers among those served by meaning, in 0...1.
    package var errorBound: Double
    /// Settings of their own for some models and namespaces.
    package var overrides: [MatchingOverride]
    package var timeSensitive: TimeSensitiveUse
    /// What of a message is looked up by meaning.
    package var askSplit: AskSplit
    /// Whether rewordings of requests with tools may be served.
    package var semanticTools: Bool
    /// How many neighbours are looked at.
    package var candidateCount: Int
    /// How many distinct wordings one entry answers before the model is asked again; zero for any number.
    package var maximumWordings: Int
    /// Look-ups of one kind of traffic without a hit after which its requests no longer wait for theirs; zero always waits.
    package var patience: Int
    /// How long embedding and search may take before the request is a miss.
    package var lookupDeadline: Duration
    package var replayPace: ReplayPace
    /// Whether streams are asked to say what they cost also where the client did not ask; it does not see it.
    package var asksForUsage: Bool
    /// How long after its time to live an answer may stand in for an upstream that fails.
    package var staleIfError: Duration
    /// How long after its time to live an answer is given at once while a fresh one is fetched.
    package var staleWhileRevalidate: Duration

    package init(
        isEnabled: Bool, access: AccessRules, storage: StoragePolicy, endpoints: Set<Endpoint>,
        routingFields: RoutingFields, ttl: Duration, maximumTTL: Duration,
        timeSensitiveTTL: Duration, maximumAnswerBytes: Int, tools: ToolUse, mode: MatchingMode, threshold: Float, profile: GuardProfile,
        errorBound: Double, overrides: [MatchingOverride], timeSensitive: TimeSensitiveUse, askSplit: AskSplit, semanticTools: Bool,
        candidateCount: Int, maximumWordings: Int, patience: Int, lookupDeadline: Duration, replayPace: ReplayPace, asksForUsage: Bool,
        staleIfError: Duration,
        staleWhileRevalidate: Duration
    ) {
        self.isEnabled = isEnabled
        self.access = access
        self.storage = storage
        self.endpoints = endpoints
        self.routingFields = routingFields
        self.ttl = ttl
        self.maximumTTL = maximumTTL
        self.timeSensitiveTTL = timeSensitiveTTL
        self.maximumAnswerBytes = maximumAnswerBytes
        self.tools = tools
        self.mode = mode
        self.threshold = threshold
        self.profile = profile
        self.errorBound = errorBound
        self.overrides = overrides
        self.timeSensitive = timeSensitive
        self.askSplit = askSplit
        self.semanticTools = semanticTools
        self.candidateCount = candidateCount
        self.maximumWordings = maximumWordings
        self.patience = patience
        self.lookupDeadline = lookupDeadline
        self.replayPace = replayPace
        self.asksForUsage = asksForUsage
        self.staleIfError = staleIfError
        self.staleWhileRevalidate = staleWhileRevalidate
    }

    /// The longest time after its time to live that an answer may be given.
    package var staleWindow: Duration { max(staleIfError, staleWhileRevalidate) }

    /// The largest answer to this request that is recorded, in bytes: ``maximumAnswerBytes`` for each of its inputs, at most 256 MiB.
    func maximumAnswerBytes(for content: CacheableRequest) -> Int {
        content.items.count <= 1 ? maximumAnswerBytes : max(maximumAnswerBytes, min(256 << 20, maximumAnswerBytes * content.items.count))
    }
}
