import SemanticCache

/// Requests by endpoint, outcome and reason: one counter for each combination that can be, so that counting is an addition and no look-up.
struct OutcomeTable: Sendable {
    /// One combination that has happened.
    struct Row: Sendable {
        /// The path of the endpoint; `other` for all that is not cached.
        let endpoint: String
        let outcome: String
        /// Empty for hits.
        let reason: String
        let count: Int
    }

    // Exact hits, semantic hits, stale answers, then the reasons of misses and bypasses in their declared order.
    private static let firstMiss = 3
    private static let hitKinds = 2
    private static let firstBypass = firstMiss + MissReason.allCases.count
    private static let width = firstBypass + BypassReason.allCases.count
    private static let endpointCount = Endpoint.allCases.count + 1

    private let cells = AtomicCounters(width * endpointCount)

    func add(_ outcome: ProxyMetrics.Outcome, endpoint: Endpoint?) {
        let row = endpoint.flatMap { Endpoint.allCases.firstIndex(of: $0) } ?? Endpoint.allCases.count
        cells.add(at: row * Self.width + Self.column(outcome))
    }

    /// The requests of one outcome, over all endpoints.
    func count(_ outcome: ProxyMetrics.Outcome) -> Int {
        let column = Self.column(outcome)
        return (0..<Self.endpointCount).reduce(0) { $0 + cells[$1 * Self.width + column] }
    }

    /// Every combination that has happened, and the two kinds of hit on chat completions also before they did: a rate over a series that appears
    /// with its first hit would miss that hit.
    var rows: [Row] {
        var rows: [Row] = []
        for endpoint in 0..<Self.endpointCount {
            let path = endpoint < Endpoint.allCases.count ? Endpoint.allCases[endpoint].path : "other"
            for column in 0..<Self.width {
                let count = cells[endpoint * Self.width + column]
                guard count > 0 || (endpoint == 0 && column < Self.hitKinds) else { continue }
                let (outcome, reason) = Self.names(column)
                rows.append(Row(endpoint: path, outcome: outcome, reason: reason, count: count))
            }
        }
        return rows
    }

    private static func column(_ outcome: ProxyMetrics.Outcome) -> Int {
        switch outcome {
        case .exactHit: 0
        case .semanticHit: 1
        case .stale: 2
        case .miss(let reason): firstMiss + (MissReason.allCases.firstIndex(of: reason) ?? 0)
        case .bypass(let reason): firstBypass + (BypassReason.allCases.firstIndex(of: reason) ?? 0)
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
