import ArgumentParser
import Foundation
import Settings

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

    @Flag(help: "Ask again and again until Ctrl-C: on a terminal a live screen, elsewhere one answer after the other.")
    var watch = false

    @Option(help: ArgumentHelp("With --watch: the time between two answers, such as 500ms or 2s.", valueName: "duration"))
    var interval = "1s"

    @OptionGroup var server: ProxyAddress

    func validate() throws {
        guard let pause, pause >= .milliseconds(100) else {
            throw ValidationError("--interval: expected a duration of at least 100ms, such as 500ms or 2s; found '\(printable(interval))'")
        }
    }

    private var pause: Duration? { Duration(unitText: interval) }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            let client = try server.client()
            if watch, !json, console.outDraws { return try await live(client, console) }
            repeat {
                let body = try await client.get("/cache/stats")
                if json {
                    console.out(watch ? String(decoding: body, as: UTF8.self).replacing("\n", with: " ") : String(decoding: body, as: UTF8.self))
                } else {
                    console.out(try client.decode(Statistics.self, from: body).lines(title: console.bold).joined(separator: "\n"))
                }
                if watch { try await Task.sleep(for: pause ?? .seconds(1)) }
            } while watch
        }
    }

    /// Draws until Ctrl-C. A proxy that goes away is said on the screen and asked again; one that was never there ends the command.
    private func live(_ client: AdminClient, _ console: Console) async throws {
        var screen = StatsScreen(server: client.server)
        let style = StatsScreen.Style(bold: console.bold, dim: console.dim, good: console.green, bad: console.red)
        let clock = ContinuousClock()
        let began = clock.now
        screen.add(try client.decode(Statistics.self, from: try await client.get("/cache/stats")), at: 0)
        let terminal = TerminalScreen(console: console)
        defer { terminal.close() }
        var trouble: String?
        while true {
            let size = console.size
            terminal.draw(screen.lines(width: size.columns, height: size.rows, trouble: trouble, style: style))
            try await Task.sleep(for: pause ?? .seconds(1))
            do {
                let statistics = try client.decode(Statistics.self, from: try await client.get("/cache/stats"))
                screen.add(statistics, at: (clock.now - began) / .seconds(1))
                trouble = nil
            } catch let failure as CommandFailure {
                trouble = failure.message
            }
        }
    }
}
