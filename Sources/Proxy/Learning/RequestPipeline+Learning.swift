import Matching
import SemanticCache
import WireFormats

/// Where the life of a request touches what is learned.
extension RequestPipeline {
    /// The settings that hold for a request.
    func matching(of lookUp: LookUp) -> MatchingOptions {
        lookUp.settings.options.matching(model: lookUp.content.model, namespace: lookUp.namespace)
    }

    /// The neighbours as the policy takes them.
    func candidates(_ matches: [AnswerCache.Match]) -> [Candidate] {
        learner?.candidates(matches) ?? matches.map { Candidate(id: $0.entry.id, query: $0.entry.query, similarity: $0.similarity) }
    }

    /// Step 6. Without a learner, and in mode `threshold`, similarity and guards decide.
    func decide(_ query: String, _ candidates: [Candidate], for lookUp: LookUp, _ matching: MatchingOptions, explores: Bool) async -> Decision {
        let asked = lookUp.controls.threshold ?? 0
        guard let learner, matching.mode == .calibrated || matching.mode == .shadow else {
            return ThresholdPolicy(
                threshold: max(matching.threshold, asked), profile: matching.profile, residue: embedder.map { ResidueGuard($0) }
            )
            .decide(query: query, candidates: candidates)
        }
        return await learner.decide(query, candidates, in: lookUp.populationName, matching, floor: asked, explores: explores)
    }

    /// Counts a query's words, where that teaches.
    func noticeWords(of lookUp: LookUp) {
        guard let learner, let query = lookUp.content.query, [.calibrated, .shadow].contains(matching(of: lookUp).mode) else { return }
        learner.notice(query, in: lookUp.population)
    }

    /// Notes what was decided; gives what a fresh answer can teach.
    ///
    /// The words of a query without a vector are counted when that is made, if it ever is: the request need not wait for it.
    func noteDecision(_ found: SemanticLookup.Result, for lookUp: LookUp) -> LabelJob.Kind? {
        guard let learner, let query = lookUp.content.query else { return nil }
        let mode = matching(of: lookUp).mode
        guard mode == .calibrated || mode == .shadow else { return nil }
        if case .serve = found.verdict, mode == .calibrated { return nil }
        if found.vector != nil { noticeWords(of: lookUp) }
        guard let decision = found.decision else { return nil }
        learner.noteForwarded(
            decision, requestID: lookUp.request.id, key: lookUp.key, asked: query, cached: found.nearestQuery ?? "", in: lookUp.population,
            threshold: options.threshold)
        guard let similarity = decision.evidence.similarity, similarity >= learner.options.floor else { return nil }
        return .decision(decision, near: found.near)
    }

    /// Notes an answer that was served by meaning.
    func noteServed(_ found: SemanticLookup.Result, _ entry: Entry, for lookUp: LookUp) {
        guard let learner, let decision = found.decision, let query = lookUp.content.query else { return }
        learner.notice(query, in: lookUp.population)
        learner.noteHit(decision, requestID: lookUp.request.id, key: lookUp.key, entry: entry, asked: query, in: lookUp.population)
    }

    /// Hands a fresh answer to the judge.
    func learn(from entry: Entry, of lookUp: LookUp) {
        guard let learner, let lesson = lookUp.lesson else { return }
        learner.enqueue(LabelJob(kind: lesson, fresh: entry, requestID: lookUp.request.id, population: lookUp.population))
    }

    /// Whether an exact hit is asked afresh, to measure how often the judge calls answers to one question different.
    func isNoiseSample(_ lookUp: LookUp) -> Bool {
        guard let learner, !lookUp.controls.onlyIfCached, matching(of: lookUp).mode == .calibrated else { return false }
        return learner.samplesNoise(in: lookUp.population)
    }
}

extension RequestPipeline.LookUp {
    /// The kind of traffic that the request is of.
    var population: PopulationKey { populationName.key }

    /// What that kind of traffic is called.
    var populationName: PopulationName {
        PopulationName(
            tenant: tenant, endpoint: content.endpoint, namespace: namespace, model: content.model, instructions: content.instructions)
    }

    /// Whether the request could have been answered from the cache and is forwarded to learn from.
    var isExploration: Bool {
        switch lesson {
        case .noise: true
        case .decision(let decision, _): decision.verdict == .forward(.explored)
        case nil: false
        }
    }

    func teaching(_ lesson: LabelJob.Kind?) -> Self {
        var lookUp = self
        lookUp.lesson = lesson
        return lookUp
    }
}
