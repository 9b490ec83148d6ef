import ArgumentParser
import Foundation
import SemanticCache

/// Shows one entry in full.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one entry with its answer.",
        discussion: """
            Example:
              reprise show 000001936f2c00a1
            """)

    @Argument(help: "The entry's id, as in 'reprise list' and in the response header X-Cache-Entry.")
    var id: String

    @Flag(help: "Only if this proxy has it itself, where several share what they have.")
    var local = false

    @Flag(help: "Print the proxy's answer as JSON.")
    var json = false

    @OptionGroup var server: ProxyAddress

    func validate() throws {
        if EntryID(id) == nil { throw ValidationError("expected an id of 16 hexadecimal digits; found '\(printable(id))'") }
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            let client = try server.client()
            let body = try await client.get("/cache/entries/\(id)", query: local ? [("local", "true")] : [])
            if json { return console.out(String(decoding: body, as: UTF8.self)) }
            let entry = try client.decode(CachedEntry.self, from: body)
            for (name, value) in entry.description {
                console.out(console.bold((name + ":").padding(toLength: 11, withPad: " ", startingAt: 0)) + value)
            }
            if let content = entry.body {
                console.out("")
                // On a terminal each line is made safe; elsewhere the body goes out as it is.
                let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
                console.out(console.outIsTerminal ? lines.map { printable(String($0)) }.joined(separator: "\n") : content)
            }
        }
    }
}
