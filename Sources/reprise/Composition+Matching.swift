import Cache
import Embedding
import Learning
import Logging
import Matching
import Options
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
        var prior = settings.matching.prior == .shipped ? Prior.shipped(embedder: embedder.fingerprint, verifier: verifier?.fingerprint) : nil
        if let verifier { prior = prior?.settingVerdictFloor(logit: Double(verifier.dayOneCut)) }
        if prior == nil, settings.matching.prior == .shipped {
            logger.notice("no prior was fitted for this embedder: rewordings hit once enough was learned")
        }
        let learner = MatchLearner(
            options: MatchLearner.Options(settings), prior: prior, cache: cache,
            judge: AnswerJudge(
                options: AnswerJudge.Options(settings.matching.judge), embedder: embedder, upstream: upstream, clock: clock, metrics: metrics),
            verifier: verifier,
            residue: ResidueGuard(embedder), store: store,
            fingerprint: "\(embedder.fingerprint) verifier \(verifier?.fingerprint ?? "none") prior \(settings.matching.prior.rawValue)",
            clock: clock,
            generator: SystemRandomNumberGenerator(), logger: logger)
        await learner.restore()
        return learner
    }
}
