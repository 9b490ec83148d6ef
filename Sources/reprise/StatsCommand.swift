import ArgumentParser
import Foundation

/// Shows the statistics of a running proxy.
struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show the statistics of a running proxy.",
        discussion: """
            Example:
              reprise stats --watch
              reprise stats --json --server http://127.0.0.1:8080
            """)

    @Flag(help: "Print the proxy's answer as JSON.")
    var json = false

    @Flag(help: "Ask again every second until Ctrl-C; on a terminal in place.")
    var watch = false

    @OptionGroup var server: ProxyAddress

    func run() async throws {
        try await reporting {
            let console = Console.standard
            let client = try server.client()
            let redraws = watch && !json && console.outIsTerminal
            if redraws { console.write("\u{1B}[2J") }
            repeat {
                let body = try await client.get("/cache/stats")
                let statistics = try client.decode(Statistics.self, from: body)
                if json {
                    console.out(watch ? String(decoding: body, as: UTF8.self).replacing("\n", with: " ") : String(decoding: body, as: UTF8.self))
                } else {
                    let lines = statistics.lines(title: console.bold)
                    // Home, each line with what stood behind it erased, and the rest of the screen erased: no flicker.
                    console.write(redraws ? "\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J" : lines.joined(separator: "\n") + "\n")
                }
                if watch { try await Task.sleep(for: .seconds(1)) }
            } while watch
        }
    }
}
