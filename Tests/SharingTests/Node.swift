import Cache
import HTTPTypes
import Logging
import SemanticCache
import Sharing
import Synchronization
import Telemetry
import TestSupport
import VectorSearch

/// A moment that stands still until a test moves it.
final class ManualInstant: Sendable {
    private let instant = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { instant.withLock { $0 } }

    func advance(by duration: Duration) { instant.withLock { $0 += duration } }
}

/// A proxy as far as its cache: with a store of its own, at an engine that others use, too.
final class Node: Sendable {
    static let tenancyKey = Array("a tenancy key of some length".utf8)

    let tier: ScriptedTier
    let clock: ManualClock
    let instant: ManualInstant
    let store: FaultyStore
    let writer: WriteBehind
    let cache: AnswerCache
    let metrics = SharedTierMetrics()
    let ids: EntryIDSource
    let shared: SharedCache
    let embedder = HashingEmbedder()
    let removed = Mutex<[EntryMetadata]?>([])

    init(
        _ engine: MemorySharedTier.Engine, store: FaultyStore = FaultyStore(), clock: ManualClock = ManualClock(),
        instant: ManualInstant = ManualInstant(), tenancyKey: [UInt8] = Node.tenancyKey, encryptionKey: String? = "an encryption key of some length",
        node: Int? = nil, adjust: (inout SharedOptions) -> Void = { _ in }
    ) {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        tier = ScriptedTier(engine)
        self.clock = clock
        self.instant = instant
        self.store = store
        writer = WriteBehind(store: store, interval: .seconds(3600), limit: 10_000, logger: logger)
        cache = AnswerCache(
            index: FlatIndex(dimension: embedder.dimension), fingerprint: embedder.fingerprint, writer: writer, store: store, metrics: ProxyMetrics(),
            clock: clock,
            limits: CacheLimits(entries: 10_000, memoryBytes: .max, diskBytes: .max, staleWindow: .zero, keepsAnswersOnDisk: true))
        ids = EntryIDSource(clock: clock, node: node.flatMap { EntryIDSource.Node($0) } ?? .drawn())
        var options = SharedOptions(kind: "memory", lookupTimeout: .seconds(600))
        options.callTimeout = .seconds(600)
        adjust(&options)
        shared = SharedCache(
            tier: tier, sealing: SharedSealing(tenancyKey: tenancyKey, encryptionKey: encryptionKey), cache: cache, store: store, ids: ids,
            embedder: embedder, metrics: metrics, clock: clock, logger: logger, options: options, instant: { [instant] in instant.now })
    }

    /// Brings back what the store holds, as a start does.
    func restore() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let restorer = EntryRestorer(
            store: store, cache: cache, indexing: nil, fingerprint: embedder.fingerprint, clock: clock, logger: logger)
        _ = await restorer.begin(for: .seconds(600))
        await restorer.restoreAll()
    }

    /// An answer to a question, as a call brings it; with its vector, unless only exact repeats may find it.
    @discardableResult
    func keep(
        _ question: String, scope: Int? = 1, tenant: Int = 1, namespace: String = "", model: String = "m", tags: [String] = [],
        life: Duration = .seconds(3600),
        answer: String? = nil, since mark: Flushes.Mark? = nil
    ) -> Entry {
        let key = Node.key(question, scope, tenant, namespace, model)
        let now = clock.now()
        let entry = Entry(
            id: ids.next(), key: key, scope: scope.map { Node.scope($0, tenant, namespace, model) }, tenant: Node.tenant(tenant),
            namespace: namespace,
            endpoint: .chatCompletions, model: model, tags: tags, query: question,
            answer: Answer(
                recording: .message(Array((answer ?? "answer to \(question)").utf8)), fields: [.contentType: "application/json"],
                usage: TokenUsage(prompt: 1, completion: 2), upstreamTime: .milliseconds(900)),
            createdAt: now, expiresAt: now + life)
        let vector = try? embedder.outcome(of: question).get()
        let embedding = scope == nil ? nil : vector.map { StoredEmbedding(vector: $0, fingerprint: embedder.fingerprint) }
        cache.insert(CacheRecord(entry: entry, embedding: embedding), since: mark)
        return entry
    }

    /// What this proxy's cache itself serves for a key.
    func local(_ entry: Entry) async -> Entry? {
        await cache.entry(for: entry.key).flatMap { $0.isExpired(at: clock.now()) ? nil : $0 }
    }

    /// What the engine gives for a key.
    func fetch(_ entry: Entry) async -> Entry? { await shared.glimpse(of: entry.key, in: entry.scope, isKept: true).entry }

    /// What the engine gives for another wording.
    func reword(_ question: String, of entry: Entry) async -> Entry? {
        guard let scope = entry.scope, let vector = try? embedder.outcome(of: question).get() else { return nil }
        let found = await shared.nearest(to: vector, in: scope, count: 8, isCounted: true)
        guard let best = found.first(where: { $0.similarity > 0.9 }) else { return nil }
        return await shared.entry(best.entry, isKept: true)
    }

    static func key(_ question: String, _ scope: Int?, _ tenant: Int, _ namespace: String, _ model: String) -> CacheKey {
        CacheKey(Sample.digest("\(question)/\(scope ?? -1)/\(tenant)/\(namespace)/\(model)".stableHash))
    }

    static func scope(_ number: Int, _ tenant: Int, _ namespace: String, _ model: String) -> Scope {
        Scope(Sample.digest("scope \(number)/\(tenant)/\(namespace)/\(model)".stableHash))
    }

    static func tenant(_ number: Int) -> TenantID { TenantID(Sample.digest(1_000_000 + number)) }
}

extension String {
    fileprivate var stableHash: Int {
        Int(truncatingIfNeeded: utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 })
    }
}
