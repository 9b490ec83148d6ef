import HTTPTypes
import Learning
package import Proxy
import SemanticCache
package import Telemetry

/// What the dashboard shows beside the statistics.
package struct Dashboard: Sendable {
    let recent: RecentDecisions
    let history: History
    let showsPrompts: Bool

    /// - Parameter showsPrompts: whether prompts and answers may be shown; else their lengths are.
    package init(recent: RecentDecisions, history: History, showsPrompts: Bool) {
        self.recent = recent
        self.history = history
        self.showsPrompts = showsPrompts
    }
}

/// A near miss that a verdict can be given on, as the dashboard shows it.
struct NearMissView: Encodable, Equatable {
    private let request, entry, time, kind, reason: String
    private let asked, cached: String?
    private let askedBytes, cachedBytes: Int
    private let similarity: Double

    init(_ miss: NearMiss, showsPrompts: Bool) {
        request = miss.requestID
        entry = miss.entry.description
        time = String(miss.at.milliseconds)
        kind = miss.kind.rawValue
        reason = miss.reason
        asked = showsPrompts ? String(miss.asked.prefix(Self.textLimit)) : nil
        cached = showsPrompts ? String(miss.cached.prefix(Self.textLimit)) : nil
        askedBytes = miss.asked.utf8.count
        cachedBytes = miss.cached.utf8.count
        similarity = (Double(miss.similarity) * 10_000).rounded() / 10_000
    }

    private static let textLimit = 300
}

/// A request as the dashboard shows it.
struct DecisionView: Encodable {
    private let number: Int
    private let request, time, method, path, cache, model, namespace: String
    private let tenant, match, tier, reason, entry: String?
    private let status, queryBytes: Int
    private let query: String?
    private let durationMs: Double
    private let similarity, threshold, score, cut: Double?
    /// What the guards that fired saw; may quote words of the prompts.
    private let findings: [String]
    private let guards: [String]
    private let isCollapsed, isBroken: Bool

    init(_ item: RecentDecisions.Item, showsPrompts: Bool) {
        let record = item.record
        number = item.number
        request = record.id
        time = String(record.time.milliseconds)
        method = record.method.rawValue
        path = record.path
        model = record.model
        namespace = record.namespace
        tenant = record.tenant?.description
        status = record.status
        query = showsPrompts ? item.query : nil
        queryBytes = item.queryLength
        durationMs = (record.duration.inMilliseconds * 1000).rounded() / 1000
        similarity = record.similarity.flatMap { $0.isFinite ? (Double($0) * 10_000).rounded() / 10_000 : nil }
        threshold = record.threshold.map { (Double($0) * 10_000).rounded() / 10_000 }
        score = record.score.flatMap { $0.isFinite ? ($0 * 100).rounded() / 100 : nil }
        cut = record.cut
        findings = showsPrompts ? record.findings : []
        guards = record.firedGuards
        isBroken = record.isBroken
        cache = record.outcome.word
        match = record.outcome.hit?.match.word
        tier = record.outcome.hit?.tier.rawValue
        reason = record.outcome.reason
        isCollapsed = record.outcome.isCollapsed
        // What answered, or was nearest to answering.
        entry = (record.outcome.hit?.entry ?? record.nearest)?.description
    }
}
