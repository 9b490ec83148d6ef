import Foundation
import GRDB
import HTTPTypes
import SemanticCache

/// An entry and its answer as rows.
enum EntryRow {
    /// The columns in the order in which ``decode(_:)`` reads them: by index, which costs a third of reading them by name.
    static let select = """
        SELECT e.id, e.key, e.scope, e.tenant, e.namespace, e.endpoint, e.model, e.tags, e.query, e.created_at, e.expires_at, e.vector, f.text,
               a.form, a.bytes, a.marks, a.fields, a.prompt_tokens, a.completion_tokens, a.upstream_ms
        FROM entries e JOIN answers a ON a.id = e.answer_id LEFT JOIN fingerprints f ON f.id = e.fingerprint_id
        """

    /// Adds or replaces the record; another entry with the same key goes.
    static func insert(_ record: CacheRecord, into database: Database) throws {
        let entry = record.entry
        let key = Data(entry.key.digest.bytes)
        let rivals = try Int64.fetchAll(
            database.cachedStatement(sql: "SELECT id FROM entries WHERE key = ? OR id = ?"), arguments: [key, entry.id.rawValue])
        for rival in rivals { try remove(EntryID(rawValue: rival), from: database) }
        let answer = entry.answer
        let (form, bytes, marks): (Int, [UInt8], [UInt8]?) =
            switch answer.recording {
            case .message(let bytes): (0, bytes, nil)
            case .events(let events): (1, events.bytes, MarksCoding.encode(events.marks))
            }
        // For now each answer belongs to one entry and bears its id.
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO answers (id, form, bytes, marks, fields, prompt_tokens, completion_tokens, upstream_ms)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id.rawValue, form, Data(bytes), marks.map { Data($0) }, FieldsCoding.encode(answer.fields), answer.usage?.prompt,
            answer.usage?.completion, answer.upstreamTime.wholeMilliseconds,
        ])
        try database.cachedStatement(
            sql: """
                INSERT INTO entries (id, key, scope, tenant, namespace, endpoint, model, tags, query, created_at, expires_at, answer_id, vector, fingerprint_id)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id.rawValue, key, entry.scope.map { Data($0.digest.bytes) }, Data(entry.tenant.digest.bytes), entry.namespace,
            entry.endpoint.rawValue, entry.model, entry.tags.joined(separator: "\n"), Data(entry.query.utf8), entry.createdAt.milliseconds,
            entry.expiresAt.milliseconds, entry.id.rawValue, record.embedding.map { VectorCoding.encode($0.vector) },
            try record.embedding.map { try fingerprintID($0.fingerprint, in: database) },
        ])
    }

    /// Removes the entry, and its answer unless another entry uses it.
    static func remove(_ id: EntryID, from database: Database) throws {
        let find = try database.cachedStatement(sql: "SELECT answer_id FROM entries WHERE id = ?")
        guard let answer = try Int64.fetchOne(find, arguments: [id.rawValue]) else { return }
        try database.cachedStatement(sql: "DELETE FROM entries WHERE id = ?").execute(arguments: [id.rawValue])
        try database.cachedStatement(sql: "DELETE FROM answers WHERE id = ? AND NOT EXISTS (SELECT 1 FROM entries WHERE answer_id = ?)")
            .execute(arguments: [answer, answer])
    }

    private static func fingerprintID(_ text: String, in database: Database) throws -> Int64 {
        if let id = try Int64.fetchOne(database.cachedStatement(sql: "SELECT id FROM fingerprints WHERE text = ?"), arguments: [text]) { return id }
        try database.cachedStatement(sql: "INSERT INTO fingerprints (text) VALUES (?)").execute(arguments: [text])
        return database.lastInsertedRowID
    }

    /// Reads a row of ``select``; `nil` when it is not what was written.
    static func decode(_ row: Row) -> CacheRecord? {
        guard let id = row[0] as Int64?, let key = (row[1] as Data?).flatMap({ Digest256(bytes: $0) }),
            let tenant = (row[3] as Data?).flatMap({ Digest256(bytes: $0) }), let endpoint = (row[5] as String?).flatMap(Endpoint.init(rawValue:)),
            let bytes = row[14] as Data?, let fields = FieldsCoding.decode(row[16])
        else { return nil }
        var scope: Scope?
        if let data = row[2] as Data? {
            guard let digest = Digest256(bytes: data) else { return nil }
            scope = Scope(digest)
        }
        let recording: Recording
        switch row[13] as Int {
        case 0: recording = .message(Array(bytes))
        case 1:
            guard let marks = MarksCoding.decode(row[15] ?? Data(), byteCount: bytes.count) else { return nil }
            recording = .events(EventRecording(bytes: Array(bytes), marks: marks))
        default: return nil
        }
        var usage: TokenUsage?
        if let prompt = row[17] as Int?, let completion = row[18] as Int? { usage = TokenUsage(prompt: prompt, completion: completion) }
        var embedding: StoredEmbedding?
        if let data = row[11] as Data?, let fingerprint = row[12] as String? {
            guard let vector = VectorCoding.decode(data) else { return nil }
            embedding = StoredEmbedding(vector: vector, fingerprint: fingerprint)
        }
        let tags = row[7] as String? ?? ""
        return CacheRecord(
            entry: Entry(
                id: EntryID(rawValue: id), key: CacheKey(key), scope: scope, tenant: TenantID(tenant), namespace: row[4] ?? "", endpoint: endpoint,
                model: row[6] ?? "", tags: tags.isEmpty ? [] : tags.components(separatedBy: "\n"),
                query: (row[8] as Data?).map { String(decoding: $0, as: UTF8.self) } ?? "",
                answer: Answer(recording: recording, fields: fields, usage: usage, upstreamTime: .milliseconds(row[19] as Int64? ?? 0)),
                createdAt: Timestamp(milliseconds: row[9] ?? 0), expiresAt: Timestamp(milliseconds: row[10] ?? 0)),
            embedding: embedding)
    }
}
