import ArgumentParser
import Foundation

/// Fills the cache from files.
struct WarmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warm",
        abstract: "Fill the cache of a running proxy from JSONL, CSV or an OpenAI batch file.",
        discussion: """
            A record with an answer is imported; one without is asked of the upstream
            through the proxy, which costs what it costs there.

            Records (JSONL, one a line; the members of the first form are also the columns
            of CSV, with a first row that names them; only prompt is needed):
              {"prompt": "...", "answer": "...", "model": "...", "system": "...",
               "namespace": "...", "tags": ["..."], "ttl": "1h"}
              {"messages": [...], "model": "...", "answer": "..."}
              {"body": {request}, "response": {response}}
              {"custom_id": "...", "method": "POST", "url": "/v1/...", "body": {...}}

            A bad record is reported with its line and skipped; the exit status is then 65.
            A broken run goes on with --resume.

            Example:
              reprise warm faq.csv --model gpt-4o-mini --dry-run
              reprise warm faq.csv batch.jsonl --model gpt-4o-mini --concurrency 8
            """)

    @Argument(help: ArgumentHelp("Files to read; - is standard input.", valueName: "file"), completion: .file())
    var files: [String]

    @Option(help: ArgumentHelp("Requests to the proxy in flight at once.", valueName: "number"))
    var concurrency = 4

    @Option(help: ArgumentHelp("Stop after this many good records.", valueName: "number"))
    var limit: Int?

    @Option(help: ArgumentHelp("Model of records that name none.", valueName: "name"))
    var model: String?

    @Option(help: ArgumentHelp("Environment variable with the API key whose tenant the entries belong to.", valueName: "name"))
    var credentialEnv = "OPENAI_API_KEY"

    @Flag(help: "Read, check and count the records only; no proxy is needed.")
    var dryRun = false

    @Flag(help: "Go on where a broken run of the same file ended.")
    var resume = false

    @Flag(help: "Print the counts as JSON; bad records are still told on standard error.")
    var json = false

    @OptionGroup var server: ProxyAddress

    func validate() throws {
        if !(1...256).contains(concurrency) { throw ValidationError("--concurrency: expected a whole number from 1 to 256; found \(concurrency)") }
        if let limit, limit < 1 { throw ValidationError("--limit: expected a whole number of at least 1; found \(limit)") }
        if model?.isEmpty == true { throw ValidationError("--model: expected the name of a model") }
        if files.count(where: { $0 == "-" }) > 1 || Set(files).count != files.count { throw ValidationError("expected each file once") }
        if resume, files.contains("-") { throw ValidationError("--resume needs files: standard input cannot be read again") }
    }

    func run() async throws {
        try await reporting {
            let environment = ProcessInfo.processInfo.environment
            let key = environment[credentialEnv].flatMap { $0.isEmpty ? nil : $0 }
            let target: WarmRun.Target = dryRun ? .dryRun : .proxy(try server.client(), credential: key.map { "Bearer \($0)" })
            let run = WarmRun(target: target, files: files, concurrency: concurrency, limit: limit, model: model, resume: resume, console: .standard)
            let totals = try await run.run()
            Console.standard.out(
                json ? String(decoding: try jsonBytes(totals.members(dryRun: dryRun)), as: UTF8.self) : totals.summary(dryRun: dryRun))
            // The records themselves were reported as they came.
            if totals.bad + totals.failed > 0 { throw CommandFailure(.badData, "") }
        }
    }
}
