import HTTPTypes
package import Matching
package import SemanticCache
import Synchronization
package import Telemetry
import WireFormats

/// Says how likely two answers are the same in substance: what a label of the matcher rests on.
///
/// Equal words are the same. Else what the answers claim is compared, and how alike the whole texts are, held against what is known of this kind of traffic
/// (``AnswerComparison``). What stays open is asked of a model, where one is named and today's budget allows; else it is no label at all.
package struct AnswerJudge: Sendable {
    package struct Options: Sendable {
        /// The model that is asked; `nil` asks none.
        package var model: String?
        /// The most questions to that model in a day.
        package var dailyCalls: Int

        package init(model: String?, dailyCalls: Int) {
            self.model = model
            self.dailyCalls = dailyCalls
        }
    }

    package enum Verdict: Sendable, Equatable {
        case same, different
        /// As likely either way, or nearly so: neither for nor against.
        case unsure
    }

    /// What a comparison came to.
    package struct Weighing: Sendable {
        package let evidence: AnswerEvidence
        /// The cosine of the two answers; `nil` where one of them has no vector.
        package let similarity: Double?

        package var verdict: Verdict {
            switch evidence.verdict {
            case .same: .same
            case .different: .different
            case .undecided: .unsure
            }
        }
    }

    /// How often each tier decided, and what came of the model.
    package struct Counts: Sendable, Equatable {
        package var equal = 0
        package var embedded = 0
        package var asked = 0
        package var unsure = 0
        package var failed = 0
    }

    private struct Budget {
        var day: Int64 = 0
        var calls = 0
    }

    /// Of 50 answers that the model calls the same one is not, and so many the other way round.
    private static let model = 3.9

    private let options: Options
    private let embedder: any Embedder
    private let upstream: any Upstream
    private let clock: any WallClock
    private let metrics: ProxyMetrics?
    private let budget: BudgetBox
    private let counter: CounterBox
    private let readings: AnswerReadings

    private final class BudgetBox: Sendable { let value = Mutex(Budget()) }
    private final class CounterBox: Sendable { let value = Mutex(Counts()) }

    /// - Parameter metrics: told what the model's word costs.
    package init(options: Options, embedder: any Embedder, upstream: any Upstream, clock: any WallClock, metrics: ProxyMetrics? = nil) {
        self.options = options
        self.embedder = embedder
        self.upstream = upstream
        self.clock = clock
        self.metrics = metrics
        readings = AnswerReadings(embedder: embedder)
        budget = BudgetBox()
        counter = CounterBox()
    }

    /// How often each tier decided.
    package var counts: Counts { counter.value.withLock { $0 } }

    /// Compares the answers of two entries of one endpoint, as on traffic of which nothing is known yet.
    package func compare(_ fresh: Entry, _ cached: Entry) async -> Verdict { await weigh(fresh, cached, likeness: AnswerLikeness()).verdict }

    /// Forgets what was read of all answers.
    func forget() { readings.removeAll() }

    /// Forgets what was read of these entries' answers.
    func forget(_ entries: Set<EntryID>) { readings.remove(entries) }

    /// What an answer says, read once and remembered.
    func reading(_ entry: Entry) async -> AnswerReadings.Reading { await readings.reading(of: entry) }

    /// Compares the answers of two entries of one endpoint.
    ///
    /// - Parameter likeness: what similarity says on this kind of traffic.
    package func weigh(_ fresh: Entry, _ cached: Entry, likeness: AnswerLikeness) async -> Weighing {
        let (first, second) = (await readings.reading(of: fresh), await readings.reading(of: cached))
        let similarity = first.vector.flatMap { one in second.vector.map { Double(one.similarity(to: $0)) } }
        guard !first.claims.isEmpty, !second.claims.isEmpty else {
            return Weighing(evidence: AnswerEvidence(isSame: first.claims.isEmpty == second.claims.isEmpty, basis: .equal), similarity: similarity)
        }
        let questions = Set([fresh.query, cached.query]).map { AnswerClaims($0) }
        let evidence = AnswerComparison.compare(first.claims, second.claims, questions: questions, similarity: similarity, likeness: likeness)
        if evidence.verdict != .undecided {
            note { if evidence.basis == .equal { $0.equal += 1 } else { $0.embedded += 1 } }
            return Weighing(evidence: evidence, similarity: similarity)
        }
        guard let model = options.model, takeBudget() else {
            note { $0.unsure += 1 }
            return Weighing(evidence: evidence, similarity: similarity)
        }
        let asked = await ask(model, about: fresh, first.text, second.text)
        note { if asked == nil { $0.failed += 1 } else { $0.asked += 1 } }
        let heard = asked.map { AnswerEvidence(logRatio: $0 ? Self.model : -Self.model, basis: .model) }
        return Weighing(evidence: heard ?? evidence, similarity: similarity)
    }

    private func note(_ change: (inout Counts) -> Void) { counter.value.withLock { change(&$0) } }

    private func takeBudget() -> Bool {
        let today = clock.now().milliseconds / 86_400_000
        return budget.value.withLock { budget in
            if budget.day != today { budget = Budget(day: today) }
            guard budget.calls < options.dailyCalls else { return false }
            budget.calls += 1
            return true
        }
    }

    /// The model's word; `nil` when it cannot be had or understood.
    private func ask(_ model: String, about fresh: Entry, _ first: String, _ second: String) async -> Bool? {
        let instruction =
            "You compare two answers to one question. Reply SAME if a person who asked the question would be served equally well by either, with no "
            + "difference in facts, numbers, names or advice. Otherwise reply DIFFERENT. Reply with that one word."
        let text = "Question:\n\(fresh.query)\n\nAnswer A:\n\(first)\n\nAnswer B:\n\(second)"
        let body =
            "{\"model\":\(JSONText.quoted(model)),\"temperature\":0,\"max_tokens\":4,\"messages\":[{\"role\":\"system\",\"content\":"
            + "\(JSONText.quoted(instruction))},{\"role\":\"user\",\"content\":\(JSONText.quoted(text))}]}"
        let request = UpstreamRequest(
            method: .post, target: "/chat/completions", fields: [.contentType: "application/json"], body: .bytes(Array(body.utf8)))
        guard let response = try? await upstream.send(request), response.status == .ok,
            let bytes = try? await response.body.collect(upTo: 1 << 20)
        else { return nil }
        if let usage = TokenUsage(body: bytes) {
            // On behalf of the request whose answer is compared.
            let labels = ProxyMetrics.Labels(endpoint: fresh.endpoint, model: fresh.model, tenant: fresh.tenant, namespace: fresh.namespace)
            metrics?.recordCost(.judge, model: model, usage: usage, labels)
        }
        let answer = Answer(recording: .message(bytes), fields: [:], usage: nil, upstreamTime: .zero)
        let words = AnswerText.preview(answer, endpoint: .chatCompletions, limit: 40).uppercased().split { !$0.isLetter }
        if words.contains("DIFFERENT") { return false }
        // "Not the same" is no yes.
        return words.first == "SAME" ? true : nil
    }
}
