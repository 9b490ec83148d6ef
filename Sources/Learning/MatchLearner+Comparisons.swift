import Cache
import DequeModule
import Matching
import SemanticCache
import Synchronization

/// The comparisons behind the requests: a fresh answer with what the cache would have said.
extension MatchLearner {
    /// Makes one comparison and learns from it.
    func work(_ job: LabelJob) async {
        guard let judge else { return }
        let likeness = state.withLock { ($0.populations[job.population] ?? $0.global).likeness }
        switch job.kind {
        case .noise(let cached):
            let weighing = await judge.weigh(job.fresh, cached, likeness: likeness)
            state.withLock { state in
                state.counts.noiseSampled += 1
                if weighing.verdict != .same { state.counts.noiseDifferent += 1 }
                guard let similarity = weighing.similarity else { return }
                Self.change(job.population, &state) { $0.noteLikeness(ofSame: similarity) }
                guard state.names[job.population]?.text == nil else { return }
                state.global.noteLikeness(ofSame: similarity)
                state.isGlobalChanged = true
            }
        case .decision(let decision, let near):
            await noteOthers(job, near: near, judge)
            var same: EntryID?
            for (rank, id) in near.enumerated() {
                guard let cached = await cache.entry(id) else { continue }
                let weighing = await judge.weigh(job.fresh, cached, likeness: likeness)
                if rank == 0 { await learn(job, decision, cached: cached, weighing.evidence) }
                if weighing.verdict == .same {
                    same = id
                    break
                }
            }
            guard let same, cache.contains(job.fresh.id) else { return }
            state.withLock { $0.groups.join(job.fresh.id, to: same) }
        }
    }

    /// Holds a fresh answer against one of the last that has nothing to do with it: what "different" looks like on this traffic, for nothing.
    private func noteOthers(_ job: LabelJob, near: [EntryID], _ judge: AnswerJudge) async {
        guard let vector = await judge.reading(job.fresh).vector else { return }
        state.withLock { state in
            let roots = Set(near.map { state.groups.root(of: $0) })
            var recent = state.recent.removeValue(forKey: job.population) ?? []
            if !recent.isEmpty {
                let other = recent[Int(state.generator.next() >> 11) % recent.count]
                if other.entry != job.fresh.id, !roots.contains(state.groups.root(of: other.entry)) {
                    let similarity = Double(vector.similarity(to: other.vector))
                    Self.change(job.population, &state) { $0.noteLikeness(ofOthers: similarity) }
                    if state.names[job.population]?.text == nil {
                        state.global.noteLikeness(ofOthers: similarity)
                        state.isGlobalChanged = true
                    }
                }
            }
            if recent.count >= Self.recentLimit { recent.removeFirst() }
            recent.append(RecentAnswer(entry: job.fresh.id, vector: vector))
            if state.populations[job.population] != nil { state.recent[job.population] = recent }
        }
    }

    private func learn(_ job: LabelJob, _ decision: Decision, cached: Entry, _ judged: AnswerEvidence) async {
        let evidence = decision.evidence
        // What a guard refuses is never served, so it teaches nothing about what is.
        guard !evidence.guards.contains(where: \.isFired), let calibration = evidence.calibration else { return }
        let features = await hearingVerifier(calibration.features, job.fresh.query, cached.query)
        state.withLock { state in
            Self.teach(job.population, features, judged, wouldServe: job.worth == .wouldServe, of: evidence.best, &state)
            guard calibration.isExplored, judged.verdict == .different, let best = evidence.best else { return }
            state.nearMisses.append(
                NearMiss(
                    kind: .averted, at: clock.now(), requestID: job.requestID, entry: best, asked: job.fresh.query, cached: cached.query,
                    similarity: evidence.similarity ?? 0, reason: MissReason.explored.rawValue, score: calibration.score,
                    key: job.fresh.key, lesson: NearMiss.Lesson(population: job.population, features: calibration.features)))
        }
    }

    /// The features with the verifier's word: on the path it is asked only where it could let an answer out; a label wants it in any case.
    func hearingVerifier(_ features: FeatureVector, _ asked: String, _ cached: String) async -> FeatureVector {
        guard let verifier, features[.verifier] == Feature.absentVerdict, let logit = await logit(verifier, asked, cached) else { return features }
        return features.settingVerdict(logit) ?? features
    }
}
