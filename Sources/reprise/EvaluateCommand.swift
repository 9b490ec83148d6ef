import ArgumentParser
import Embedding
import Evaluation
import Foundation
import Matching
import SemanticCache
import Settings
import VectorSearch

/// `reprise evaluate`: replays labelled examples through the matcher.
struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Replay labelled pairs, conversations or streams through the matcher.",
        discussion: """
            Each file holds JSON lines of one kind: {"prompt", "group"}, a stream, where a cached answer is right for a prompt of its group;
            {"messages", "answer_key"}, the same with a history; {"a", "b", "same_answer"}, pairs, each decided in a cache of its own. An access
            log with answers (log.access_content: answers) is a stream too: the judge says which of its answers are the same.
            Streams are shuffled anew for every seed, and every rule replays the same shuffles: the calibrated policy at each --bound, vCache
            with and without alias wordings, and static thresholds with and without the guards. Brackets hold 95 % intervals (Wilson).
            With --answers, a file of {"question", "a", "b", "same", "kind"} or of {"family", "instruction", "answers"}, the judge is measured on its
            answers; of the latter every group of a stream is given an instruction and every prompt one of its answers, and labels are what the judge makes
            of them, as in the proxy. With --live the requests go through the proxy itself, with its queue of comparisons and its worker.

            Example:
              reprise evaluate stream.jsonl pairs.jsonl --bound 0.01 --plot wrong.svg
              reprise evaluate access.jsonl
              reprise evaluate *.jsonl --fit-prior minilm.prior
            """)

    @Argument(help: ArgumentHelp("Files of labelled examples.", valueName: "file"))
    var files: [String] = []

    @Flag(help: "Compare the cache's eviction with LRU, LFU and FIFO on made-up traces instead; needs no files.")
    var eviction = false

    @Option(help: ArgumentHelp("Configuration file, for the model and matching.profile.", valueName: "file"))
    var config: String?

    @Option(
        name: .customLong("bound"),
        help: ArgumentHelp("Error bound to replay with; may be given again. Default: matching.error_bound.", valueName: "share"))
    var bounds: [Double] = []

    @Option(help: "Shuffles of each stream.")
    var seeds = 5

    @Option(help: "Use only the first N examples of each file.")
    var limit: Int?

    @Flag(help: "Begin without the shipped prior.")
    var noPrior = false

    @Option(help: ArgumentHelp("Begin with the prior in this file.", valueName: "file"))
    var prior: String?

    @Flag(help: "Print the report as JSON.")
    var json = false

    @Option(help: ArgumentHelp("Draw wrong answers per hit against hit rate.", valueName: "file.svg"))
    var plot: String?

    @Option(help: ArgumentHelp("Fit a prior on the files, write it here, and replay nothing.", valueName: "file"))
    var fitPrior: String?

    @Option(
        name: .customLong("weigh"),
        help: ArgumentHelp("How much a file counts in the weights and in the gate of the prior (default 1:1).", valueName: "name=fit:gate"))
    var weighings: [String] = []

    @Option(help: ArgumentHelp("What the verifier reads: all, pairs (quicker; streams go without) or off.", valueName: "what"))
    var verifier = Verified.all

    @Flag(help: "Take the shipped verifier's word only where its training left a group out; elsewhere draw it from there. Fit on such groups alone.")
    var heldOut = false

    @Option(
        help: ArgumentHelp(
            "Measure the judge on the answers in this file, and replay the streams with answers as models word them (see below).", valueName: "file"))
    var answers: String?

    @Option(help: ArgumentHelp("With --answers: comparisons made while one request comes in; all of them when left out.", valueName: "number"))
    var pace: Double?

    @Option(
        help: ArgumentHelp(
            "With --answers: send the streams through the whole proxy: 'settled' (one after the other), 'fast' (eight at once), or so many a second.",
            valueName: "pace"))
    var live: LivePace?

    @Option(help: ArgumentHelp("With --answers: prompts that are asked twice; in the beginning, or with --live anywhere.", valueName: "number"))
    var repeats = 0

    @Flag(help: "Time decisions over the pairs, eight candidates each, and apart from them embedder and verifier; replay nothing.")
    var timing = false

    /// `--verifier`.
    enum Verified: String, ExpressibleByArgument, CaseIterable { case pairs, all, off }

    func validate() throws {
        guard eviction != (!files.isEmpty || answers != nil) else {
            throw ValidationError("expected files of labelled examples, or --eviction alone")
        }
        guard pace.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--pace: expected a number above 0") }
        guard live == nil || answers != nil else { throw ValidationError("--live: expected --answers beside it, for what the model says") }
        guard live == nil || pace == nil else { throw ValidationError("--live and --pace: expected one of the two") }
        guard (0...10_000).contains(repeats) else { throw ValidationError("--repeats: expected a number from 0 to 10000") }
        guard (1...1000).contains(seeds) else { throw ValidationError("--seeds: expected a number from 1 to 1000") }
        guard bounds.allSatisfy({ $0 > 0 && $0 < 1 }) else { throw ValidationError("--bound: expected a share between 0 and 1") }
        for weighing in weighings where Self.weighing(weighing) == nil {
            throw ValidationError("--weigh: expected name=fit:gate such as faq=1:0.5, found '\(weighing)'")
        }
    }

    func run() async throws {
        try await reporting {
            let console = Console.standard
            if eviction {
                for line in EvictionReport().table().lines(width: 200) { console.out(line) }
                return
            }
            let loaded: LoadedSettings
            let environment = ProcessInfo.processInfo.environment
            do throws(SettingsErrors) { loaded = try Settings.load(path: config, environment: { environment[$0] }) } catch {
                throw CommandFailure(error)
            }
            let read = try files.map { try Self.read($0, limit: limit) }
            let embedder: OnnxEmbedder
            do throws(ModelError) {
                embedder = try OnnxEmbedder(
                    try ModelFolder(path: loaded.paths.model), threads: 1, statesMemory: Settings().matching.verifierMemory.bytes)
            } catch {
                throw CommandFailure(.configuration, "the model cannot be used: \(error)")
            }
            let book = try answers.map { try Self.readAnswers($0) }
            let vectors = try await Self.embed(read.flatMap(\.content.texts) + (book?.texts ?? []), with: embedder) {
                if console.errorDraws { console.writeError($0) }
            }
            var data: [File] = []
            for file in read { data.append((file.name, file.bytes, await Self.label(file, embedder, vectors, console))) }
            // A prior that is fitted without a verifier holds with any; one fitted with it needs its word on every example.
            let isRead = !timing && (fitPrior == nil || verifier == .all)
            let reader = isRead ? try Self.loadVerifier(loaded, verifier, embedder) : nil
            let logits = Logits(reader, readsAll: verifier == .all)
            for case .pairs(let list) in data.map(\.data) { for pair in list { logits.read(pair.asked, pair.cached) } }
            var prior = noPrior || fitPrior != nil ? nil : try startingPrior(embedder, reader)
            if let reader { prior = prior?.settingVerdictFloor(logit: Double(reader.dayOneCut)) }
            let isUnseen: (@Sendable (String) -> Bool)? = heldOut ? Self.isHeldOut : nil
            let evaluation = Evaluation(
                bounds: bounds.isEmpty ? [loaded.settings.matching.errorBound] : bounds, thresholds: [0.7, 0.75, 0.8, 0.85, 0.9, 0.95], seeds: seeds,
                profile: loaded.settings.matching.profile, residue: ResidueGuard(embedder),
                prior: prior, vector: { vectors[$0] }, verdict: logits.verdict, isUnseen: isUnseen,
                makeIndex: { FlatIndex(dimension: embedder.dimension) }, scope: { Self.scope(of: $0) })
            if let book {
                let trial = JudgeEvaluation(
                    embedder: embedder, prior: prior, verdict: logits.verdict, bound: evaluation.bounds.first ?? 0.01, profile: evaluation.profile,
                    seeds: seeds, pace: pace, repeats: repeats, console: console)
                trial.judge(book.content, file: book.name, vectors: vectors)
                for file in data {
                    guard case .stream(let items) = file.data, case .instructions(let instructions) = book.content else { continue }
                    guard let live else {
                        trial.replay(items, file: file.name, instructions: instructions, vectors: vectors)
                        continue
                    }
                    var settings = loaded
                    settings.settings.matching.errorBound = trial.bound
                    let proxy = LiveReplay(
                        settings: settings, embedder: embedder, verifier: reader, prior: prior, pace: live, repeats: repeats)
                    await trial.replay(items, file: file.name, instructions: instructions, through: proxy)
                }
            } else if timing {
                // Apart from the decisions, which are timed without it.
                let timed = try Self.loadVerifier(loaded, verifier, embedder)
                for file in data {
                    guard case .pairs(let pairs) = file.data else { continue }
                    console.out(Self.timing(evaluation, pairs, file: file.name))
                    if let timed { console.out(ModelTiming.line(try await ModelTiming.measure(pairs, embedder, timed), file: file.name)) }
                }
                await timed?.close()
            } else if let fitPrior {
                try await fit(evaluation, data, embedder: embedder.fingerprint, verifier: reader?.fingerprint ?? "", to: fitPrior, console)
            } else {
                try await replay(evaluation, data, embedder: embedder.fingerprint, verifier: reader?.fingerprint ?? "", console)
            }
            await reader?.close()
            await embedder.close()
        }
    }

    private static func timing(_ evaluation: Evaluation, _ pairs: [LabelledPair], file: String) -> String {
        var times: [Double] = []
        for round in 0..<4 {
            evaluation.decisions(pairs) { decide in
                let time = ContinuousClock().measure(decide).inSeconds * 1e6
                // The first round finds word lists and caches cold.
                if round > 0 { times.append(time) }
            }
        }
        guard !times.isEmpty else { return "\(file): no pairs to decide" }
        let (middle, high) = (times.quantile(0.5).rounded(), times.quantile(0.99).rounded())
        return "\(file): \(times.count) decisions, p50 \(Int(middle)) us, p99 \(Int(high)) us"
    }

    private static func loadVerifier(_ loaded: LoadedSettings, _ verified: Verified, _ embedder: OnnxEmbedder) throws -> OnnxVerifier? {
        guard verified != .off, loaded.settings.matching.verifier == .on else { return nil }
        do {
            let folder = try ModelFolder(path: loaded.paths.model)
            return try OnnxVerifier(folder, VerifierModel(folder: folder.path), embedder: embedder, threads: 1)
        } catch {
            throw CommandFailure(.configuration, "the verifier cannot be used: \(error); --verifier off goes without")
        }
    }

    private typealias File = (name: String, bytes: Data, data: LabelledData)

    private func replay(_ evaluation: Evaluation, _ files: [File], embedder: String, verifier: String, _ console: Console) async throws {
        var streams: [EvaluationReport.Stream] = []
        var learned: [Evaluation.Learned] = []
        var pairs: [EvaluationReport.Pairs] = []
        let hasPairs = files.contains { if case .pairs = $0.data { true } else { false } }
        for file in files {
            guard case .stream(let items) = file.data else { continue }
            let replayed = await evaluation.stream(items, file: file.name, learns: hasPairs) { console.error($0) }
            streams.append(replayed.report)
            if let taught = replayed.learned { learned.append(taught) }
        }
        for file in files {
            if case .pairs(let list) = file.data { pairs.append(evaluation.pairs(list, file: file.name, after: learned)) }
        }
        let report = EvaluationReport(embedder: embedder, verifier: verifier, hasPrior: evaluation.prior != nil, streams: streams, pairs: pairs)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            console.out(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            console.write(ReportTable.text(report))
        }
        if let plot { try Self.write(ScatterPlot.svg(report), to: plot) }
    }

    private func fit(
        _ evaluation: Evaluation, _ files: [File], embedder: String, verifier: String, to path: String, _ console: Console
    ) async throws {
        let weights = Dictionary(weighings.compactMap(Self.weighing).map { ($0.name, ($0.fit, $0.gate)) }) { _, last in last }
        var sources: [PriorFit.Source] = []
        var notes = ["seeds \(seeds)" + (heldOut ? ", groups that the verifier was not trained on" : "")]
        for file in files {
            let samples = await evaluation.samples(of: file.data, trapShare: Self.trapShare, missedShare: Self.missedShare)
            let (fit, gate) = weights[file.name] ?? (1, 1)
            sources.append(PriorFit.Source(name: file.name, weight: fit, gateWeight: gate, samples: samples))
            notes.append("data \(file.name), weight \(fit):\(gate), \(samples.count) examples, SHA-256 \(Self.digest(file.bytes))")
            console.error("\(file.name): \(samples.count) examples")
        }
        let prior = PriorFit(sources: sources).fit(embedder: embedder, verifier: verifier, verdictFloor: -2, variance: 0.05, notes: notes)
        try Self.write(prior.text, to: path)
        console.write(prior.notes.joined(separator: "\n") + "\n")
    }

    /// Of the traps in a file of pairs, what counts: traffic has far fewer of them.
    private static let trapShare = 0.07
    /// Of the traps that the word lists catch, the share that is taken as missed, for those nobody has seen yet.
    private static let missedShare = 0.4

    /// Whether the verifier's training left a stream's group out: the same eighth, by a hash, as `is_held_out` in `Training/pairs.py`.
    @Sendable private static func isHeldOut(_ group: String) -> Bool {
        let head = Digest256.sha256(Array("held:\(group)".utf8)).hex.prefix(8)
        return (UInt32(head, radix: 16)).map { Double($0) / 0x1p32 < 0.12 } ?? false
    }

    private func startingPrior(_ embedder: OnnxEmbedder, _ verifier: OnnxVerifier?) throws -> Prior? {
        guard let prior else { return Prior.shipped(embedder: embedder.fingerprint, verifier: self.verifier == .all ? verifier?.fingerprint : nil) }
        guard let data = FileManager.default.contents(atPath: prior) else { throw CommandFailure(.noInput, "\(prior): cannot be read") }
        guard let read = Prior(String(decoding: data, as: UTF8.self)) else {
            throw CommandFailure(.badData, "\(prior): expected a prior, found something else")
        }
        guard read.embedder == embedder.fingerprint else {
            throw CommandFailure(.badData, "\(prior): made for '\(read.embedder)', and the model is '\(embedder.fingerprint)'")
        }
        return read
    }

    /// What a file holds as it was read.
    private enum Content {
        case labelled(LabelledData)
        case logged(LoggedTraffic)

        var texts: [String] {
            switch self {
            case .labelled(let data): data.texts
            case .logged(let traffic): traffic.questions.map(\.prompt)
            }
        }
    }

    private static func label(
        _ file: (name: String, bytes: Data, content: Content), _ embedder: OnnxEmbedder, _ vectors: [String: UnitVector], _ console: Console
    ) async -> LabelledData {
        switch file.content {
        case .labelled(let data): return data
        case .logged(let traffic):
            let total = traffic.questions.count
            let items = await traffic.labelled(by: .offline(embedder), dimension: embedder.dimension, vector: { vectors[$0] }) { done in
                if console.errorDraws, done % 16 == 0 || done == total { console.writeError("\rjudged \(done) of \(total)") }
            }
            if console.errorDraws { console.writeError("\n") }
            console.error(
                "\(file.name): \(total) questions with answers of their own in \(traffic.lineCount) lines; \(Set(items.map(\.group)).count) different answers by the judge"
            )
            return .stream(items)
        }
    }

    private static func read(_ path: String, limit: Int?) throws -> (name: String, bytes: Data, content: Content) {
        guard let bytes = FileManager.default.contents(atPath: path) else { throw CommandFailure(.noInput, "\(path): cannot be read") }
        let name = path.split(separator: "/").last.map { $0.hasSuffix(".jsonl") ? String($0.dropLast(6)) : String($0) } ?? path
        if LoggedTraffic.isAccessLog(bytes) {
            let traffic = LoggedTraffic(lines: bytes, limit: limit)
            guard !traffic.questions.isEmpty else {
                throw CommandFailure(
                    .badData,
                    "\(path): expected an access log with answers, found \(traffic.lineCount) lines without; log.access_content: answers writes them")
            }
            return (name, bytes, .logged(traffic))
        }
        do throws(LabelledData.Failure) {
            switch try LabelledData(lines: bytes) {
            case .stream(let items): return (name, bytes, .labelled(.stream(limit.map { Array(items.prefix($0)) } ?? items)))
            case .pairs(let pairs): return (name, bytes, .labelled(.pairs(limit.map { Array(pairs.prefix($0)) } ?? pairs)))
            }
        } catch {
            throw CommandFailure(.badData, "\(path): \(error)")
        }
    }

    private struct Answers {
        let name: String
        let content: JudgeTrial.Content

        /// Every text whose vector is wanted.
        var texts: [String] {
            switch content {
            case .pairs(let pairs): pairs.flatMap { [$0.first, $0.second] }.map(JudgeEvaluation.beginning)
            case .instructions(let all): all.flatMap { [$0.text] + $0.answers }.map(JudgeEvaluation.beginning)
            }
        }
    }

    private static func readAnswers(_ path: String) throws -> Answers {
        guard let bytes = FileManager.default.contents(atPath: path) else { throw CommandFailure(.noInput, "\(path): cannot be read") }
        guard let content = JudgeTrial.read(lines: bytes) else {
            throw CommandFailure(.badData, "\(path): expected lines of question, a, b and same, or of instruction and answers")
        }
        return Answers(name: path.split(separator: "/").last.map(String.init) ?? path, content: content)
    }

    private static func embed(_ texts: [String], with embedder: OnnxEmbedder, progress: (String) -> Void) async throws -> [String: UnitVector] {
        let texts = Array(Set(texts)).sorted()
        var vectors: [String: UnitVector] = [:]
        vectors.reserveCapacity(texts.count)
        for start in stride(from: 0, to: texts.count, by: 64) {
            let batch = Array(texts[start..<min(start + 64, texts.count)])
            do throws(ModelError) {
                for (text, outcome) in zip(batch, try await embedder.embed(batch)) {
                    if case .success(let vector) = outcome { vectors[text] = vector }
                }
            } catch {
                throw CommandFailure(.failure, "\(error)")
            }
            progress("\rembedded \(min(start + 64, texts.count)) of \(texts.count)")
        }
        progress("\n")
        return vectors
    }

    /// A scope of its own for every history, as in the proxy.
    static func scope(of history: [String]) -> Scope {
        let text = history.map { "\($0.utf8.count):\($0)" }.joined()
        return Scope(Digest256.sha256(Array(text.utf8)))
    }

    private static func digest(_ data: Data) -> String { Digest256.sha256(Array(data)).hex }

    private static func weighing(_ text: String) -> (name: String, fit: Double, gate: Double)? {
        let sides = text.split(separator: "=")
        let numbers = sides.count == 2 ? sides[1].split(separator: ":").compactMap { Double($0) } : []
        guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 && $0.isFinite }) else { return nil }
        return (String(sides[0]), numbers[0], numbers[1])
    }

    private static func write(_ text: String, to path: String) throws {
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) } catch {
            throw CommandFailure(.failure, "\(path): cannot be written: \(error.localizedDescription)")
        }
    }
}
