import HTTPTypes
import Matching
package import SemanticCache
import Synchronization
package import Telemetry
import WireFormats

/// Says whether two answers are the same in substance: what a label of the matcher rests on.
///
/// Three tiers, the cheap ones first. Equal words are the same. Else the answers' embeddings: near ones whose numbers and polarity agree are the
/// same, far ones are not. What is in between is asked of a model, where one is named and today's budget allows; else it counts as different.
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
        /// Too near to be called different and too far to be called the same; counts as different.
        case unsure
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

    /// Answers at least this near are the same where numbers and polarity agree; longer ones say the same in more words and must be nearer.
    private static let nearShort: Float = 0.88
    private static let nearLong: Float = 0.92
    /// Answers less near than this are different.
    private static let far: Float = 0.6
    /// Up to this many bytes an answer is short: one fact in one sentence or two.
    private static let shortAnswer = 400
    /// As much of an answer is read.
    private static let readLimit = 4000

    private let options: Options
    private let embedder: any Embedder
    private let upstream: any Upstream
    private let clock: any WallClock
    private let metrics: ProxyMetrics?
    private let budget: BudgetBox
    private let counter: CounterBox

    private final class BudgetBox: Sendable { let value = Mutex(Budget()) }
    private final class CounterBox: Sendable { let value = Mutex(Counts()) }

    /// - Parameter metrics: told what the model's word costs.
    package init(options: Options, embedder: any Embedder, upstream: any Upstream, clock: any WallClock, metrics: ProxyMetrics? = nil) {
        self.options = options
        self.embedder = embedder
        self.upstream = upstream
        self.clock = clock
        self.metrics = metrics
        budget = BudgetBox()
        counter = CounterBox()
    }

    /// How often each tier decided.
    package var counts: Counts { counter.value.withLock { $0 } }

    /// Compares the answers of two entries of one endpoint.
    package func compare(_ fresh: Entry, _ cached: Entry) async -> Verdict {
        let first = AnswerText.preview(fresh.answer, endpoint: fresh.endpoint, limit: Self.readLimit)
        let second = AnswerText.preview(cached.answer, endpoint: cached.endpoint, limit: Self.readLimit)
        guard !first.isEmpty, !second.isEmpty else { return first == second ? .same : .different }
        if Self.normalised(first) == Self.normalised(second) {
            note { $0.equal += 1 }
            return .same
        }
        let near = await nearness(first, second)
        if near == .same || near == .different {
            note { $0.embedded += 1 }
            return near
        }
        guard let model = options.model, takeBudget() else {
            note { $0.unsure += 1 }
            return .unsure
        }
        let asked = await ask(model, about: fresh, first, second)
        note { if asked == nil { $0.failed += 1 } else { $0.asked += 1 } }
        return asked.map { $0 ? .same : .different } ?? .unsure
    }

    private func nearness(_ first: String, _ second: String) async -> Verdict {
        if let one = try? PromptTokens(first), let other = try? PromptTokens(second) {
            let pair = PromptPair(asked: one, cached: other)
            let isShort = max(first.utf8.count, second.utf8.count) <= Self.shortAnswer
            // In a long text a list's numbering or one more example changes the numbers and not the answer.
            if isShort, NumbersGuard().finding(in: pair) != nil { return .different }
            if isShort, PolarityGuard().finding(in: pair) != nil { return .unsure }
        }
        guard let outcomes = try? await embedder.embedInBackground([Self.beginning(first), Self.beginning(second)], keepsReading: false),
            outcomes.count == 2, let one = try? outcomes[0].get(), let other = try? outcomes[1].get()
        else { return .unsure }
        let similarity = one.similarity(to: other)
        let near = max(first.utf8.count, second.utf8.count) <= Self.shortAnswer ? Self.nearShort : Self.nearLong
        if similarity >= near { return .same }
        return similarity < Self.far ? .different : .unsure
    }

    /// What fits the embedder's window of some 250 tokens, cut between words.
    private static func beginning(_ text: String) -> String {
        guard text.count > 700 else { return text }
        let head = text.prefix(700)
        return String(head.lastIndex(of: " ").map { head[..<$0] } ?? head)
    }

    /// Lower case, white space collapsed, closing punctuation dropped.
    static func normalised(_ text: String) -> String {
        var words = text.lowercased().split { $0.isWhitespace }.joined(separator: " ")
        while let last = words.last, ".!? ".contains(last) { words.removeLast() }
        return words
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
