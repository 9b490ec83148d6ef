import Foundation
import Proxy
import SemanticCache
import WireFormats

/// An entry as the admin surface shows it.
struct EntryView: Encodable {
    private let id, endpoint, model, tenant, namespace, createdAt, expiresAt, form: String
    /// Left out where prompts are not to be shown.
    private let query, answer: String?
    private let queryBytes: Int
    private let tags: [String]
    private let ageSeconds, ttlSeconds: Int64
    private let hits: UInt64
    private let bytes: Int
    private let semantic: Bool
    /// The whole answer; only when one entry is asked for.
    private let body: String?

    init(_ entry: Entry, hits: UInt64, now: Timestamp, withBody: Bool, showsPrompts: Bool = true) {
        id = entry.id.description
        endpoint = entry.endpoint.path
        model = entry.model
        tenant = entry.tenant.description
        namespace = entry.namespace
        query = showsPrompts ? entry.query : nil
        queryBytes = entry.query.utf8.count
        tags = entry.tags
        createdAt = Self.rfc3339(entry.createdAt)
        expiresAt = Self.rfc3339(entry.expiresAt)
        ageSeconds = max(0, (now - entry.createdAt).components.seconds)
        ttlSeconds = max(0, (entry.expiresAt - now).components.seconds)
        self.hits = hits
        bytes = entry.answer.recording.byteCount
        semantic = entry.scope != nil
        answer = showsPrompts ? AnswerText.preview(entry.answer, endpoint: entry.endpoint, limit: 200) : nil
        switch entry.answer.recording {
        case .message(let bytes):
            form = "message"
            body = withBody ? String(decoding: bytes, as: UTF8.self) : nil
        case .events(let events):
            form = "events"
            body = withBody ? String(decoding: events.bytes, as: UTF8.self) : nil
        }
    }

    private static func rfc3339(_ time: Timestamp) -> String {
        Date(timeIntervalSince1970: Double(time.milliseconds) / 1000).formatted(.iso8601)
    }
}

/// A page of entries.
struct EntryPageView: Encodable {
    let entries: [EntryView]
    let nextCursor: String?

    private enum CodingKeys: String, CodingKey {
        case entries, nextCursor
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(entries, forKey: .entries)
        // The member is there on the last page too, as null.
        try container.encode(nextCursor, forKey: .nextCursor)
    }
}
