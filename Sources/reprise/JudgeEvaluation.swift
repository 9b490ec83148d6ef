import Embedding
import Evaluation
import Foundation
import Learning
import Matching
import SemanticCache
import VectorSearch

/// What `reprise evaluate --answers` does: the judge on answers, and streams answered as a model words them.
struct JudgeEvaluation {
    let embedder: OnnxEmbedder
    let prior: Prior?
    let verdict: (@Sendable (String, String) -> Double?)?
    let bound: Double
    let profile: GuardProfile
    let seeds: Int
    /// Comparisons made for each request that comes in; `nil` makes all before the next one.
    let pace: Double?
    let repeats: Int
    let console: Console

    /// What fits the embedder's window, cut between words, as the judge reads an answer.
    static func beginning(_ text: String) -> String {
        guard text.count > 700 else { return text }
        let head = text.prefix(700)
        return String(head.lastIndex(of: " ").map { head[..<$0] } ?? head)
    }

    /// Judges the answers of a file.
    func judge(_ content: JudgeTrial.Content, file: String, vectors: [String: UnitVector]) {
        let pairs: [JudgeTrial.Pair] =
            switch content {
            case .pairs(let pairs): pairs
            case .instructions(let instructions): JudgeTrial.pairs(instructions) { vectors[Self.beginning($0)] }
            }
        console.out("\n\(file): \(pairs.count) pairs of answers, as on traffic of which nothing is known\n")
        for row in JudgeTrial.run(pairs, vector: { vectors[Self.beginning($0)] }) {
            console.out(
                "  \(row.kind), \(row.isSame ? "the same" : "different"): called the same \(ReportTable.shown(row.calledSame)), "
                    + "called different \(ReportTable.shown(row.calledDifferent)), of \(row.calledSame.total)")
        }
    }

    /// Replays a stream, each group of which has one instruction's answers.
    func replay(_ items: [StreamItem], file: String, instructions: [JudgeTrial.Instruction], vectors: [String: UnitVector]) {
        let counts = Dictionary(grouping: items, by: \.group).mapValues(\.count)
        let families = Dictionary(grouping: instructions, by: \.family)
        let pace = pace.map { "\($0) comparisons a request" } ?? "one after the other"
        for family in families.keys.sorted() {
            console.out("\n\(file), answers of \(family), \(pace)\n")
            var (hits, wrong) = (Proportion(0, of: 0), Proportion(0, of: 0))
            for seed in 1...max(1, seeds) {
                let texts = AnswerBook.texts(groups: counts, instructions: (families[family] ?? []).map(\.answers), seed: UInt64(seed))
                let book = AnswerBook(
                    answers: texts.mapValues { $0.map { AnswerBook.Answer(claims: AnswerClaims($0), vector: vectors[Self.beginning($0)]) } })
                var options = JudgedReplay.Options()
                (options.bound, options.profile, options.comparisonsPerRequest, options.repeats) = (bound, profile, self.pace, repeats)
                var generator = SeededGenerator(seed: UInt64(seed))
                let run = JudgedReplay(
                    options: options, prior: prior, book: book, vector: { vectors[$0] }, verdict: verdict,
                    residue: ResidueGuard(embedder), makeIndex: { [dimension = embedder.dimension] in FlatIndex(dimension: dimension) }
                ).run(items.shuffled(using: &generator), seed: UInt64(seed)) { EvaluateCommand.scope(of: $0.history) }
                (hits, wrong) = (hits + run.result.hitRate, wrong + run.result.wrongPerHit)
                let labels = run.labels
                console.out(
                    "  seed \(seed): hits \(ReportTable.shown(run.result.hitRate)), wrong of hits \(ReportTable.shown(run.result.wrongPerHit)); "
                        + "\(labels.same) same (\(labels.falseSame) falsely), \(labels.different) different (\(labels.falseDifferent) falsely), "
                        + "\(labels.undecided) undecided, \(labels.dropped) dropped (\(labels.droppedThatWouldServe) of what would have been served)")
            }
            console.out("  all: hits \(ReportTable.shown(hits)), wrong of hits \(ReportTable.shown(wrong))")
        }
    }

    /// Sends a stream through the whole proxy, each group of which has one instruction's answers.
    func replay(_ items: [StreamItem], file: String, instructions: [JudgeTrial.Instruction], through live: LiveReplay) async {
        let counts = Dictionary(grouping: items, by: \.group).mapValues(\.count)
        let families = Dictionary(grouping: instructions, by: \.family)
        for family in families.keys.sorted() {
            console.out("\n\(file), answers of \(family), through the whole proxy, \(live.pace.words)\n")
            var (hits, wrong, missed) = (Proportion(0, of: 0), Proportion(0, of: 0), Proportion(0, of: 0))
            for seed in 1...max(1, seeds) {
                let texts = AnswerBook.texts(groups: counts, instructions: (families[family] ?? []).map(\.answers), seed: UInt64(seed))
                var generator = SeededGenerator(seed: UInt64(seed))
                let run = await live.run(items.shuffled(using: &generator), seed: UInt64(seed)) { item, round in
                    texts[item.group].flatMap { choices in
                        choices.isEmpty ? nil : choices[(AnswerBook.place(of: item.prompt) + round) % choices.count]
                    }
                }
                let asked = run.requests - run.exact
                let served = Proportion(run.semantic, of: asked)
                let mistaken = Proportion(run.wrong, of: run.semantic)
                let passed = Proportion(run.missed, of: asked)
                (hits, wrong, missed) = (hits + served, wrong + mistaken, missed + passed)
                console.out("  seed \(seed): " + Self.line(run, served: served, wrong: mistaken, missed: passed))
            }
            console.out(
                "  all: hits \(ReportTable.shown(hits)), wrong of hits \(ReportTable.shown(wrong)), missed of requests \(ReportTable.shown(missed))")
        }
    }

    private static func line(_ run: LiveReplay.Result, served: Proportion, wrong: Proportion, missed: Proportion) -> String {
        var line = "hits \(ReportTable.shown(served)), wrong of hits \(ReportTable.shown(wrong)), missed \(ReportTable.shown(missed)), "
        line += "\(run.exact) exact, \(Int((Double(run.requests) / max(run.seconds, 1e-3)).rounded())) requests a second"
        if run.failed > 0 { line += ", \(run.failed) failed" }
        guard let learned = run.learned else { return line }
        let counts = learned.counts
        line += "; \(counts.right) same, \(counts.labels - counts.right) different, \(counts.undecided) undecided, "
        line += "\(counts.dropped) dropped (\(counts.droppedServable) of what would have been served), \(counts.noiseSampled) asked afresh, "
        line += "\(counts.verifierLate) verdicts late; it estimates \(Self.percent(learned.estimatedError)) wrong"
        if let own = learned.ownEstimatedError { line += ", by \(learned.ownLabels) labels of its own \(Self.percent(own))" }
        return line
    }

    private static func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
}
