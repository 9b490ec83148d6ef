package import Cache
import DequeModule
package import Logging
package import Matching
package import SemanticCache
import ServiceLifecycle
import Synchronization

/// What the proxy learns about rewordings, and the decisions that rest on it.
///
/// Decisions read a copy of what was learned; labels come from requests that were forwarded, compared by the judge behind the requests. All of it is
/// bounded: populations, the queue of comparisons, remembered hits and near misses. A fault here costs a label, never a request.
package final class MatchLearner: Service, Sendable {
    /// A population and the prior it began with.
    struct State {
        var populations: [PopulationKey: Population] = [:]
        /// When each population was last used, by a counter.
        var used: [PopulationKey: Int] = [:]
        var clock = 0
        var global: Population
        var groups = AnswerGroups()
        var changed: Set<PopulationKey> = []
        /// Those that are held no more, and that the store may still keep.
        var forgotten: Set<PopulationKey> = []
        var isGlobalChanged = false
        var generator: any RandomNumberGenerator
        /// By the id of the request.
        var hits = RecentValues<String, RememberedHit>(capacity: MatchLearner.hitLimit)
        var hitsByKey = RecentValues<CacheKey, RememberedHit>(capacity: MatchLearner.hitLimit)
        var nearMisses = NearMisses(capacity: 512)
        /// The entries that were said to be wrong.
        var disputed = RecentValues<EntryID, Void>(capacity: MatchLearner.hitLimit)
        /// What the populations are called; those of an earlier program's state have no name until they are asked something.
        var names: [PopulationKey: PopulationName] = [:]
        var counts = Counts()
        var queue: LabelQueue<LabelJob>
        /// Whether a comparison is being made.
        var isComparing = false
        /// The kinds of traffic, whatever their texts are, that have learned enough for noise to matter.
        var learning: Set<PopulationKey> = []
        /// Exact hits of those that were asked afresh since the start.
        var repeats: [PopulationKey: Int] = [:]
        /// And of all of them today.
        var today = DayCount()
        /// The last fresh answers of each kind of traffic, to hold others against.
        var recent: [PopulationKey: Deque<RecentAnswer>] = [:]
    }

    /// A fresh answer's vector.
    struct RecentAnswer: Sendable {
        let entry: EntryID
        let vector: UnitVector
    }

    /// A hit that may still be disputed.
    struct RememberedHit: Sendable {
        let requestID: String
        let entry: EntryID
        let wording: EntryID
        let population: PopulationKey
        let features: FeatureVector?
        let asked: String
        let cached: String
        let similarity: Float
        let at: Timestamp
        var isJudged = false
    }

    /// Counters since the start.
    package struct Counts: Sendable {
        package var labels = 0
        package var right = 0
        package var dropped = 0
        /// Dropped comparisons of what would have been served.
        package var droppedServable = 0
        /// Comparisons that told nothing.
        package var undecided = 0
        /// Comparisons that wait at the moment.
        package var waiting = 0
        package var disputed = 0
        package var noiseSampled = 0
        package var noiseDifferent = 0
        package var verified = 0
        package var verifierLate = 0
    }

    static let hitLimit = 4096
    /// The fresh answers of one kind of traffic that others are held against.
    static let recentLimit = 16

    package let options: Options
    let prior: Prior?
    let cache: AnswerCache
    let judge: AnswerJudge?
    let verifier: (any Verifier)?
    let residue: ResidueGuard?
    let store: any CacheStore
    let fingerprint: String
    let clock: any WallClock
    let logger: Logger
    let state: Mutex<State>
    /// Some tens of megabytes at the most.
    let prompts = PreparedPrompts(capacity: 16_384, textBytes: 2 << 20)
    /// Told of every job that is queued.
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - prior: what to begin with; `nil` begins shut.
    ///   - judge: compares answers; `nil` learns from feedback alone.
    ///   - residue: compares what the embedder cannot see.
    ///   - fingerprint: of embedder and verifier: what was learned with others is not taken up again.
    ///   - generator: where chance comes from.
    package init(
        options: Options, prior: Prior?, cache: AnswerCache, judge: AnswerJudge?, verifier: (any Verifier)?, residue: ResidueGuard? = nil,
        store: any CacheStore, fingerprint: String, clock: any WallClock, generator: any RandomNumberGenerator & Sendable, logger: Logger
    ) {
        self.options = options
        self.prior = prior
        self.cache = cache
        self.judge = judge
        self.verifier = verifier
        self.residue = residue
        self.store = store
        self.fingerprint = fingerprint
        self.clock = clock
        self.logger = logger
        var global = Population(prior: prior)
        global.settle(bound: options.errorBound)
        state = Mutex(State(global: global, generator: generator, queue: LabelQueue(capacity: options.queueLimit)))
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: On the request's path

    /// The neighbours as the policy takes them: with the answer they stand for, and how right it was.
    package func candidates(_ matches: [AnswerCache.Match]) -> [Candidate] {
        state.withLock { state in
            matches.map { match in
                let (right, wrong) = state.groups.history(of: match.entry.id)
                return Candidate(
                    id: match.entry.id, answer: state.groups.root(of: match.entry.id), query: match.entry.query, similarity: match.similarity,
                    right: right, wrong: wrong)
            }
        }
    }

    /// Decides for a request of a population. Chance is drawn here; without `explores` none is, as for an explanation.
    package func decide(
        _ query: String, _ candidates: [Candidate], in name: PopulationName, _ matching: MatchingOptions, floor: Float, explores: Bool = true
    ) async -> Decision {
        let (population, draw, isDue) = state.withLock { state -> (Population, Double, Bool) in
            let population = Self.population(name, &state, options, prior, bound: matching.errorBound, touches: explores)
            // A wording's answer that served many others is compared with a fresh one now and then, whatever its score.
            let needsVerifying = candidates.first.map { self.isDue($0.id, state) } ?? false
            return (population, explores ? Double(state.generator.next() >> 11) * 0x1p-53 : 1, needsVerifying && explores)
        }
        let prepared = CalibratedPolicy(
            population: population, errorBound: matching.errorBound, profile: matching.profile, floor: max(floor, options.floor),
            draw: isDue ? 0 : draw, prompts: prompts, residue: residue
        )
        .prepare(query: query, candidates: candidates)
        // The verifier is asked only where its best word would let the answer out.
        guard let verifier, let best = candidates.first, prepared.canServe else { return prepared.decide(verdict: nil) }
        return prepared.decide(verdict: await logit(verifier, query, best.query, counts: explores))
    }

    /// Whether an entry's answer was served so often that it is compared with a fresh one before it is served again.
    package func isVerificationDue(_ id: EntryID) -> Bool { state.withLock { self.isDue(id, $0) } }

    private func isDue(_ id: EntryID, _ state: State) -> Bool { state.groups.unverified(id) >= options.uncheckedLimit }

    func logit(_ verifier: any Verifier, _ asked: String, _ cached: String, counts: Bool = true) async -> Double? {
        let pair = WordingPair(asked: asked, cached: cached)
        let outcome = try? await withDeadline(options.verifierDeadline) { try await verifier.logit(of: pair) }
        let logit = outcome.flatMap { try? $0.get() }.map(Double.init)
        if counts { state.withLock { if logit == nil { $0.counts.verifierLate += 1 } else { $0.counts.verified += 1 } } }
        return logit
    }

    /// Notes an answer that was served by meaning.
    package func noteHit(_ decision: Decision, requestID: String, key: CacheKey, entry: Entry, asked: String, in population: PopulationKey) {
        let evidence = decision.evidence
        let hit = RememberedHit(
            requestID: requestID, entry: entry.id, wording: evidence.best ?? entry.id, population: population,
            features: evidence.calibration?.features, asked: asked, cached: entry.query, similarity: evidence.similarity ?? 0, at: clock.now())
        state.withLock { state in
            state.hits.set(requestID, to: hit)
            state.hitsByKey.set(key, to: hit)
            state.groups.noteServed(entry.id)
            guard let calibration = evidence.calibration else { return }
            Self.change(population, &state) {
                $0.notice(score: calibration.score)
                $0.noticeHit()
            }
        }
    }

    /// Notes a decision that forwarded the request.
    ///
    /// - Parameter key: of the request.
    package func noteForwarded(
        _ decision: Decision, requestID: String, key: CacheKey, asked: String, cached: String, in population: PopulationKey, threshold: Float
    ) {
        let evidence = decision.evidence
        guard let best = evidence.best, let similarity = evidence.similarity else { return }
        guard case .forward(let reason) = decision.verdict else {
            // It would have been served, had its answer not to be compared first or had anything to be served at all.
            guard let calibration = evidence.calibration else { return }
            return state.withLock { Self.change(population, &$0) { $0.notice(score: calibration.score) } }
        }
        let isGuarded = evidence.guards.contains(where: \.isFired)
        state.withLock { state in
            if let calibration = evidence.calibration, !isGuarded {
                Self.change(population, &state) {
                    $0.notice(score: calibration.score)
                    if calibration.isExplored { $0.noticeExplored() }
                }
            }
            guard similarity >= min(threshold, 0.8), reason != .explored else { return }
            state.nearMisses.append(
                NearMiss(
                    kind: .nearMiss, at: clock.now(), requestID: requestID, entry: best, asked: asked, cached: cached, similarity: similarity,
                    reason: reason.rawValue, findings: evidence.findings, score: evidence.calibration?.score, key: key,
                    // What a guard refuses is never served, so it teaches nothing about what is.
                    lesson: isGuarded
                        ? nil : evidence.calibration.map { NearMiss.Lesson(population: population, features: $0.features) }))
        }
    }

    /// Counts the words of a prompt that was asked.
    package func notice(_ query: String, in key: PopulationKey) {
        guard let prompt = try? prompts.prepared(query) else { return }
        state.withLock { Self.change(key, &$0) { $0.notice(prompt) } }
    }

    /// A client that asks again within a minute and insists on a fresh answer may not have liked what it was served.
    package func noteRefresh(_ key: CacheKey) {
        let now = clock.now()
        state.withLock { state in
            guard let hit = state.hitsByKey[key], !hit.isJudged, now - hit.at <= .seconds(60) else { return }
            state.hitsByKey.update(key) { $0.isJudged = true }
            // Whoever gave a verdict on the hit has said what was meant.
            guard state.hits[hit.requestID]?.isJudged != true else { return }
            guard let features = hit.features else { return }
            Self.change(hit.population, &state) { $0.learn(features, isRight: false, weight: 0.25) }
        }
    }

    /// Whether this exact hit is to be forwarded all the same, for measuring the judge's noise. Only where there is learning to measure.
    ///
    /// - Parameter kind: the kind of traffic, whatever its texts are: no hit has its text read for this.
    package func samplesNoise(in kind: @autoclosure () -> PopulationKey) -> Bool {
        guard judge != nil, options.noiseSample > 0 else { return false }
        let (key, now) = (kind(), clock.now())
        return state.withLock { state in
            guard state.learning.contains(key) else { return false }
            let isEarly = state.repeats[key, default: 0] < options.earlyRepeats
            let share = isEarly ? max(options.noiseSample, options.earlyShare) : options.noiseSample
            guard Double(state.generator.next() >> 11) * 0x1p-53 < share else { return false }
            guard state.today.take(at: now, limit: options.dailyRepeats) else { return false }
            state.repeats[key, default: 0] += 1
            return true
        }
    }

    /// Reckons with another error bound for the traffic as a whole; each population follows when it is next asked.
    package func reckon(with bound: Double) { state.withLock { $0.global.settle(bound: bound) } }

    // MARK: Behind the requests

    /// Queues the comparison of a fresh answer with what the cache would have said. Never waits.
    package func enqueue(_ job: LabelJob) {
        guard judge != nil else { return }
        let worth = job.worth
        state.withLock { state in
            if let gone = state.queue.push(job, worth: worth) {
                state.counts.dropped += 1
                if gone.worth == .wouldServe { state.counts.droppedServable += 1 }
            }
            state.counts.waiting = state.queue.count
        }
        arrival.yield()
    }

    /// Compares and learns until shutdown, and keeps what was learned.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await cancelWhenGracefulShutdown {
                    for await _ in self.arrivals {
                        while !Task.isCancelled, let job = self.takeJob() { await self.work(job) }
                    }
                }
            }
            group.addTask { [self] in
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: self.options.saveInterval)
                        self.forgetTheGone()
                        // What is left at the shutdown is kept below, by a task that is not cancelled.
                        if !Task.isCancelled { await self.save() }
                    }
                }
            }
        }
        await save()
    }

    private func takeJob() -> LabelJob? {
        state.withLock { state in
            let job = state.queue.pop()
            state.counts.waiting = state.queue.count
            state.isComparing = job != nil
            return job
        }
    }

    /// Waits until no comparison is to be made. For as long as ``run()`` runs; ends when cancelled.
    package func settle() async {
        while state.withLock({ $0.isComparing || $0.queue.count > 0 }), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
    }

    // MARK: Under the lock

    /// The population. A new one begins with what all traffic taught, or, where its texts are of a class that nothing was fitted on, with nothing.
    private static func population(
        _ name: PopulationName, _ state: inout State, _ options: Options, _ prior: Prior?, bound: Double, touches: Bool
    ) -> Population {
        let key = name.key
        if touches {
            if state.names[key] == nil { state.names[key] = name }
            state.clock += 1
            state.used[key] = state.clock
        }
        if var known = state.populations[key] {
            // The bound may be another one since the configuration was read again.
            if touches, known.settledBound != bound {
                known.settle(bound: bound)
                state.populations[key] = known
            }
            return known
        }
        var made = name.text == nil ? Population(inheriting: state.global) : Population(prior: nil)
        made.settle(bound: bound)
        guard touches else { return made }
        if state.populations.count >= options.populationLimit,
            let oldest = state.populations.keys.min(by: { state.used[$0] ?? 0 < state.used[$1] ?? 0 })
        {
            state.populations[oldest] = nil
            state.used[oldest] = nil
            state.recent[oldest] = nil
            if let name = state.names.removeValue(forKey: oldest) {
                let kind = name.ofAnyText.key
                state.learning.remove(kind)
                state.repeats[kind] = nil
            }
            state.changed.remove(oldest)
            state.forgotten.insert(oldest)
        }
        // What the store has under the key is of before.
        if state.forgotten.remove(key) != nil { state.changed.insert(key) }
        state.populations[key] = made
        return made
    }

    /// Takes in one comparison of a look-up that was forwarded: its population learns, and so do the answer's record and all traffic. What is undecided is
    /// no label.
    ///
    /// - Parameter wouldServe: whether the cached answer would have been served.
    static func teach(
        _ key: PopulationKey, _ features: FeatureVector, _ evidence: AnswerEvidence, wouldServe: Bool, of wording: EntryID?, _ state: inout State
    ) {
        switch evidence.verdict {
        case .undecided: state.counts.undecided += 1
        case .same, .different:
            state.counts.labels += 1
            if evidence.verdict == .same { state.counts.right += 1 }
            if let wording { state.groups.note(wording, isRight: evidence.verdict == .same) }
        }
        change(key, &state) { $0.learn(features, evidence, wouldServe: wouldServe) }
        noteLearning(of: key, &state)
        // Texts of other classes say nothing about those that all traffic speaks for.
        guard state.names[key]?.text == nil else { return }
        state.global.learn(features, evidence, wouldServe: wouldServe)
        state.isGlobalChanged = true
    }

    /// The least labels of a population for which noise is measured.
    private static let labelsForNoise = 50

    static func noteLearning(of key: PopulationKey, _ state: inout State) {
        guard let population = state.populations[key], population.observations >= labelsForNoise else { return }
        state.learning.insert(state.names[key]?.ofAnyText.key ?? key)
    }

    static func change(_ key: PopulationKey, _ state: inout State, _ change: (inout Population) -> Void) {
        // Taken out while it is changed, so that its tables are not copied.
        guard var population = state.populations.removeValue(forKey: key) else { return }
        change(&population)
        state.populations[key] = population
        state.changed.insert(key)
    }
}
