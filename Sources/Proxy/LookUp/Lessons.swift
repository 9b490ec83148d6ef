import Learning
import Logging
import Matching
import SemanticCache
import Telemetry
import WireFormats

/// Is told what look-ups came to, once that is known, and tells those who learn and count.
struct Lessons: Sendable {
    let learner: MatchLearner?
    let patience: Patience
    let wordings: WordingCap
    let conversations: Conversations
    let metrics: ProxyMetrics
    let logger: Logger

    /// Notes what a look-up came to; gives what a fresh answer can teach.
    func note(_ finding: Finding, of inquiry: Inquiry) -> LabelJob.Kind? {
        if case .forward(.refreshRequested) = finding.verdict { learner?.noteRefresh(inquiry.key) }
        guard let meaning = finding.meaning else { return nil }
        metrics.recordReplacedTurns(inquiry.history.replaced.count)
        var isServed = false
        if case .serve = finding.verdict { isServed = true }
        count(meaning, isServed: isServed)
        if let isFind = meaning.isFind { patience.note(isHit: isFind, of: inquiry.kind.key) }
        noteWording(meaning, of: inquiry, isServed: isServed)
        return noteDecision(meaning, of: inquiry, isServed: isServed)
    }

    private func count(_ meaning: MeaningFinding, isServed: Bool) {
        if let time = meaning.times.embedding { metrics.embedLatency.record(time) }
        if let time = meaning.times.search { metrics.searchLatency.record(time) }
        if let time = meaning.times.decision { metrics.decideLatency.record(time) }
        guard let evidence = meaning.decision?.evidence else { return }
        if let similarity = evidence.similarity { metrics.similarities.record(similarity, isServed: isServed) }
        // What a guard forwards is not weighed against the cut.
        if let score = evidence.calibration?.score, !evidence.guards.contains(where: \.isFired) { metrics.scores.record(score, isServed: isServed) }
    }

    /// A wording that an entry answered, or could have in mode `shadow`, counts to how many it may.
    private func noteWording(_ meaning: MeaningFinding, of inquiry: Inquiry, isServed: Bool) {
        guard let query = inquiry.asked?.query else { return }
        if let id = meaning.overworded { wordings.noteVerified(id) }
        guard let found = meaning.found, isServed || inquiry.matching.mode == .shadow else { return }
        wordings.note(query, of: found.entry.id, limit: inquiry.options.maximumWordings)
        guard !isServed, case .semantic(let similarity) = found.match else { return }
        logger.info("shadow hit", metadata: ["request": "\(inquiry.request.id)", "entry": "\(found.entry.id)", "similarity": "\(similarity)"])
    }

    /// Notes what was decided; gives what a fresh answer can teach.
    ///
    /// The words of a query without a vector are counted when that is made, if it ever is: the request need not wait for it.
    private func noteDecision(_ meaning: MeaningFinding, of inquiry: Inquiry, isServed: Bool) -> LabelJob.Kind? {
        guard let learner, let query = inquiry.asked?.query else { return nil }
        let mode = inquiry.matching.mode
        guard mode == .calibrated || mode == .shadow else { return nil }
        if isServed, mode == .calibrated { return nil }
        if meaning.vector != nil { noticeWords(of: inquiry) }
        guard let decision = meaning.decision else { return nil }
        learner.noteForwarded(
            decision, requestID: inquiry.request.id, key: inquiry.key, asked: query, cached: meaning.candidates.first?.query ?? "",
            in: inquiry.population.key, threshold: inquiry.options.threshold)
        guard let similarity = decision.evidence.similarity, similarity >= learner.options.floor else { return nil }
        return .decision(decision, near: meaning.near)
    }

    /// Notes an answer that was served by meaning.
    func noteServed(_ finding: Finding, _ entry: Entry, to inquiry: Inquiry) {
        conversations.note(inquiry, servedBy: entry)
        guard let learner, let decision = finding.meaning?.decision, let query = inquiry.asked?.query else { return }
        learner.notice(query, in: inquiry.population.key)
        learner.noteHit(decision, requestID: inquiry.request.id, key: inquiry.key, entry: entry, asked: query, in: inquiry.population.key)
    }

    /// Notes that a question goes to the model.
    func noteDeparture(of inquiry: Inquiry) { metrics.missOverhead.record(ContinuousClock.now - inquiry.started) }

    /// Counts a query's words, where that teaches.
    func noticeWords(of inquiry: Inquiry) {
        guard let learner, let query = inquiry.asked?.query, [.calibrated, .shadow].contains(inquiry.matching.mode) else { return }
        learner.notice(query, in: inquiry.population.key)
    }

    /// Whether an exact hit is asked afresh, to measure how often the judge calls answers to one question different.
    func samplesNoise(of inquiry: Inquiry) -> Bool {
        guard let learner, !inquiry.controls.onlyIfCached, inquiry.matching.mode == .calibrated else { return false }
        return learner.samplesNoise(in: inquiry.kind.key)
    }
}

extension LabelJob.Kind {
    /// What the call is made for, where the request could have been answered from the cache and is forwarded to learn from.
    var cost: ProxyMetrics.Cost? {
        switch self {
        case .noise: .calibration
        case .decision(let decision, _): decision.verdict == .forward(.explored) ? .exploration : nil
        }
    }
}
