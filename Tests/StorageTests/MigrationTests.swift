import Foundation
import GRDB
import Sealing
import SemanticCache
@testable import Storage
import TestSupport
import Testing

/// Files of earlier versions of the program.
struct MigrationTests {
    /// Entries of the first schema, plain and sealed, with and without vectors and scopes, come over whole.
    @Test func entriesOfTheFirstSchemaComeOver() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("cache.db")
        let cipher = RowCipher(secret: "a secret of some length")
        let vector = try #require(UnitVector(normalizing: [0.6, 0.8]))
        let records = (1...6).map { number in
            CacheRecord(
                entry: Sample.entry(number, tags: ["a", "b"], query: "question ä \(number)"),
                embedding: number % 2 == 0 ? StoredEmbedding(vector: vector, fingerprint: "model") : nil)
        }
        let queue = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(queue, upTo: "1 entries and answers")
        try await queue.write { database in
            try database.execute(sql: "INSERT INTO fingerprints (id, text) VALUES (1, 'model')")
            for record in records {
                let entry = record.entry
                let isSealed = entry.id.rawValue > 3
                guard case .message(let bytes) = entry.answer.recording else { continue }
                let (query, answer) = (Array(entry.query.utf8), bytes)
                let coded = record.embedding.map { VectorCoding.encode($0.vector) }
                try database.execute(
                    sql:
                        "INSERT INTO answers (id, form, bytes, fields, prompt_tokens, completion_tokens, upstream_ms) VALUES (?, ?, ?, ?, 10, 20, 900)",
                    arguments: [
                        entry.id.rawValue, isSealed ? 2 : 0, isSealed ? cipher.seal(answer, .answer, of: entry.id) : Data(answer),
                        FieldsCoding.encode(entry.answer.fields),
                    ])
                try database.execute(
                    sql: "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        entry.id.rawValue, Data(entry.key.digest.bytes), entry.scope.map { Data($0.digest.bytes) }, Data(entry.tenant.digest.bytes),
                        entry.namespace, entry.endpoint.rawValue, entry.model, entry.tags.joined(separator: "\n"),
                        isSealed ? cipher.seal(query, .query, of: entry.id) : Data(query), entry.createdAt.milliseconds, entry.expiresAt.milliseconds,
                        entry.id.rawValue, isSealed ? coded.map { cipher.seal($0, .vector, of: entry.id) } : coded, coded == nil ? nil : 1,
                    ])
            }
        }
        try queue.close()
        let store = try SQLiteStore.open(path: path, now: Timestamp(milliseconds: 0), cipher: cipher).store
        let found = try await store.records(after: nil, limit: 10)
        #expect(found.map { "\($0)" } == records.map { "\($0)" })
        for (outline, record) in zip(try await store.outlines(after: nil, limit: 10), records) {
            #expect(abs(outline.savedCost - record.entry.answer.savedCost) < 1e-6)
            #expect(outline.fingerprint == record.embedding?.fingerprint)
            #expect(abs(outline.answerBytes - record.entry.answer.memoryBytes) < 200)
        }
        #expect(store.unreadableRows == 0)
        try await store.close()
    }
}
