package import SemanticCache

/// How rewordings are judged for one request: the operator's settings, with what holds for its model and namespace alone.
package struct MatchingOptions: Sendable, Equatable {
    package var mode: MatchingMode
    /// The largest share of wrong answers among those served, in 0...1.
    package var errorBound: Double
    package var profile: GuardProfile
    /// The least cosine similarity that mode `threshold` serves, in 0...1.
    package var threshold: Float

    package init(mode: MatchingMode, errorBound: Double, profile: GuardProfile, threshold: Float) {
        self.mode = mode
        self.errorBound = errorBound
        self.profile = profile
        self.threshold = threshold
    }
}

/// A part of the traffic with settings of its own. Whatever is `nil` is as everywhere else.
package struct MatchingOverride: Sendable, Equatable {
    /// The model whose requests are meant; `nil` for any.
    package var model: String?
    /// The namespace whose requests are meant; `nil` for any.
    package var namespace: String?
    package var mode: MatchingMode?
    package var errorBound: Double?
    package var profile: GuardProfile?
    package var threshold: Float?

    package init(
        model: String? = nil, namespace: String? = nil, mode: MatchingMode? = nil, errorBound: Double? = nil, profile: GuardProfile? = nil,
        threshold: Float? = nil
    ) {
        self.model = model
        self.namespace = namespace
        self.mode = mode
        self.errorBound = errorBound
        self.profile = profile
        self.threshold = threshold
    }
}
