import Foundation
import GRDB
import Storage
import Testing

/// Against a file that GPTCache 0.1.44 itself wrote: three texts, a picture and a deleted question.
struct GPTCacheFileTests {
    private static let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/gptcache-0.1.44.db").path

    @Test func readsWhatIsNotDeleted() async throws {
        let file = try GPTCacheFile(path: Self.fixture)
        #expect(try await file.count() == 4)
        let first = try await file.rows(after: 0, limit: 2)
        #expect(first.map(\.question) == ["How do I reset my password?", "What is the capital of France?"])
        #expect(first.map(\.answer) == ["Open Settings, choose Security, then Reset password.", "Paris."])
        let rest = try await file.rows(after: first[1].id, limit: 10)
        #expect(rest.map(\.question) == ["Welche Farbe hat der Himmel? \u{2601}", "Draw a cat"])
        #expect(rest.map(\.answer) == ["Blau, meistens.", nil])
        #expect(try await file.rows(after: rest[1].id, limit: 10).isEmpty)
    }

    /// Rows that GPTCache itself does not write are rows without text.
    @Test func passesOverOddRows() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("sqlite.db")
        let queue = try DatabaseQueue(path: path)
        try await queue.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE gptcache_question (id INTEGER PRIMARY KEY, question, deleted INTEGER);
                    CREATE TABLE gptcache_answer (id INTEGER PRIMARY KEY, question_id INTEGER, answer, answer_type);
                    INSERT INTO gptcache_question VALUES (1, 'asked', 0), (2, NULL, 0), (3, 'unanswered', 0), (4, 'gone', 1), (5, 'typed', 0);
                    INSERT INTO gptcache_answer VALUES (1, 1, 'answered', 0), (2, 2, 'to nothing', 0), (3, 5, 'what', 'text');
                    """)
        }
        try queue.close()
        let rows = try await GPTCacheFile(path: path).rows(after: 0, limit: 10)
        #expect(rows.map(\.question) == ["asked", "", "unanswered", "typed"])
        #expect(rows.map(\.answer) == ["answered", nil, nil, nil])
    }

    @Test func refusesOtherFiles() {
        #expect(throws: GPTCacheFile.Failure.self) { _ = try GPTCacheFile(path: #filePath) }
        #expect(throws: GPTCacheFile.Failure.self) { _ = try GPTCacheFile(path: "/nonexistent/sqlite.db") }
    }
}
