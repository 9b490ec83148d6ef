import ArgumentParser
import Foundation

/// Shows what the cache would decide, and why.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show what the cache of a running proxy would decide for a question, and why.",
        discussion: """
            Asks as a chat completion with the question as its only message, or with the whole request body from a file. Nothing is forwarded,
            counted or learned.

            Example:
              reprise explain --model gpt-4o-mini "How can I reset my password?"
              reprise explain --body request.json
            """)

    @Argument(help: "The question.")
    var text: String?

    @Option(help: "The model that the request names.")
    var model: String?

    @Option(help: "The system message before the question.")
    var system: String?

    @Option(help: "The namespace that the request is in.")
    var namespace: String?

    @Option(help: ArgumentHelp("A file with the whole body of a request; - is standard input.", valueName: "file"))
    var body: String?

    @Option(help: ArgumentHelp("The path that the body is for.", valueName: "path"))
    var endpoint = "/v1/chat/completions"

    @Flag(help: "Print the proxy's answer as JSON.")
    var json = false

    @OptionGroup var server: ProxyAddress

    func validate() throws {
        if (text == nil) == (body == nil) { throw ValidationError("give either a question or --body") }
        if body != nil, model != nil || system != nil || namespace != nil {
            throw ValidationError("--model, --system and --namespace go with a question; with --body they stand in the body")
        }
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            let client = try server.client()
            let answer = try await client.post("/cache/explain?endpoint=\(percentEncoded(endpoint))", body: try request())
            if json { return console.out(String(decoding: answer, as: UTF8.self)) }
            let explanation = try client.decode(Decided.self, from: answer)
            for line in explanation.lines(title: console.bold) { console.out(line) }
        }
    }

    private func request() throws -> [UInt8] {
        if let body {
            let data = body == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: body)
            guard let data else { throw CommandFailure(.noInput, "\(body): cannot be read") }
            return Array(data)
        }
        var messages: [[String: String]] = []
        if let system { messages.append(["role": "system", "content": system]) }
        messages.append(["role": "user", "content": text ?? ""])
        var object: [String: Any] = ["messages": messages]
        if let model { object["model"] = model }
        if let namespace { object["cache"] = ["namespace": namespace] }
        return try jsonBytes(object)
    }
}

/// The answer of `POST /cache/explain`.
private struct Decided: Decodable {
    struct Neighbour: Decodable {
        var entry: String
        var similarity: Double
        var query: String
    }

    struct Guard: Decodable {
        var name: String
        var fired: Bool
        var finding: String?
    }

    struct Learned: Decodable {
        var score: Double
        var cut: Double?
        var errorBound: Double
        var estimatedError: Double
        var upperBound: Double
        var observations: Int
        var features: [String: Double]
    }

    struct Turn: Decodable {
        var entry: String
        var said: String
        var counts: String
    }

    var decision: String
    var reason: String?
    var mode: String?
    var profile: String?
    var scope: String?
    var query: String?
    var framed: Bool?
    var history: [Turn]?
    var text: String?
    var entry: String?
    var tier: String?
    var nearest: [Neighbour]?
    var guards: [Guard]?
    var learned: Learned?

    func lines(title: (String) -> String) -> [String] {
        var lines = [
            title(decision) + (reason.map { ", \(printable($0))" } ?? "") + (entry.map { ", entry \(printable($0))" } ?? "")
                + (tier == "shared" ? " of the shared tier" : "")
        ]
        if let mode, let profile { lines.append("mode \(printable(mode)), profile \(printable(profile)), scope \(scope.map(printable) ?? "none")") }
        if framed ?? false, let query { lines.append("asks \(shortened(printable(query), to: 100)); what it is asked about must be equal") }
        for turn in history ?? [] {
            let (said, counts) = (shortened(printable(turn.said), to: 60), shortened(printable(turn.counts), to: 60))
            lines.append("turn '\(said)' counts as '\(counts)', entry \(printable(turn.entry))")
        }
        if let text { lines.append("text: \(printable(text))") }
        if let nearest, !nearest.isEmpty {
            lines +=
                ["", title("Nearest")]
                + nearest.map { "  \(Self.number($0.similarity))  \(printable($0.entry))  \(shortened(printable($0.query), to: 80))" }
        }
        if let guards, !guards.isEmpty {
            lines += ["", title("Guards")] + guards.map { "  \(printable($0.name)): \($0.finding.map(printable) ?? "quiet")" }
        }
        if let learned {
            lines += [
                "", title("Learned"),
                "  score \(Self.number(learned.score)), served from \(learned.cut.map(Self.number) ?? "no score"), \(learned.observations) labels",
                "  error bound \(Self.number(learned.errorBound)), estimated \(Self.number(learned.estimatedError)), at most \(Self.number(learned.upperBound))",
            ]
            lines += learned.features.sorted { $0.key < $1.key }.map { "  \(printable($0.key)) \(Self.number($0.value))" }
        }
        return lines
    }

    private static func number(_ value: Double) -> String { String(format: "%.4f", value) }
}
