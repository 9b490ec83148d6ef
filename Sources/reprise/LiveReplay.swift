import Cache
import Evaluation
import Foundation
import HTTPTypes
import Learning
import Logging
import Matching
import Options
import Proxy
import SemanticCache
import ServiceLifecycle
import Settings
import Storage
import Synchronization
import Telemetry
import VectorSearch

/// What `reprise evaluate --answers --live` does: a labelled stream through the whole proxy, from a request's fields to the response, with the real index, the
/// real learner and its real queue. Only the socket and the provider are stood in for, and nothing is kept.
struct LiveReplay {
    /// What became of the requests, and what the learner says of itself afterwards.
    struct Result: Sendable {
        var requests = 0
        var exact = 0
        var semantic = 0
        /// Of the hits by meaning, those with another group's answer.
        var wrong = 0
        /// Requests that went to the model although an answer of their group and scope had been given before.
        var missed = 0
        var failed = 0
        var seconds = 0.0
        var learned: MatchLearner.Report?
    }

    static let model = "evaluated"

    let settings: LoadedSettings
    let embedder: any Embedder
    let verifier: (any Verifier)?
    let prior: Prior?
    let pace: LivePace
    /// Prompts that are asked once more, some time after they were asked.
    let repeats: Int

    /// - Parameter answers: what the model says to an item when it is asked for the n-th time.
    func run(_ items: [StreamItem], seed: UInt64, answers: @escaping @Sendable (StreamItem, Int) -> String?) async -> Result {
        let metrics = ProxyMetrics(prices: .builtIn)
        let logger = Logger(label: "reprise") { _ in SwiftLogNoOpLogHandler() }
        let clock = SystemClock()
        let upstream = BookUpstream { answers(items[$0], $1) }
        let store = MemoryStore(keepsRecords: false)
        let writer = WriteBehind(store: store, interval: .seconds(1), limit: 1024, logger: logger)
        let cache = AnswerCache(
            index: ScopedIndex(dimension: embedder.dimension), fingerprint: embedder.fingerprint, writer: writer, metrics: metrics, clock: clock,
            capacity: 1_000_000, staleWindow: .zero)
        let indexing = IndexingQueue(cache: cache, embedder: embedder, limit: 1_000_000, logger: logger)
        let learner = MatchLearner(
            options: MatchLearner.Options(settings.settings), prior: prior, cache: cache,
            judge: AnswerJudge(
                options: AnswerJudge.Options(model: nil, dailyCalls: 0), embedder: embedder, upstream: upstream, clock: clock, metrics: metrics),
            verifier: verifier, residue: ResidueGuard(embedder), store: store, fingerprint: embedder.fingerprint, clock: clock,
            generator: SeededGenerator(seed: seed), logger: logger)
        let pipeline = RequestPipeline(
            options: LiveOptions(PipelineOptions(settings)), cache: cache, embedder: embedder, indexing: indexing, learner: learner,
            upstream: upstream, tenants: TenantResolver(key: Array("an evaluation's tenants".utf8)), metrics: metrics,
            ids: EntryIDSource(clock: clock), clock: clock, logger: logger)
        let behind: [any Service] = [writer, indexing, learner]
        let running = behind.map { service in Task { try? await service.run() } }
        let tally = Tally(items)
        let started = ContinuousClock.now
        await ask(items, seed: seed, of: pipeline, tally)
        tally.state.withLock { $0.seconds = (ContinuousClock.now - started).inSeconds }
        await pipeline.settleVectors()
        await learner.settle()
        var result = tally.state.withLock { $0.result }
        result.seconds = tally.state.withLock { $0.seconds }
        result.learned = learner.report
        for task in running { task.cancel() }
        for task in running { await task.value }
        return result
    }

