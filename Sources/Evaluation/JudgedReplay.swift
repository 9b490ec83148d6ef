package import Matching
package import SemanticCache

/// Replays a stream as the proxy learns from it: labels come from comparing answers, some of them late and some never.
///
/// ``StreamReplay`` knows the truth and learns from that at once. Here a fresh answer is held against the cached ones by the judge, behind the requests, out of
/// the queue that the proxy has: while one comparison is made, so many requests go by. The truth only counts what was served wrongly.
package struct JudgedReplay: Sendable {
    /// How it goes.
    package struct Options: Sendable {
        package var bound = 0.01
        package var profile = GuardProfile.default
        /// Comparisons made for each request that comes in; `nil` makes all of them before the next one.
        package var comparisonsPerRequest: Double?
        package var queueLimit = 1024
        /// Prompts that are asked twice in the beginning, to see how the model words one answer.
        package var repeats = 0

        package init() {}
    }

    /// What the judge came to, beside what was served.
    package struct Labels: Sendable, Equatable {
        package var same = 0
        package var different = 0
        package var undecided = 0
        /// Called the same and not of one group, or different and of one.
        package var falseSame = 0
        package var falseDifferent = 0
        package var dropped = 0
        package var droppedThatWouldServe = 0
    }

    package struct Run: Sendable {
        package var result = StreamResult()
        package var labels = Labels()
        package var population: Population
    }

    let options: Options
    let prior: Prior?
    let book: AnswerBook?
    let vector: @Sendable (String) -> UnitVector?
    let verdict: (@Sendable (String, String) -> Double?)?
    let residue: ResidueGuard?
    let makeIndex: @Sendable () -> any VectorIndex

    /// - Parameter book: what the model says; `nil` has every group answered with one text of its own.
    package init(
        options: Options, prior: Prior?, book: AnswerBook?, vector: @escaping @Sendable (String) -> UnitVector?,
        verdict: (@Sendable (String, String) -> Double?)?, residue: ResidueGuard? = nil,
        makeIndex: @escaping @Sendable () -> any VectorIndex
    ) {
        self.options = options
        self.prior = prior
        self.book = book
        self.vector = vector
        self.verdict = verdict
        self.residue = residue
        self.makeIndex = makeIndex
    }

    private struct Wording {
        let item: StreamItem
        let answer: AnswerBook.Answer?
        var root: EntryID
    }

    private struct Record {
        var right = 0
        var wrong = 0
        var aliases = 0
    }

    private struct Job: Sendable {
        let id: EntryID
        let near: [EntryID]
        /// `nil` where a guard fired: what is never served teaches nothing about what is.
        let features: FeatureVector?
        let wouldServe: Bool
    }

    private struct State {
        var wordings: [EntryID: Wording] = [:]
        var order: [EntryID] = []
        var records: [EntryID: Record] = [:]
        var questions: [EntryID: AnswerClaims] = [:]
        var population: Population
        var queue: LabelQueue<Job>
        var labels = Labels()
        var judged = 0
        var generator: SeededGenerator
    }

    private static let aliasLimit = 64

    /// Replays the items in order.
    package func run(_ items: [StreamItem], seed: UInt64, scope: (StreamItem) -> Scope) -> Run {
        var state = State(
            population: Population(prior: prior), queue: LabelQueue(capacity: options.queueLimit), generator: SeededGenerator(seed: seed))
        state.population.settle(bound: options.bound)
        var result = StreamResult()
        let index = makeIndex()
        let prompts = PreparedPrompts(capacity: 1 << 16)
        var due = 0.0
        for (position, item) in items.enumerated() {
            guard let vector = vector(item.prompt), let asked = try? prompts.prepared(item.prompt) else { continue }
            if position < options.repeats { noteRepeat(of: item, &state) }
            let scope = scope(item)
            let candidates = index.nearest(to: vector, in: scope, count: 8).compactMap { neighbour -> Candidate? in
                guard let wording = state.wordings[neighbour.id] else { return nil }
                let record = state.records[wording.root]
                return Candidate(
                    id: neighbour.id, answer: wording.root, query: wording.item.prompt, similarity: neighbour.similarity, right: record?.right ?? 0,
                    wrong: record?.wrong ?? 0)
            }
            let policy = CalibratedPolicy(
                population: state.population, errorBound: options.bound, profile: options.profile, floor: StreamReplay.floor,
                draw: state.generator.unit(), prompts: prompts, residue: residue)
            let prepared = policy.prepare(query: item.prompt, candidates: candidates)
            let logit = candidates.first.flatMap { prepared.canServe ? verdict?(item.prompt, $0.query) : nil }
            let decision = prepared.decide(verdict: logit)
            let isGuarded = decision.evidence.guards.contains(where: \.isFired)
            let calibration = isGuarded ? nil : decision.evidence.calibration
            let served = candidates.first.flatMap { state.wordings[$0.answer] }
            result.note(
                serves: decision.isReplay, isRight: served?.item.group == item.group, isSecondHalf: position >= items.count / 2,
                isPossible: candidates.contains { state.wordings[$0.answer]?.item.group == item.group },
                isExplored: calibration?.isExplored ?? false)
            if let calibration { state.population.notice(score: calibration.score) }
            state.population.notice(asked)
            if decision.isReplay {
                state.population.noticeHit()
            } else {
                if calibration?.isExplored == true { state.population.noticeExplored() }
                insert(item, vector, scope, candidates, calibration, index, &state)
            }
            due = options.comparisonsPerRequest.map { min(due + $0, 1e6) } ?? .infinity
            while due >= 1, let job = state.queue.pop() {
                work(job, &state)
                due -= 1
            }
        }
        result.judgeCalls = state.judged
        return Run(result: result, labels: state.labels, population: state.population)
    }

    private func noteRepeat(of item: StreamItem, _ state: inout State) {
        guard let first = book?.answer(to: item.prompt, group: item.group), let second = book?.answer(to: item.prompt, group: item.group, round: 1),
            let one = first.vector, let other = second.vector
        else { return }
        state.population.noteLikeness(ofSame: Double(one.similarity(to: other)))
    }

    private func insert(
        _ item: StreamItem, _ vector: UnitVector, _ scope: Scope, _ candidates: [Candidate], _ calibration: Decision.Calibration?,
        _ index: any VectorIndex, _ state: inout State
    ) {
        let id = EntryID(rawValue: Int64(state.order.count) + 1)
        state.wordings[id] = Wording(item: item, answer: book?.answer(to: item.prompt, group: item.group), root: id)
        state.order.append(id)
        index.insert(id, vector, in: scope)
        var near: [EntryID] = []
        for candidate in candidates where candidate.similarity >= StreamReplay.floor && !near.contains(candidate.answer) {
            near.append(candidate.answer)
        }
        guard !near.isEmpty else { return }
        let wouldServe = calibration?.isExplored ?? false
        // On the path the verifier is asked only where it could let an answer out; a label wants its word in any case.
        let heard = calibration.map { calibration -> FeatureVector in
            guard calibration.features[.verifier] == Feature.absentVerdict, let best = candidates.first else { return calibration.features }
            return verdict?(item.prompt, best.query).flatMap { calibration.features.settingVerdict($0) } ?? calibration.features
        }
        let job = Job(id: id, near: Array(near.prefix(3)), features: heard, wouldServe: wouldServe)
        let isNear = calibration.map { $0.score >= $0.cut.score - 2 } ?? false
        if let gone = state.queue.push(job, worth: wouldServe ? .wouldServe : isNear ? .nearMiss : .clearMiss) {
            state.labels.dropped += 1
            if gone.wouldServe { state.labels.droppedThatWouldServe += 1 }
        }
    }

    private func work(_ job: Job, _ state: inout State) {
        guard let fresh = state.wordings[job.id] else { return }
        noteOther(fresh, job, &state)
        for (rank, id) in job.near.enumerated() {
            guard let cached = state.wordings[id] else { continue }
            state.judged += 1
            let evidence = compare(job.id, fresh, id, cached, &state)
            let isOne = fresh.item.group == cached.item.group
            switch evidence.verdict {
            case .same:
                state.labels.same += 1
                if !isOne { state.labels.falseSame += 1 }
            case .different:
                state.labels.different += 1
                if isOne { state.labels.falseDifferent += 1 }
            case .undecided: state.labels.undecided += 1
            }
            if rank == 0, let features = job.features {
                switch state.population.learn(features, evidence, wouldServe: job.wouldServe) {
                case .same: state.records[id, default: Record()].right += 1
                case .different: state.records[id, default: Record()].wrong += 1
                case .undecided: break
                }
            }
            guard evidence.verdict == .same else { continue }
            let root = state.wordings[id]?.root ?? id
            if root != job.id, state.wordings[job.id]?.root == job.id, state.records[job.id]?.aliases ?? 0 == 0,
                state.records[root]?.aliases ?? 0 < Self.aliasLimit
            {
                state.wordings[job.id]?.root = root
                state.records[root, default: Record()].aliases += 1
            }
            break
        }
    }

    /// Holds the fresh answer against one that has nothing to do with it.
    private func noteOther(_ fresh: Wording, _ job: Job, _ state: inout State) {
        guard book != nil, state.order.count > 8 else { return }
        let id = state.order[Int(state.generator.unit() * Double(state.order.count))]
        guard id != job.id, let other = state.wordings[id], !job.near.contains(other.root), let one = fresh.answer?.vector,
            let two = other.answer?.vector
        else { return }
        state.population.noteLikeness(ofOthers: Double(one.similarity(to: two)))
    }

    private func compare(_ freshID: EntryID, _ fresh: Wording, _ cachedID: EntryID, _ cached: Wording, _ state: inout State) -> AnswerEvidence {
        guard let one = fresh.answer, let other = cached.answer else {
            return AnswerEvidence(isSame: fresh.item.group == cached.item.group, basis: .equal)
        }
        let similarity = one.vector.flatMap { a in other.vector.map { Double(a.similarity(to: $0)) } }
        let questions = [freshID, cachedID].map { id -> AnswerClaims in
            if let known = state.questions[id] { return known }
            let made = AnswerClaims(state.wordings[id]?.item.prompt ?? "")
            state.questions[id] = made
            return made
        }
        return AnswerComparison.compare(one.claims, other.claims, questions: questions, similarity: similarity, likeness: state.population.likeness)
    }
}
