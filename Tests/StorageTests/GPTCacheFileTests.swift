import Foundation
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

    @Test func refusesOtherFiles() {
        #expect(throws: GPTCacheFile.Failure.self) { _ = try GPTCacheFile(path: #filePath) }
        #expect(throws: GPTCacheFile.Failure.self) { _ = try GPTCacheFile(path: "/nonexistent/sqlite.db") }
    }
}
