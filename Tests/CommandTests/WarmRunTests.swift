import Foundation
import SemanticCache
import Testing

@testable import reprise

/// Whole warm-ups against a scripted proxy.
struct WarmRunTests {
    private let console = Console(outIsTerminal: false, errorIsTerminal: false, usesColour: false)

    /// Counts a POST's records as a proxy would; records with FAIL in them fail.
    private static func answer(_ body: String) -> String {
        let lines = body.split(separator: "\n")
        let failed = lines.indices.filter { lines[$0].contains("FAIL") }
        let imported = lines.count { $0.contains("\"answer\"") } - failed.count { lines[$0].contains("\"answer\"") }
        let errors = failed.map { "{\"line\":\($0 + 1),\"message\":\"refused\"}" }.joined(separator: ",")
        return
            "{\"imported\":\(imported),\"asked\":\(lines.count - imported - failed.count),\"already\":0,\"failed\":\(failed.count),\"errors\":[\(errors)]}"
    }

    private func run(
        _ upstream: ScriptedUpstream?, _ files: [String], concurrency: Int = 3, limit: Int? = nil, resume: Bool = false
    ) async throws -> WarmTotals {
        let target: WarmRun.Target = upstream.map { .proxy($0.client, credential: "Bearer k") } ?? .dryRun
        return try await WarmRun(target: target, files: files, concurrency: concurrency, limit: limit, model: "m", resume: resume, console: console)
            .run()
    }

    private func withFile(_ text: String, name: String = "a.jsonl", _ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        try await body(file.path)
    }

    private func questions(_ count: Int, answer: Bool) -> String {
        (0..<count).map { "{\"prompt\":\"question \($0)\"\(answer ? ",\"answer\":\"x\"" : "")}\n" }.joined()
    }

    @Test func importsGoTogetherAndQuestionsAlone() async throws {
        try await withFile(questions(450, answer: true) + questions(3, answer: false) + "bad\n{\"prompt\":\"FAIL\"}\n") { file in
            let upstream = ScriptedUpstream { seen, _ in (200, Self.answer(seen.body)) }
            let totals = try await run(upstream, [file])
            #expect(totals.imported == 450 && totals.asked == 3 && totals.failed == 1 && totals.bad == 1)
            let sizes = upstream.requests.map { $0.body.split(separator: "\n").count }
            #expect(sizes.sorted() == [1, 1, 1, 1, 50, 200, 200])
            #expect(!FileManager.default.fileExists(atPath: WarmProgress.path(for: file)))
        }
    }

    @Test func everyRecordIsPostedOnceInCSV() async throws {
        let text = "prompt,answer\n" + (0..<1000).map { "\"question\n\($0)\",x\n" }.joined()
        try await withFile(text, name: "a.csv") { file in
            let upstream = ScriptedUpstream { seen, _ in (200, Self.answer(seen.body)) }
            let totals1 = try await run(upstream, [file])
            #expect(totals1.imported == 1000)
            let lines = upstream.requests.flatMap { $0.body.split(separator: "\n") }
            #expect(lines.count == 1000 && Set(lines).count == 1000)
        }
    }

    @Test func dryRunNeedsNoProxy() async throws {
        try await withFile(questions(5, answer: true) + questions(2, answer: false) + "bad\n") { file in
            let totals = try await run(nil, [file])
            #expect(totals.withAnswer == 5 && totals.withoutAnswer == 2 && totals.bad == 1)
            #expect(totals.summary(dryRun: true) == "7 records: 5 to import, 2 to ask the upstream; 1 bad")
        }
    }

    @Test func aBrokenRunGoesOnWhereItEnded() async throws {
        try await withFile(questions(20, answer: false)) { file in
            let broken = ScriptedUpstream { seen, number throws(UpstreamError) in
                if number >= 7 { throw .unreachable("gone") }
                return (200, Self.answer(seen.body))
            }
            await #expect(throws: CommandFailure.self) { try await run(broken, [file], concurrency: 1) }
            let progress = try #require(WarmProgress.load(for: file))
            #expect((1...7).contains(progress.records))
            let whole = ScriptedUpstream { seen, _ in (200, Self.answer(seen.body)) }
            let totals2 = try await run(whole, [file], resume: true)
            #expect(totals2.asked == 20 - progress.records)
            #expect(!FileManager.default.fileExists(atPath: WarmProgress.path(for: file)))
            let asked = Set((broken.requests.prefix(7) + whole.requests).map(\.body))
            #expect(asked.count == 20)
        }
    }

    @Test func theLimitStopsAndResumeGoesOn() async throws {
        try await withFile(questions(10, answer: true)) { file in
            let upstream = ScriptedUpstream { seen, _ in (200, Self.answer(seen.body)) }
            let totals3 = try await run(upstream, [file], limit: 4)
            #expect(totals3.imported == 4)
            #expect(WarmProgress.load(for: file)?.records == 4)
            let totals4 = try await run(upstream, [file], resume: true)
            #expect(totals4.imported == 6)
        }
    }

    @Test func aFileThatBecameShorterIsNotResumed() async throws {
        try await withFile(questions(2, answer: true)) { file in
            try WarmProgress(bytes: 100_000, records: 9).save(for: file)
            let upstream = ScriptedUpstream { seen, _ in (200, Self.answer(seen.body)) }
            await #expect(throws: CommandFailure.self) { try await run(upstream, [file], resume: true) }
            #expect(upstream.requests.isEmpty)
        }
    }

    @Test func filesThatCannotBeRead() async throws {
        await #expect(throws: CommandFailure(.noInput, "/nonexistent/a.jsonl: No such file or directory")) {
            try await run(nil, ["/nonexistent/a.jsonl"])
        }
    }

    @Test func watermarkMovesOnlyWhenAllBeforeAreDone() {
        var watermark = Watermark()
        let at = { (number: Int) in WarmProgress(bytes: number * 10, records: number) }
        #expect(watermark.finish(1, reaching: at(2)) == nil)
        #expect(watermark.finish(2, reaching: at(3)) == nil)
        #expect(watermark.finish(0, reaching: at(1)) == at(3))
        #expect(watermark.finish(3, reaching: at(4)) == at(4))
    }
}