    private func ask(_ items: [StreamItem], seed: UInt64, of pipeline: RequestPipeline, _ tally: Tally) async {
        let order = order(of: items.count, seed: seed)
        switch pace {
        case .settled:
            for index in order {
                await Self.ask(index, items[index], of: pipeline, tally)
                await pipeline.settleVectors()
                await pipeline.learner?.settle()
            }
        case .fast(let connections):
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<connections {
                    group.addTask {
                        while case let place = tally.nextPlace(), place < order.count {
                            await Self.ask(order[place], items[order[place]], of: pipeline, tally)
                        }
                    }
                }
            }
        case .rate(let rate):
            let started = ContinuousClock.now
            await withTaskGroup(of: Void.self) { group in
                for (place, index) in order.enumerated() {
                    try? await Task.sleep(until: started + .seconds(Double(place) / rate), clock: .continuous)
                    group.addTask { await Self.ask(index, items[index], of: pipeline, tally) }
                }
            }
        }
    }

    /// The items in their order, some of them a second time at a later place drawn for each.
    private func order(of count: Int, seed: UInt64) -> [Int] {
        var generator = SeededGenerator(seed: seed &+ 1)
        var after: [Int: [Int]] = [:]
        for index in (0..<count).shuffled(using: &generator).prefix(repeats) {
            after[Int.random(in: index..<count, using: &generator), default: []].append(index)
        }
        return (0..<count).flatMap { [$0] + after[$0, default: []] }
    }

    private static func ask(_ index: Int, _ item: StreamItem, of pipeline: RequestPipeline, _ tally: Tally) async {
        let possible = tally.isPossible(item)
        let request = ProxyRequest(
            id: "\(index)", method: .post, path: "/v1/chat/completions",
            fields: [.contentType: "application/json", .authorization: "Bearer evaluated", BookUpstream.item: "\(index)"],
            body: .bytes(body(of: item)))
        let response = await pipeline.handle(request)
        var bytes: [UInt8]? = nil
        switch response.body {
        case .bytes(let all): bytes = all
        case .stream(let stream): bytes = (try? await stream.collect(upTo: 1 << 24)) ?? nil
        }
        let match = response.fields[.xCacheMatch]
        tally.note(item, answeredBy: bytes.flatMap { BookUpstream.item(of: $0) }, match: match, wasPossible: possible)
    }

    /// The messages before the prompt are the user's and the model's by turns, the last the model's.
    private static func body(of item: StreamItem) -> [UInt8] {
        let history = item.history.enumerated().map { place, text in
            ["role": (item.history.count - place).isMultiple(of: 2) ? "user" : "assistant", "content": text]
        }
        let body: [String: Any] = ["model": model, "messages": history + [["role": "user", "content": item.prompt]]]
        return (try? JSONSerialization.data(withJSONObject: body, options: [.sortedKeys])).map { Array($0) } ?? []
    }

    /// Counts what the requests came to, whichever of them ends first.
    private final class Tally: Sendable {
        fileprivate struct Known: Hashable {
            let group: String
            let history: [String]
        }

        struct State {
            var result = Result()
            var seconds = 0.0
            var begun = 0
            fileprivate var answered: Set<Known> = []
        }

        let items: [StreamItem]
        let state = Mutex(State())

        init(_ items: [StreamItem]) { self.items = items }

        /// The places of the order, each given once.
        func nextPlace() -> Int {
            state.withLock { state in
                defer { state.begun += 1 }
                return state.begun
            }
        }

        /// Whether an answer of the item's group and scope has been given.
        func isPossible(_ item: StreamItem) -> Bool {
            state.withLock { $0.answered.contains(Known(group: item.group, history: item.history)) }
        }

        func note(_ item: StreamItem, answeredBy source: Int?, match: String?, wasPossible: Bool) {
            state.withLock { state in
                state.result.requests += 1
                guard let source, items.indices.contains(source) else { return state.result.failed += 1 }
                switch match {
                case "exact": state.result.exact += 1
                case nil: if wasPossible { state.result.missed += 1 }
                default:
                    state.result.semantic += 1
                    if items[source].group != item.group { state.result.wrong += 1 }
                }
                // What is served again is no answer that was not there.
                if match == nil { state.answered.insert(Known(group: item.group, history: item.history)) }
            }
        }
    }
}
