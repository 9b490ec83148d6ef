import Foundation
import GRDB
import HTTPTypes
import Sealing
import SemanticCache

/// An entry and its answer as rows.
enum EntryRow {
    /// The columns in the order in which ``decode(_:cipher:)`` reads them: by index, which costs a third of reading them by name.
    static let select = """
        SELECT \(outlineColumns), a.form, a.bytes, a.marks, a.fields, a.prompt_tokens, a.completion_tokens, a.upstream_ms, v.bytes,
            a.cached_prompt_tokens, e.shared
        FROM entries e JOIN answers a ON a.id = e.answer_id LEFT JOIN fingerprints f ON f.id = e.fingerprint_id LEFT JOIN vectors v ON v.id = e.id
        """

    /// What ``outline(_:cipher:)`` reads; answers and vectors are left where they are.
    static let selectOutline = "SELECT \(outlineColumns), e.shared FROM entries e LEFT JOIN fingerprints f ON f.id = e.fingerprint_id"

    private static let outlineColumns = """
        e.id, e.key, e.scope, e.tenant, e.namespace, e.endpoint, e.model, e.tags, e.query, e.created_at, e.expires_at, e.is_sealed, e.answer_bytes,
        e.saved_cost, e.generation, f.text
        """

    /// Added to an answer's form, which is 0 for a plain body and 1 for a stream, where the row's query, answer and vector are sealed.
    static let sealedForm = 2
    /// Added where the stream says the same of its cost whoever asks.
    private static let regardlessForm = 4
    /// Added where another upstream gave the answer than the one that was meant.
    private static let standInForm = 8

