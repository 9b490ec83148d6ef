import ArgumentParser
import Foundation

/// Removes entries by selector.
struct FlushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush",
        abstract: "Remove entries from the cache of a running proxy.",
        discussion: """
            Conditions combine with AND; at least one of them, or --all, is needed.

            Example:
              reprise flush --model gpt-4o-mini --older-than 7d --dry-run
              reprise flush --all --yes
            """)

    @OptionGroup var selector: SelectorOptions

    @Flag(help: "Every entry. Asks first, unless --yes.")
    var all = false

    @Flag(help: "Count the entries that would be removed and remove none.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Do not ask before --all.")
    var yes = false

    @Flag(help: "Only what this proxy has itself: what several proxies share stays, and may be served from there again.")
    var local = false

    @Flag(help: "Print the proxy's answer as JSON.")
    var json = false

    @OptionGroup var server: ProxyAddress

    func validate() throws {
        if all, !selector.members.isEmpty { throw ValidationError("--all stands alone: leave out the conditions, or --all") }
        if !all, selector.members.isEmpty { throw ValidationError("say which entries: at least one condition, or --all") }
    }

    /// The body of `POST /cache/flush`.
    func body(dryRun: Bool) throws -> [UInt8] {
        var object = selector.jsonMembers
        if all { object["all"] = true }
        if dryRun { object["dry_run"] = true }
        if local { object["local"] = true }
        return try jsonBytes(object)
    }

    struct Answer: Decodable {
        var matched: Int
        var removed: Int
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            let client = try server.client()
            if all, !yes, !dryRun {
                guard isatty(STDIN_FILENO) == 1, console.errorIsTerminal else {
                    throw CommandFailure(.usage, "flush --all asks before it removes everything, and there is no terminal to ask on: add --yes")
                }
                let count = try client.decode(Answer.self, from: try await client.post("/cache/flush", body: try body(dryRun: true))).matched
                console.writeError("Remove all \(count) entries of \(client.server)? [y/N] ")
                guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
                    throw CommandFailure(.failure, "nothing was removed")
                }
            }
            let body = try await client.post("/cache/flush", body: try body(dryRun: dryRun))
            let answer = try client.decode(Answer.self, from: body)
            if json { return console.out(String(decoding: body, as: UTF8.self)) }
            console.out(dryRun ? "\(answer.matched) entries would be removed" : "\(answer.removed) entries removed")
        }
    }
}
