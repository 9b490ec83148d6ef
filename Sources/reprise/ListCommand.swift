import ArgumentParser
import Foundation

/// Lists entries.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what is in the cache of a running proxy.",
        discussion: """
            Conditions combine with AND. The oldest entries come first; what several proxies
            share comes in an order of the engine's.

            Example:
              reprise list --newest --model gpt-4o-mini --limit 20
              reprise list --similar-to "How do I reset my password?" --threshold 0.8
            """)

    @OptionGroup var selector: SelectorOptions

    @Option(help: ArgumentHelp("How many entries at most.", valueName: "number"))
    var limit = 50

    @Flag(help: "List the newest entries first.")
    var newest = false

    @Flag(help: "List near misses and disputed hits in place of entries: what was nearly served, and what was served wrongly.")
    var nearMisses = false

    @Flag(help: "Only what this proxy has itself, where several share what they have.")
    var local = false

    @Flag(help: "Print one JSON object a line.")
    var json = false

    @OptionGroup var server: ProxyAddress

    /// Entries asked for in one request.
    private static let pageSize = 200

    func validate() throws {
        if nearMisses, !selector.members.isEmpty || newest || local { throw ValidationError("--near-misses takes no conditions and no order") }
        if limit < 1 { throw ValidationError("--limit: expected a whole number of at least 1; found \(limit)") }
    }

    /// The query of `GET /cache/entries` for the next page.
    func query(cursor: String?, remaining: Int) -> [(name: String, value: String)] {
        var query: [(name: String, value: String)] = [("limit", "\(min(remaining, Self.pageSize))")]
        if newest { query.append(("order", "newest")) }
        if let cursor { query.append(("cursor", cursor)) }
        if local { query.append(("local", "true")) }
        return query + selector.members
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            let client = try server.client()
            if nearMisses { return try await listNearMisses(client, console) }
            var table = TextTable(columns: CachedEntry.columns)
            var cursor: String?
            var remaining = limit
            repeat {
                let body = try await client.get("/cache/entries", query: query(cursor: cursor, remaining: remaining))
                let page = try client.decode(EntryPage.self, from: body)
                if json { try printLines(of: body, to: console) } else { table.rows += page.entries.map(\.row) }
                remaining -= page.entries.count
                cursor = page.entries.isEmpty ? nil : page.nextCursor
            } while remaining > 0 && cursor != nil
            guard !json else { return }
            if table.rows.isEmpty { return console.error("no entries") }
            let lines = table.lines(width: console.outIsTerminal ? console.width : 1000)
            console.out(console.bold(lines[0]))
            for line in lines.dropFirst() { console.out(line) }
            if cursor != nil { console.error("there are more entries: ask for them with --limit") }
        }
    }

    private func printLines(of body: [UInt8], to console: Console) throws {
        let page = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        for case let entry as [String: Any] in page?["entries"] as? [Any] ?? [] { console.out(String(decoding: try jsonBytes(entry), as: UTF8.self)) }
    }
}

/// What was nearly served, and what was served wrongly.
extension ListCommand {
    private struct NearMisses: Decodable {
        struct Row: Decodable {
            var kind: String
            var at: String
            var entry: String
            var asked: String
            var cached: String
            var similarity: Double
            var reason: String
            var findings: [String]
            var request: String
            var open: Bool?
            var correct: Bool?

            var verdict: String? {
                if let correct { return "judged: \(correct ? "the same question" : "different questions")" }
                return open == true ? "may be judged: POST /cache/feedback with this request and entry" : nil
            }
        }

        var nearMisses: [Row]
    }

    private func listNearMisses(_ client: AdminClient, _ console: Console) async throws {
        let body = try await client.get("/cache/near-misses", query: [("limit", "\(min(limit, 1000))")])
        if json {
            let page = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
            for case let row as [String: Any] in page?["near_misses"] as? [Any] ?? [] {
                console.out(String(decoding: try jsonBytes(row), as: UTF8.self))
            }
            return
        }
        let found = try client.decode(NearMisses.self, from: body).nearMisses
        if found.isEmpty { return console.error("no near misses") }
        for row in found {
            console.out(
                console.bold("\(printable(row.kind))  \(printable(row.at))  \(String(format: "%.4f", row.similarity))  \(printable(row.reason))"))
            console.out("  asked   \(printable(row.asked))\n  cached  \(printable(row.cached))  (\(printable(row.entry)))")
            for finding in row.findings { console.out("  \(printable(finding))") }
            if !row.request.isEmpty { console.out("  request \(printable(row.request))\(row.verdict.map { "; " + $0 } ?? "")") }
        }
    }
}
