import HTTPTypes

/// The routes of the admin surface, each with what it understands. A new one is a case here, so that the audit log and the tests know of it.
enum AdminRoute: String, CaseIterable {
    case description = "/cache/openapi.json"
    case stats = "/cache/stats"
    case entries = "/cache/entries"
    case entry = "/cache/entries/{id}"
    case flush = "/cache/flush"
    case export = "/cache/export"
    case `import` = "/cache/import"
    case warm = "/cache/warm"
    case explain = "/cache/explain"
    case feedback = "/cache/feedback"
    case nearMisses = "/cache/near-misses"

    /// The route of a path without its query; `nil` where there is none.
    init?(path: Substring) {
        if path.hasPrefix("/cache/entries/") { self = .entry } else { self.init(rawValue: String(path)) }
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .description, .stats, .entries, .export, .nearMisses: [.get]
        case .entry: [.get, .delete]
        case .flush, .import, .warm, .explain, .feedback: [.post]
        }
    }

    /// Whether such a request may change what is cached or learned. What does is written to the audit log.
    func mayChange(_ method: HTTPRequest.Method) -> Bool { method != .get && self != .explain }
}
