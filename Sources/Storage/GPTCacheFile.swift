import Foundation
import GRDB

/// The SQLite file of a GPTCache (its schema as of 0.1.44), opened for reading.
package final class GPTCacheFile: Sendable {
    /// A question and its first answer.
    package struct Row: Sendable {
        package let id: Int64
        package let question: String
        /// `nil` when there is none that is text, but a picture or a sound.
        package let answer: String?
    }

    /// Why the file cannot be used.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    private let queue: DatabaseQueue

    /// Opens the file. Throws ``Failure`` when it is not one of GPTCache's.
    package init(path: String) throws(Failure) {
        guard FileManager.default.fileExists(atPath: path) else { throw Failure(description: "\(path) is not there") }
        do {
            var configuration = Configuration()
            configuration.readonly = true
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let isKnown = try queue.read { database in
                guard try database.tableExists("gptcache_question"), try database.tableExists("gptcache_answer") else { return false }
                let columns = Set(try database.columns(in: "gptcache_question").map(\.name) + database.columns(in: "gptcache_answer").map(\.name))
                return columns.isSuperset(of: ["question", "deleted", "question_id", "answer", "answer_type"])
            }
            guard isKnown else {
                throw Failure(description: "\(path) is not the SQLite file of a GPTCache: it lacks the tables gptcache_question and gptcache_answer")
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "\(path) cannot be read as a SQLite file: \(error)")
        }
    }

    /// The number of questions that are not deleted.
    package func count() async throws(Failure) -> Int {
        try await read { try Int.fetchOne($0, sql: "SELECT count(*) FROM gptcache_question WHERE deleted = 0") ?? 0 }
    }

    /// At most `limit` questions with ids above `cursor`, ascending; deleted ones are left out. An empty result is the end.
    package func rows(after cursor: Int64, limit: Int) async throws(Failure) -> [Row] {
        try await read { database in
            // A question may have several answers; GPTCache serves the first.
            let sql = """
                SELECT q.id, q.question, a.answer, a.answer_type FROM gptcache_question q
                LEFT JOIN gptcache_answer a ON a.id = (SELECT min(id) FROM gptcache_answer WHERE question_id = q.id)
                WHERE q.id > ? AND q.deleted = 0 ORDER BY q.id LIMIT ?
                """
            return try GRDB.Row.fetchAll(database, sql: sql, arguments: [cursor, limit]).map { row in
                // Each value is asked for its type: a subscript that expects another one traps, and another program wrote the file.
                guard let id = Int64.fromDatabaseValue(row[0] as DatabaseValue) else { throw Failure(description: "a question's id is no number") }
                let question = String.fromDatabaseValue(row[1] as DatabaseValue)
                let isText = Int.fromDatabaseValue(row[3] as DatabaseValue) == 0
                let answer = isText && question != nil ? String.fromDatabaseValue(row[2] as DatabaseValue) : nil
                return Row(id: id, question: question ?? "", answer: answer)
            }
        }
    }

    private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(Failure) -> Value {
        do { return try await queue.read(body) } catch { throw Failure(description: "the file cannot be read: \(error)") }
    }
}
