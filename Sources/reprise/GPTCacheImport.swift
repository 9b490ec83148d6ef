import Foundation
import Storage

/// Takes the questions and answers of a GPTCache's SQLite file into the cache, as a warm-up with records that have answers.
struct GPTCacheImport {
    let client: AdminClient
    let file: String
    let model: String
    let system: String?
    /// Value of the `Authorization` of the application that the entries are for.
    let credential: String?
    let console: Console

    private static let batch = 200

    func run() async throws -> ImportTotals {
        do { return try await take(try GPTCacheFile(path: file)) } catch let failure as GPTCacheFile.Failure {
            throw CommandFailure(.badData, failure.description)
        }
    }

    private func take(_ source: GPTCacheFile) async throws -> ImportTotals {
        var totals = ImportTotals()
        var meter = TransferMeter(console: console, total: try await source.count(), start: 0)
        var cursor: Int64 = 0
        var done = 0
        while case let rows = try await source.rows(after: cursor, limit: Self.batch), let last = rows.last {
            cursor = last.id
            done += rows.count
            let texts = rows.compactMap { row in row.answer.map { (row.id, row.question, $0) } }
            totals.skipped += rows.count - texts.count
            if !texts.isEmpty { try await post(texts, into: &totals, meter: &meter) }
            meter.show(done)
        }
        meter.erase()
        return totals
    }

    private func post(_ rows: [(id: Int64, question: String, answer: String)], into totals: inout ImportTotals, meter: inout TransferMeter)
        async throws
    {
        var body: [UInt8] = []
        for row in rows {
            var record: [String: Any] = ["prompt": row.question, "answer": row.answer, "model": model]
            record["system"] = system
            body += try jsonBytes(record) + [UInt8(ascii: "\n")]
        }
        let reply = try await client.post("/cache/warm", body: body, contentType: "application/x-ndjson", credential: credential)
        let answer = try client.decode(ImportAnswer.self, from: reply)
        totals.imported += answer.imported
        totals.already += answer.already
        totals.failed += answer.failed
        for failure in answer.errors ?? [] {
            meter.erase()
            let id = rows.indices.contains(failure.line - 1) ? rows[failure.line - 1].id : rows[0].id
            console.error("\(file), question \(id): \(printable(failure.message))")
        }
    }
}
