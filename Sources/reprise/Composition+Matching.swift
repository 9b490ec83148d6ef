import Embedding
import Logging
import Matching
import Proxy
import SemanticCache
import Settings
import Telemetry

extension Composition {
    /// What learns when rewordings may hit, with what an earlier run learned; `nil` without a model.
    static func makeLearner(
        _ settings: Settings, embedder: OnnxEmbedder?, verifier: OnnxVerifier?, cache: AnswerCache, upstream: any Upstream, store: any CacheStore,
        clock: any WallClock, metrics: ProxyMetrics, logger: Logger
    ) async -> MatchLearner? {
        guard let embedder else { return nil }
        var options = MatchLearner.Options()
        options.errorBound = settings.matching.errorBound
        options.noiseSample = settings.matching.noiseSample
        options.saveInterval = settings.store.flushInterval
        var judging = AnswerJudge.Options()
        judging.model = settings.matching.judge.model
        judging.dailyCalls = settings.matching.judge.dailyCalls
        var prior = settings.matching.prior == .shipped ? Prior.shipped(embedder: embedder.fingerprint, verifier: verifier?.fingerprint) : nil
        if let verifier { prior = prior?.settingVerdictFloor(logit: Double(verifier.dayOneCut)) }
        if prior == nil, settings.matching.prior == .shipped {
            logger.notice("no prior was fitted for this embedder: rewordings hit once enough was learned")
        }
        let learner = MatchLearner(
            options: options, prior: prior, cache: cache,
            judge: AnswerJudge(options: judging, embedder: embedder, upstream: upstream, clock: clock, metrics: metrics), verifier: verifier,
            residue: ResidueGuard(embedder), store: store,
            fingerprint: "\(embedder.fingerprint) verifier \(verifier?.fingerprint ?? "none") prior \(settings.matching.prior.rawValue)",
            clock: clock,
            generator: SystemRandomNumberGenerator(), logger: logger)
        await learner.restore()
        return learner
    }
}

extension MatchingOverride {
    init(_ override: Settings.Override) {
        self.init()
        model = override.model
        namespace = override.namespace
        mode = override.mode.flatMap { PipelineOptions.Mode(rawValue: $0.rawValue) }
        errorBound = override.errorBound
        profile = override.profile.map(GuardProfile.init)
        threshold = override.threshold.map(Float.init)
    }
}
