package import Learning

extension PipelineOptions {
    /// What holds for requests to `model` in `namespace`; of several overrides that mean it, the last one's word counts.
    package func matching(model: String, namespace: String) -> MatchingOptions {
        var options = MatchingOptions(mode: mode, errorBound: errorBound, profile: profile, threshold: threshold)
        for override in overrides where override.model ?? model == model && override.namespace ?? namespace == namespace {
            options.mode = override.mode ?? options.mode
            options.errorBound = override.errorBound ?? options.errorBound
            options.profile = override.profile ?? options.profile
            options.threshold = override.threshold ?? options.threshold
        }
        return options
    }
}
