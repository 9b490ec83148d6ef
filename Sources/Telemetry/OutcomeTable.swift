import SemanticCache

/// Requests by endpoint, outcome and reason: one counter for each combination, so that counting is an addition and no look-up.
struct OutcomeTable: Sendable {
    /// One combination.
    struct Row: Sendable {
        /// `endpoint`, its path or `other` for all that is not cached, `outcome`, and `reason`, empty for hits, in braces as the Prometheus format
        /// wants them.
        let labels: [UInt8]
        let count: Int
    }

    /// What is counted by itself.
    enum Column {
        case exactHit, semanticHit, stale
        case miss(MissReason)
        case bypass(BypassReason)

        /// Exact hits, semantic hits, stale answers, then the reasons of misses and bypasses in their declared order.
        fileprivate var number: Int {
            switch self {
            case .exactHit: 0
            case .semanticHit: 1
            case .stale: 2
            case .miss(let reason): firstMiss + (MissReason.allCases.firstIndex(of: reason) ?? 0)
            case .bypass(let reason): firstBypass + (BypassReason.allCases.firstIndex(of: reason) ?? 0)
            }
        }
    }

    private static let firstMiss = 3
    private static let firstBypass = firstMiss + MissReason.allCases.count
    private static let width = firstBypass + BypassReason.allCases.count
    private static let endpointCount = Endpoint.allCases.count + 1

    private let cells = AtomicCounters(width * endpointCount)

    /// Where an outcome is counted; `nil` for a request that was refused before anything was looked up.
    static func column(_ outcome: Outcome) -> Column? {
        switch outcome {
        case .hit(let hit):
            if hit.isStale { return .stale }
            return if case .exact = hit.match { .exactHit } else { .semanticHit }
        case .partial: return .miss(.partialBatch)
        case .miss(let reason, _, _), .onlyIfCached(.miss(let reason)): return .miss(reason)
        case .bypass(let reason), .onlyIfCached(.bypass(let reason)): return .bypass(reason)
        case .refused: return nil
        }
    }

    func add(at column: Column, endpoint: Endpoint?) {
        let row = endpoint.flatMap { Endpoint.allCases.firstIndex(of: $0) } ?? Endpoint.allCases.count
        cells.add(at: row * Self.width + column.number)
    }

    /// The requests of one column, over all endpoints.
    func count(_ column: Column) -> Int { (0..<Self.endpointCount).reduce(0) { $0 + cells[$1 * Self.width + column.number] } }

    /// Every combination, whether it has happened or not: a rate over a series that appears with its first request would miss that request. What is
    /// not cached is bypassed, so that its hits and misses are left out as long as there are none.
    var rows: [Row] {
        Self.labels.indices.compactMap { index -> Row? in
            let count = cells[index]
            guard count > 0 || index < Endpoint.allCases.count * Self.width || index % Self.width >= Self.firstBypass else { return nil }
            return Row(labels: Self.labels[index], count: count)
        }
    }

    /// The labels of each counter, made once because every scrape writes them.
    private static let labels: [[UInt8]] = (Endpoint.allCases.map(\.path) + ["other"]).flatMap { path in
        (0..<width).map { column -> [UInt8] in
            let (outcome, reason) = names(column)
            return Array("{endpoint=\"\(path)\",outcome=\"\(outcome)\",reason=\"\(reason)\"}".utf8)
        }
    }

    private static func names(_ column: Int) -> (outcome: String, reason: String) {
        switch column {
        case 0: ("exact_hit", "")
        case 1: ("semantic_hit", "")
        case 2: ("stale", "")
        case ..<firstBypass: ("miss", MissReason.allCases[column - firstMiss].rawValue)
        default: ("bypass", BypassReason.allCases[column - firstBypass].rawValue)
        }
    }
}
