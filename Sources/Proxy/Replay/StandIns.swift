import Cache
import HTTPTypes
import Learning
import Matching
import SemanticCache
import WireFormats

/// Answers that stand in for a fresh one, while it is fetched or because it could not be had.
struct StandIns: Sendable {
    let cache: AnswerCache
    let replays: Replays
    let learner: MatchLearner?
    let wordings: WordingCap
    let clock: any WallClock

    /// An expired answer that is given at once while a fresh one is fetched (stale-while-revalidate); `nil` where none may be.
    ///
    /// Not where the request itself says how old an answer may be, nor in place of the answer of an upstream that may be back.
    func whileRevalidating(_ inquiry: Inquiry) async -> Reply? {
        let window = inquiry.options.staleWhileRevalidate
        guard window > .zero, inquiry.controls.maxAge == nil, !inquiry.controls.onlyIfCached, let entry = await cache.entry(for: inquiry.key)
        else { return nil }
        let now = clock.now()
        guard entry.isExpired(at: now), now < entry.expiresAt + window, !entry.answer.isStandIn else { return nil }
        return replay(entry, to: inquiry)
    }

    /// What stands in for an upstream that cannot answer now; `nil` when nothing may.
    ///
    /// - Parameter lesson: why the request was sent, where it could have been answered from the cache.
    func reply(to inquiry: Inquiry, spared lesson: LabelJob.Kind?) async -> Reply? {
        if let spared = await spared(inquiry, lesson) { return spared }
        guard let entry = await entry(for: inquiry) else { return nil }
        return replay(entry, to: inquiry)
    }

    private func replay(_ entry: Entry, to inquiry: Inquiry) -> Reply? {
        replays.replay(Found(entry: entry, match: .exact, tier: .local), to: inquiry, isStale: true)
    }

    /// The answer that stands in when the upstream fails (stale-if-error); `nil` when none may.
    ///
    /// The request's own `stale-if-error` goes before the configuration's, within what is kept at all. Without one, a request that wants a fresh
    /// answer or limits its age gets none.
    private func entry(for inquiry: Inquiry) async -> Entry? {
        let (controls, options) = (inquiry.controls, inquiry.options)
        guard !controls.onlyIfCached, let entry = await cache.entry(for: inquiry.key) else { return nil }
        let now = clock.now()
        if let asked = controls.staleIfError { return now < entry.expiresAt + min(asked, options.staleWindow) ? entry : nil }
        guard !controls.noCache, controls.mode != .refresh, now < entry.expiresAt + options.staleIfError else { return nil }
        if let maximum = controls.maxAge, now - entry.createdAt > maximum { return nil }
        return entry
    }

    /// The hit that the request would have been, had it not been asked afresh to learn from; `nil` for all others.
    ///
    /// What is forwarded for the cache's own sake is no worse off for it when the upstream fails.
    private func spared(_ inquiry: Inquiry, _ lesson: LabelJob.Kind?) async -> Reply? {
        switch lesson {
        case .noise(let entry):
            guard !entry.isExpired(at: clock.now()) else { return nil }
            return replays.replay(Found(entry: entry, match: .exact, tier: .local), to: inquiry)
        case .decision(let decision, let near) where decision.verdict == .forward(.explored) && inquiry.matching.mode == .calibrated:
            let limit = inquiry.options.maximumWordings
            guard let id = near.first, learner?.isVerificationDue(id) == false, let query = inquiry.content.query,
                let similarity = decision.evidence.similarity, let entry = await cache.entry(id), !entry.isExpired(at: clock.now()),
                wordings.admits(query, of: id, limit: limit)
            else { return nil }
            wordings.note(query, of: id, limit: limit)
            return replays.replay(Found(entry: entry, match: .semantic(similarity: similarity), tier: .local), to: inquiry)
        case .decision, nil: return nil
        }
    }
}
