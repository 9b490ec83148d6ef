import ArgumentParser
import Foundation

/// Takes an export into the cache, or the file of another cache.
struct ImportCommand: AsyncParsableCommand {
    enum Source: String, CaseIterable, ExpressibleByArgument {
        case reprise, gptcache
    }

    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take an export into the cache of a running proxy.",
        discussion: """
            Entries keep their keys, tenants and times; one that is there already, as young
            or younger, stays. Entries are found again only by callers of the same tenants,
            so both proxies need the same tenancy key. A broken run goes on with --resume.

            --from gptcache reads the SQLite file of a GPTCache: its questions become chat
            requests to --model, its answers what is served for them.

            Example:
              reprise import cache.jsonl
              reprise import --from gptcache sqlite.db --model gpt-4o-mini
            """)

    @Argument(help: ArgumentHelp("File to read; - is standard input.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("What wrote the file: reprise or gptcache.", valueName: "program"))
    var from = Source.reprise

    @Option(help: ArgumentHelp("With --from gptcache: the model that requests name.", valueName: "name"))
    var model: String?

    @Option(help: ArgumentHelp("With --from gptcache: the system message of requests, if they have one.", valueName: "text"))
    var system: String?

    @Option(
        help: ArgumentHelp("With --from gptcache: the environment variable with the API key whose tenant the entries belong to.", valueName: "name"))
    var credentialEnv = "OPENAI_API_KEY"

    @Flag(help: "Go on where a broken run of the same file ended.")
    var resume = false

    @Flag(help: "Print the counts as JSON.")
    var json = false

    @OptionGroup var server: ProxyAddress

    func validate() throws {
        if resume, file == "-" { throw ValidationError("--resume needs a file: standard input cannot be read again") }
        switch from {
        case .reprise:
            if model != nil || system != nil { throw ValidationError("--model and --system go with --from gptcache only") }
        case .gptcache:
            if file == "-" { throw ValidationError("--from gptcache needs a file") }
            if model?.isEmpty ?? true { throw ValidationError("--from gptcache needs --model: GPTCache does not keep which model answered") }
            if resume { throw ValidationError("--resume is not needed with --from gptcache: what is there already is only noted") }
        }
    }

    func run() async throws {
        try await reporting {
            let client = try server.client()
            let totals: ImportTotals
            switch from {
            case .reprise: totals = try await ImportRun(client: client, file: file, resume: resume, console: .standard).run()
            case .gptcache:
                let key = ProcessInfo.processInfo.environment[credentialEnv].flatMap { $0.isEmpty ? nil : $0 }
                totals = try await GPTCacheImport(
                    client: client, file: file, model: model ?? "", system: system, credential: key.map { "Bearer \($0)" }, console: .standard
                ).run()
            }
            Console.standard.out(json ? String(decoding: try jsonBytes(totals.members), as: UTF8.self) : totals.summary)
            if totals.failed > 0 { throw CommandFailure(.badData, "") }
        }
    }
}

/// Counts of an import.
struct ImportTotals: Equatable, Sendable {
    var imported = 0
    var already = 0
    var expired = 0
    var failed = 0
    /// Records of a foreign cache that have no place in this one, such as pictures.
    var skipped = 0

    var members: [String: Any] {
        ["imported": imported, "already": already, "expired": expired, "failed": failed, "skipped": skipped]
    }

    var summary: String {
        "\(imported) imported, \(already) already there, \(expired) expired, \(failed) failed" + (skipped > 0 ? ", \(skipped) skipped" : "")
    }
}

/// What the proxy says of one POST.
struct ImportAnswer: Decodable, Sendable {
    struct Failure: Decodable, Sendable {
        var line: Int
        var message: String
    }

    var imported: Int
    var already: Int
    var expired: Int?
    var failed: Int
    var errors: [Failure]?
}

/// One import of an export: posts its lines in batches, in order, and remembers how far it came.
struct ImportRun {
    let client: AdminClient
    let file: String
    let resume: Bool
    let console: Console

    private static let batchLines = 500
    private static let batchBytes = 4 << 20

    func run() async throws -> ImportTotals {
        var reader = try WarmRecordReader(path: file)
        let size = ((try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? NSNumber)?.intValue
        var start = WarmProgress(bytes: 0, records: 0)
        if resume, let former = WarmProgress.load(for: file) {
            guard former.bytes <= size ?? .max else {
                throw CommandFailure(
                    .badData, "\(file) is shorter than when the former run ended: remove \(WarmProgress.path(for: file)) to start anew")
            }
            console.error("\(file): going on after \(former.records) records")
            start = former
        }
        var totals = ImportTotals()
        var batch: [UInt8] = []
        var lines: [Int] = []
        var reached = start
        var meter = TransferMeter(console: console, total: file == "-" ? nil : size, start: start.bytes)
        func post() async throws {
            guard !lines.isEmpty else { return }
            let body = try await client.post("/cache/import", body: batch, contentType: "application/x-ndjson")
            let answer = try client.decode(ImportAnswer.self, from: body)
            totals.imported += answer.imported
            totals.already += answer.already
            totals.expired += answer.expired ?? 0
            totals.failed += answer.failed
            for failure in answer.errors ?? [] {
                meter.erase()
                let line = lines.indices.contains(failure.line - 1) ? lines[failure.line - 1] : lines[0]
                console.error("\(reader.name):\(line): \(printable(failure.message))")
            }
            batch = []
            lines = []
            if file != "-" { try? reached.save(for: file) }
            meter.show(reached.bytes)
        }
        while let raw = try await reader.next() {
            if raw.end <= start.bytes { continue }
            switch raw.content {
            case .json(let line):
                batch += line + [UInt8(ascii: "\n")]
                lines.append(raw.line)
            case .row: throw CommandFailure(.badData, "\(reader.name) is not a file that an export wrote: it looks like CSV")
            case .fault(let fault), .unusable(let fault):
                totals.failed += 1
                meter.erase()
                console.error("\(reader.name):\(raw.line): \(fault.message)")
            }
            reached = WarmProgress(bytes: raw.end, records: reached.records + 1)
            if lines.count >= Self.batchLines || batch.count >= Self.batchBytes { try await post() }
        }
        try await post()
        meter.erase()
        if file != "-" { WarmProgress.remove(for: file) }
        return totals
    }
}
