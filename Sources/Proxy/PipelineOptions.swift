package import Learning
package import Matching
package import SemanticCache
import WireFormats

/// What the operator decides about the life of a request.
package struct PipelineOptions: Sendable {
    package typealias Mode = MatchingMode

    /// What happens with requests that carry tools.
    package enum Tools: String, Sendable {
        /// Served and stored by exact key.
        case exact
        /// Never looked up.
        case off
    }

    /// What happens with prompts that speak of a moment (`today`, `latest`).
    package enum TimeSensitive: String, Sendable {
        /// Exact repeats only, for a short time.
        case exact
        /// Like any other prompt.
        case match
    }

    package var isEnabled = true
    package var access = AccessRules()
    package var storage = StoragePolicy()
    package var endpoints = Set(Endpoint.allCases)
    package var ttl: Duration = .seconds(24 * 3600)
    package var maximumTTL: Duration = .seconds(30 * 24 * 3600)
    /// The longest time to live of an answer to a time-sensitive prompt.
    package var timeSensitiveTTL: Duration = .seconds(300)
    /// Larger answers pass through and are not stored, in bytes.
    package var maximumAnswerBytes = 4 << 20
    package var tools: Tools = .exact
    package var mode: Mode = .threshold
    /// The least cosine similarity at which a rewording may be served, in 0...1.
    package var threshold: Float = 0.9
    package var profile: GuardProfile = .default
    /// The largest share of wrong answers among those served by meaning, in 0...1.
    package var errorBound = 0.01
    /// Settings of their own for some models and namespaces.
    package var overrides: [MatchingOverride] = []
    package var timeSensitive: TimeSensitive = .exact
    /// Whether rewordings of requests with tools may be served.
    package var semanticTools = false
    /// How many neighbours are looked at.
    package var candidateCount = 8
    /// How many distinct wordings one entry answers before the model is asked again; zero for any number.
    package var maximumWordings = 100
    /// Look-ups of one kind of traffic without a hit after which its requests no longer wait for theirs; zero always waits.
    package var patience = 1000
    /// How long embedding and search may take before the request is a miss.
    package var lookupDeadline: Duration = .seconds(2)
    package var replayPace: ReplayPace = .immediate
    /// Whether streams are asked to say what they cost also where the client did not ask; it does not see it.
    package var asksForUsage = false
    /// How long after its time to live an answer may stand in for an upstream that fails.
    package var staleIfError: Duration = .seconds(3600)
    /// How long after its time to live an answer is given at once while a fresh one is fetched.
    package var staleWhileRevalidate: Duration = .zero

    package init() {}

    /// The longest time after its time to live that an answer may be given.
    var staleWindow: Duration { max(staleIfError, staleWhileRevalidate) }

    /// The largest answer to this request that is recorded, in bytes: ``maximumAnswerBytes`` for each of its inputs, at most 256 MiB.
    func maximumAnswerBytes(for content: CacheableRequest) -> Int {
        content.items.count <= 1 ? maximumAnswerBytes : max(maximumAnswerBytes, min(256 << 20, maximumAnswerBytes * content.items.count))
    }
}

/// How fast a recorded stream is replayed.
package enum ReplayPace: String, Sendable {
    /// All at once.
    case immediate
    /// With the pauses that the upstream made.
    case recorded
}
