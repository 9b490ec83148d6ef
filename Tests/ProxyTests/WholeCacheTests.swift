import HTTPTypes
import Cache
import Logging
@testable import Proxy
import SemanticCache
import Sharing
import Telemetry
import Testing
import TestSupport
import VectorSearch

/// Listings, exports and single entries of the whole: what is here, and what the engine has that several proxies share.
struct WholeCacheTests {
    /// A proxy as far as its desk.
    private struct Node {
        let cache: AnswerCache
        let shared: SharedCache
        let desk: CacheAdministration
        let ids: EntryIDSource
        let clock: ManualClock
        let embedder = HashingEmbedder()

        init(_ engine: MemorySharedTier.Engine, _ clock: ManualClock, node: Int) {
            self.clock = clock
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let store = FaultyStore()
            let writer = WriteBehind(store: store, interval: .seconds(3600), limit: 10_000, logger: logger)
            cache = AnswerCache(
                index: FlatIndex(dimension: embedder.dimension), fingerprint: embedder.fingerprint, writer: writer, store: store,
                metrics: ProxyMetrics(), clock: clock,
                limits: CacheLimits(entries: 10_000, memoryBytes: .max, diskBytes: .max, staleWindow: .zero, keepsAnswersOnDisk: true))
            ids = EntryIDSource(clock: clock, node: EntryIDSource.Node(node) ?? .drawn())
            shared = SharedCache(
                tier: MemorySharedTier(engine), sealing: SharedSealing(tenancyKey: Array("a tenancy key of some length".utf8), encryptionKey: nil),
                cache: cache, store: store, ids: ids, embedder: embedder, metrics: SharedTierMetrics(), clock: clock, logger: logger,
                options: SharedOptions(kind: "memory", lookupTimeout: .seconds(600)))
            desk = CacheAdministration(cache: cache, embedder: embedder, shared: shared, clock: clock)
        }

        @discardableResult
        func keep(_ question: String, model: String = "m") -> EntryID {
            let number = question.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFF_FFFF }
            let entry = Entry(
                id: ids.next(), key: CacheKey(Sample.digest(number)), scope: Scope(Sample.digest(1)), tenant: TenantID(Sample.digest(2)),
                namespace: "", endpoint: .chatCompletions, model: model, tags: [], query: question,
                answer: Answer(
                    recording: .message(Array("answer to \(question)".utf8)), fields: [:], usage: nil, upstreamTime: .zero),
                createdAt: clock.now(), expiresAt: clock.now() + .seconds(3600))
            let vector = try? embedder.outcome(of: question).get()
            cache.insert(
                CacheRecord(entry: entry, embedding: vector.map { StoredEmbedding(vector: $0, fingerprint: embedder.fingerprint) }), since: nil)
            return entry.id
        }

        /// Page by page.
        func listed(_ selector: EntrySelector = EntrySelector(), limit: Int = 3, isLocal: Bool = false) async throws -> [String] {
            var (queries, place): ([String], CacheAdministration.Place?) = ([], nil)
            repeat {
                let page = try await desk.list(selector, after: place, limit: limit, isLocal: isLocal)
                #expect(page.entries.count <= limit)
                queries += page.entries.map(\.query)
                // As it goes over the wire.
                place = try page.next.map { try #require(CacheAdministration.Place($0.description)) }
            } while place != nil
            return queries
        }
    }

    private let clock = ManualClock()
    private let engine: MemorySharedTier.Engine

    init() { engine = MemorySharedTier.Engine(clock: clock) }

    private func nodes() async -> (Node, Node) {
        let (one, two) = (Node(engine, clock, node: 1), Node(engine, clock, node: 2))
        await one.shared.turn()
        await two.shared.turn()
        return (one, two)
    }

    private static let questions = (0..<8).map { "question \($0) about the weather" }

    @Test func aListingHasWhatAllHaveAndEachOnce() async throws {
        let (one, two) = await nodes()
        for (number, question) in Self.questions.enumerated() { (number.isMultiple(of: 2) ? one : two).keep(question) }
        // Not given to the engine yet: each has its own part alone.
        #expect(try await one.listed().sorted() == Self.questions.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element))
        await one.shared.turn()
        await two.shared.turn()
        one.keep("one more that waits")
        for limit in [1, 3, 100] {
            #expect(try await one.listed(limit: limit).sorted() == (Self.questions + ["one more that waits"]).sorted(), "\(limit)")
            #expect(try await two.listed(limit: limit).sorted() == Self.questions.sorted(), "\(limit)")
        }
        #expect(try await two.listed(isLocal: true).count == 4)
        var selector = EntrySelector()
        selector.similarTo = Self.questions[3]
        selector.threshold = 0.999
        #expect(try await one.listed(selector) == [Self.questions[3]])
    }

    @Test func anEntryIsFoundWhoeverMadeIt() async throws {
        let (one, two) = await nodes()
        let id = one.keep(Self.questions[0])
        await one.shared.turn()
        #expect(await two.desk.entry(id, isLocal: false)?.query == Self.questions[0])
        #expect(await two.desk.entry(id, isLocal: true) == nil)
        #expect(await one.desk.entry(id, isLocal: true)?.query == Self.questions[0])
    }

    @Test func whatGoesOutIsTheWholeWithItsVectors() async throws {
        let (one, two) = await nodes()
        for question in Self.questions { one.keep(question) }
        await one.shared.turn()
        two.keep("one more that waits", model: "n")
        func out(_ selector: EntrySelector) async throws -> (count: Int, records: [CacheRecord]) {
            var outflow = try #require(try await two.desk.outflow(selector))
            var records: [CacheRecord] = []
            while let piece = try await outflow.next() { records += piece }
            return (outflow.count, records)
        }
        let all = try await out(EntrySelector())
        #expect(all.count == 9 && all.records.map(\.entry.query).sorted() == (Self.questions + ["one more that waits"]).sorted())
        #expect(all.records.allSatisfy { $0.embedding != nil && $0.entry.answer.recording.byteCount > 0 })
        var selector = EntrySelector()
        selector.model = "n"
        let some = try await out(selector)
        #expect(some.count == 1 && some.records.map(\.entry.query) == ["one more that waits"])
    }

    @Test func whileTheEngineIsAwayTheWholeIsWhatIsHere() async throws {
        let (one, two) = await nodes()
        one.keep(Self.questions[0])
        two.keep(Self.questions[1])
        await one.shared.turn()
        await two.shared.turn()
        let page = try await two.desk.list(EntrySelector(), after: nil, limit: 1, isLocal: false)
        engine.setFault(.refused("gone"))
        await #expect(throws: AdministrationError.self) { try await two.desk.list(EntrySelector(), after: page.next, limit: 1, isLocal: false) }
        for _ in 0..<20 where two.shared.isAsked { await two.shared.turn() }
        #expect(!two.shared.isAsked)
        #expect(try await two.listed() == [Self.questions[1]])
        if try await two.desk.outflow(EntrySelector()) != nil { Issue.record("an engine that is away gives nothing") }
    }
}
