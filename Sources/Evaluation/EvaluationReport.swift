/// Everything that one run of the evaluation found, as written by `--json`.
package struct EvaluationReport: Encodable, Sendable {
    /// One rule on one stream, over all seeds.
    package struct StreamRow: Encodable, Sendable {
        package let rule: String
        package let seeds: Int
        package let hitRate: Proportion
        package let wrongPerHit: Proportion
        package let wrongPerRequest: Proportion
        package let secondHalfHitRate: Proportion
        package let secondHalfWrongPerHit: Proportion
        /// The lowest and the highest hit rate of one seed.
        package let hitRateBySeed: [Double]
        package let wrongPerHitBySeed: [Double]
        /// Requests before the first hit, the median of the seeds; `nil` where most seeds had no hit.
        package let firstHit: Int?
        package let explored: Proportion
        package let judgeCallsPerRequest: Double
        /// The share of requests for which a near wording had the right answer.
        package let possible: Proportion
    }

    /// One rule on one file of pairs.
    package struct PairRow: Encodable, Sendable {
        package let rule: String
        /// Of the pairs that have one answer, those served.
        package let served: Proportion
        /// Of the pairs that have not, those served: wrong answers.
        package let trapped: Proportion
        package let byCategory: [String: Proportion]
        /// The same two shares for each kind of pair and for each language that the file names.
        package let byKind: [String: Shares]
        package let byLanguage: [String: Shares]

        /// Of the pairs that have one answer those served, and of those that have not.
        package struct Shares: Encodable, Sendable {
            package let served: Proportion
            package let trapped: Proportion
        }
    }

    package struct Stream: Encodable, Sendable {
        package let file: String
        package let prompts: Int
        package let rows: [StreamRow]
    }

    package struct Pairs: Encodable, Sendable {
        package let file: String
        package let pairs: Int
        package let rows: [PairRow]
    }

    package let embedder: String
    package let verifier: String
    /// Whether a prior was there for this embedder.
    package let hasPrior: Bool
    package let streams: [Stream]
    package let pairs: [Pairs]

    package init(embedder: String, verifier: String, hasPrior: Bool, streams: [Stream], pairs: [Pairs]) {
        self.embedder = embedder
        self.verifier = verifier
        self.hasPrior = hasPrior
        self.streams = streams
        self.pairs = pairs
    }
}

extension EvaluationReport.StreamRow {
    /// Joins the replays of several seeds.
    package init(rule: String, results: [StreamResult]) {
        func sum(_ part: (StreamResult) -> Proportion) -> Proportion { results.map(part).reduce(Proportion(0, of: 0), +) }
        let first = results.map { $0.firstHit ?? .max }.sorted()
        let requests = results.reduce(0) { $0 + $1.requests }
        self.init(
            rule: rule, seeds: results.count, hitRate: sum(\.hitRate), wrongPerHit: sum(\.wrongPerHit), wrongPerRequest: sum(\.wrongPerRequest),
            secondHalfHitRate: sum(\.secondHalfHitRate), secondHalfWrongPerHit: sum(\.secondHalfWrongPerHit),
            hitRateBySeed: results.map(\.hitRate.share), wrongPerHitBySeed: results.map(\.wrongPerHit.share),
            firstHit: first.isEmpty || first[first.count / 2] == .max ? nil : first[first.count / 2],
            explored: sum { Proportion($0.explored, of: $0.requests) },
            judgeCallsPerRequest: Double(results.reduce(0) { $0 + $1.judgeCalls }) / Double(max(requests, 1)),
            possible: sum { Proportion($0.possible, of: $0.requests) })
    }
}

extension EvaluationReport.PairRow {
    package init(rule: String, outcomes: [PairReplay.Outcome]) {
        func proportion(_ outcomes: [PairReplay.Outcome]) -> Proportion { Proportion(outcomes.count(where: \.isServed), of: outcomes.count) }
        let named = outcomes.filter { !$0.pair.category.isEmpty }
        func shares(_ outcomes: [PairReplay.Outcome]) -> Shares {
            Shares(served: proportion(outcomes.filter(\.pair.isSame)), trapped: proportion(outcomes.filter { !$0.pair.isSame }))
        }
        self.init(
            rule: rule, served: proportion(outcomes.filter(\.pair.isSame)), trapped: proportion(outcomes.filter { !$0.pair.isSame }),
            byCategory: Dictionary(grouping: named, by: \.pair.category).mapValues(proportion),
            byKind: Dictionary(grouping: named, by: \.pair.category).mapValues(shares),
            byLanguage: Dictionary(grouping: outcomes.filter { !$0.pair.language.isEmpty }, by: \.pair.language).mapValues(shares))
    }
}
