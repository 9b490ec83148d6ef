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

    /// Added to an answer's form where the row's query, answer and vector are sealed.
    static let sealedForm = 2

    /// Adds or replaces the record; another entry with the same key goes.
    static func insert(_ record: CacheRecord, into database: Database, cipher: RowCipher?) throws {
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
        let query = cipher?.seal(Array(entry.query.utf8), .query, of: entry.id) ?? Data(entry.query.utf8)
        let vector = record.embedding.map { VectorCoding.encode($0.vector) }.map { cipher?.seal(Array($0), .vector, of: entry.id) ?? $0 }
        // For now each answer belongs to one entry and bears its id.
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO answers (id, form, bytes, marks, fields, prompt_tokens, completion_tokens, upstream_ms)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id.rawValue, form + (cipher == nil ? 0 : sealedForm),
            cipher?.seal(bytes, .answer, of: entry.id) ?? Data(bytes), marks.map { Data($0) }, FieldsCoding.encode(answer.fields),
            answer.usage?.prompt,
            answer.usage?.completion, answer.upstreamTime.wholeMilliseconds,
        ])
        try database.cachedStatement(
            sql: """
                INSERT INTO entries (id, key, scope, tenant, namespace, endpoint, model, tags, query, created_at, expires_at, answer_id, vector, fingerprint_id)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id.rawValue, key, entry.scope.map { Data($0.digest.bytes) }, Data(entry.tenant.digest.bytes), entry.namespace,
            entry.endpoint.rawValue, entry.model, entry.tags.joined(separator: "\n"), query, entry.createdAt.milliseconds,
            entry.expiresAt.milliseconds, entry.id.rawValue, vector,
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

    /// Reads a row of ``select``; `nil` when it is not what was written, or sealed with a key that is not at hand.
    static func decode(_ row: Row, cipher: RowCipher?) -> CacheRecord? {
        // Each value is asked for its type: a subscript that expects another one traps.
        guard let rawID: Int64 = value(row, 0), let key = digest(row, 1), let tenant = digest(row, 3),
            let endpoint = (value(row, 5) as String?).flatMap(Endpoint.init(rawValue:)), let storedForm: Int = value(row, 13),
            let storedBytes: Data = value(row, 14), let fields = FieldsCoding.decode(value(row, 16))
        else { return nil }
        let id = EntryID(rawValue: rawID)
        let scope = digest(row, 2)
        if scope == nil, !(row[2] as DatabaseValue).isNull { return nil }

        let isSealed = storedForm >= sealedForm
        func plain(_ data: Data, _ column: RowCipher.Column) -> [UInt8]? { isSealed ? cipher?.open(data, column, of: id) : Array(data) }
        guard let bytes = plain(storedBytes, .answer), let query = plain(value(row, 8) ?? Data(), .query) else { return nil }
        let recording: Recording
        switch storedForm % sealedForm {
        case 0: recording = .message(bytes)
        case 1 where storedForm >= 0:
            guard let marks = MarksCoding.decode(value(row, 15) ?? Data(), byteCount: bytes.count) else { return nil }
            recording = .events(EventRecording(bytes: bytes, marks: marks))
        default: return nil
        }
        guard storedForm < 2 * sealedForm else { return nil }
        var usage: TokenUsage?
        if let prompt: Int = value(row, 17), let completion: Int = value(row, 18) { usage = TokenUsage(prompt: prompt, completion: completion) }
        var embedding: StoredEmbedding?
        if let data: Data = value(row, 11), let fingerprint: String = value(row, 12) {
            guard let vector = plain(data, .vector).flatMap({ VectorCoding.decode(Data($0)) }) else { return nil }
            embedding = StoredEmbedding(vector: vector, fingerprint: fingerprint)
        }
        let tags = value(row, 7) as String? ?? ""
        return CacheRecord(
            entry: Entry(
                id: id, key: CacheKey(key), scope: scope.map { Scope($0) }, tenant: TenantID(tenant), namespace: value(row, 4) ?? "",
                endpoint: endpoint,
                model: value(row, 6) ?? "", tags: tags.isEmpty ? [] : tags.components(separatedBy: "\n"),
                query: String(decoding: query, as: UTF8.self),
                answer: Answer(recording: recording, fields: fields, usage: usage, upstreamTime: .milliseconds(value(row, 19) as Int64? ?? 0)),
                createdAt: Timestamp(milliseconds: value(row, 9) ?? 0), expiresAt: Timestamp(milliseconds: value(row, 10) ?? 0)),
            embedding: embedding)
    }

    private static func value<Value: DatabaseValueConvertible>(_ row: Row, _ index: Int) -> Value? {
        Value.fromDatabaseValue(row[index] as DatabaseValue)
    }

    private static func digest(_ row: Row, _ index: Int) -> Digest256? { (value(row, index) as Data?).flatMap { Digest256(bytes: $0) } }
}