    /// Adds or replaces the record; another entry with the same key goes.
    ///
    /// - Parameter generation: the number of this transaction.
    static func insert(_ record: CacheRecord, generation: Int64, into database: Database, cipher: RowCipher?) throws {
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
                INSERT OR REPLACE INTO answers (id, form, bytes, marks, fields, prompt_tokens, completion_tokens, upstream_ms, cached_prompt_tokens)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id.rawValue,
            form + (cipher == nil ? 0 : sealedForm) + (answer.tellsUsageRegardless ? regardlessForm : 0)
                + (answer.isStandIn ? standInForm : 0),
            cipher?.seal(bytes, .answer, of: entry.id) ?? Data(bytes), marks.map { Data($0) }, FieldsCoding.encode(answer.fields),
            answer.usage?.prompt,
            answer.usage?.completion, answer.upstreamTime.wholeMilliseconds, answer.usage?.cachedPrompt,
        ])
        if let vector {
            try database.cachedStatement(sql: "INSERT INTO vectors (id, bytes) VALUES (?, ?)").execute(arguments: [entry.id.rawValue, vector])
        }
        try database.cachedStatement(
            sql: """
                INSERT INTO entries (id, key, scope, tenant, namespace, endpoint, model, tags, query, is_sealed, created_at, expires_at, answer_id,
                                     answer_bytes, saved_cost, fingerprint_id, generation, shared)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id.rawValue, key, entry.scope.map { Data($0.digest.bytes) }, Data(entry.tenant.digest.bytes), entry.namespace,
            entry.endpoint.rawValue, entry.model, entry.tags.joined(separator: "\n"), query, cipher == nil ? 0 : 1, entry.createdAt.milliseconds,
            entry.expiresAt.milliseconds, entry.id.rawValue, answer.memoryBytes, answer.savedCost,
            try record.embedding.map { try fingerprintID($0.fingerprint, in: database) }, generation,
            record.sharing.rawValue,
        ])
    }

    /// Removes the entry, and its answer unless another entry uses it.
    static func remove(_ id: EntryID, from database: Database) throws {
        let find = try database.cachedStatement(sql: "SELECT answer_id FROM entries WHERE id = ?")
        guard let answer = try Int64.fetchOne(find, arguments: [id.rawValue]) else { return }
        try database.cachedStatement(sql: "DELETE FROM entries WHERE id = ?").execute(arguments: [id.rawValue])
        try database.cachedStatement(sql: "DELETE FROM vectors WHERE id = ?").execute(arguments: [id.rawValue])
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
        guard let outline = outline(row, sharedAt: 25, cipher: cipher), let storedForm: Int = value(row, 16), let storedBytes: Data = value(row, 17),
            let fields = FieldsCoding.decode(value(row, 19))
        else { return nil }
        let id = outline.metadata.id
        guard (0..<(2 * standInForm)).contains(storedForm) else { return nil }
        let isSealed = storedForm & sealedForm != 0
        guard let bytes = isSealed ? cipher?.open(storedBytes, .answer, of: id) : Array(storedBytes) else { return nil }
        let recording: Recording
        if storedForm & 1 == 0 {
            recording = .message(bytes)
        } else {
            guard let marks = MarksCoding.decode(value(row, 18) ?? Data(), byteCount: bytes.count) else { return nil }
            recording = .events(EventRecording(bytes: bytes, marks: marks))
        }
        var usage: TokenUsage?
        if let prompt: Int = value(row, 20), let completion: Int = value(row, 21) {
            usage = TokenUsage(prompt: prompt, completion: completion, cachedPrompt: value(row, 24) ?? 0)
        }
        var embedding: StoredEmbedding?
        if let data: Data = value(row, 23), let fingerprint = outline.fingerprint {
            guard let vector = vector(data, isSealed: isSealed, of: id, cipher: cipher) else { return nil }
            embedding = StoredEmbedding(vector: vector, fingerprint: fingerprint)
        }
        return CacheRecord(
            entry: Entry(
                outline.metadata,
                answer: Answer(
                    recording: recording, fields: fields, usage: usage, upstreamTime: .milliseconds(value(row, 22) as Int64? ?? 0),
                    tellsUsageRegardless: storedForm & regardlessForm != 0, isStandIn: storedForm & standInForm != 0)),
            embedding: embedding, sharing: outline.sharing)
    }

    /// Reads a row of ``selectOutline``; `nil` as above.
    ///
    /// - Parameter place: the column that says what the shared tier has.
    static func outline(_ row: Row, sharedAt place: Int = 16, cipher: RowCipher?) -> EntryOutline? {
        // Each value is asked for its type: a subscript that expects another one traps.
        guard let rawID: Int64 = value(row, 0), let key = digest(row, 1), let tenant = digest(row, 3),
            let endpoint = (value(row, 5) as String?).flatMap(Endpoint.init(rawValue:)), let isSealed: Bool = value(row, 11)
        else { return nil }
        let id = EntryID(rawValue: rawID)
        let scope = digest(row, 2)
        if scope == nil, !(row[2] as DatabaseValue).isNull { return nil }
        let stored: Data = value(row, 8) ?? Data()
        guard
            let query = isSealed
                ? cipher?.open(stored, .query, of: id).map({ String(decoding: $0, as: UTF8.self) }) : String(decoding: stored, as: UTF8.self)
        else { return nil }
        let tags = value(row, 7) as String? ?? ""
        return EntryOutline(
            metadata: EntryMetadata(
                id: id, key: CacheKey(key), scope: scope.map { Scope($0) }, tenant: TenantID(tenant), namespace: value(row, 4) ?? "",
                endpoint: endpoint, model: value(row, 6) ?? "", tags: tags.isEmpty ? [] : tags.components(separatedBy: "\n"), query: query,
                createdAt: Timestamp(milliseconds: value(row, 9) ?? 0), expiresAt: Timestamp(milliseconds: value(row, 10) ?? 0)),
            answerBytes: max(0, value(row, 12) ?? 0), savedCost: value(row, 13) ?? 0, generation: value(row, 14) ?? 0, fingerprint: value(row, 15),
            sharing: (value(row, place) as UInt8?).flatMap(EntrySharing.init(rawValue:)) ?? .waiting)
    }

    /// Reads a vector as it is stored; `nil` as above.
    static func vector(_ data: Data, isSealed: Bool, of id: EntryID, cipher: RowCipher?) -> UnitVector? {
        isSealed ? cipher?.open(data, .vector, of: id).flatMap { VectorCoding.decode(Data($0)) } : VectorCoding.decode(data)
    }

    private static func value<Value: DatabaseValueConvertible>(_ row: Row, _ index: Int) -> Value? {
        Value.fromDatabaseValue(row[index] as DatabaseValue)
    }

    private static func digest(_ row: Row, _ index: Int) -> Digest256? { (value(row, index) as Data?).flatMap { Digest256(bytes: $0) } }
}
