// Sharing: several proxies, one cache.
//
// `SharedCache` stands between a proxy's own cache and an engine that others use as well. It puts there what is made here, gives what is found there, and
// sees to it that what is flushed on one proxy is served by none.
//
// Invariants
// - Nothing that comes from the engine is served unless its row opens, says what it stands for, and no event of the journal means it that this proxy could
//   know of when it asked (`JournalHistory`). Whether the engine was rid of it in time does not matter.
// - A flush, a removal and a verdict are in the journal, or durable here, before their call returns; and until the journal has them all, this proxy asks the
//   engine for nothing.
// - No fault of the engine costs a request more than the time limit, and none that comes while the breaker is open costs anything.
// - Nothing that was made here is lost to the engine because it was away: the local cache and its store know what it has not taken (`EntrySharing`).
//
// Left out: what an engine is (`SharedTier`), what may be served (`Proxy`, `Matching`).

package import Cache
package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization
package import Telemetry

/// What several proxies share, as one of them sees it.
package final class SharedCache: Service, Sendable {
    struct State {
        /// Whether the engine was brought up to date with this proxy and this proxy with it, so that it may be asked.
        var isOpen = false
        /// What the log was told last.
        var fault: String?
        var node: Int?
        var leaseDue: ContinuousClock.Instant?
        /// The next part of the cache to be looked through for entries that the engine has not taken; `nil` when all were.
        var nextPart: Int?
        /// Whether that is everything, so that it is done slowly.
        var isRefilling = false
        var batch: [EntryID] = []
        var sweeps: [Sweep] = []
        var hasBegun = false
    }

    /// A flush that the engine is to be rid of once more, when calls that were under way have ended.
    struct Sweep {
        let due: ContinuousClock.Instant
        let event: JournalEvent
        let number: Int64
    }

    let link: EngineLink
    let sealing: SharedSealing
    let cache: AnswerCache
    let store: any CacheStore
    let ids: EntryIDSource
    let embedder: (any Embedder)?
    let metrics: SharedTierMetrics
    let clock: any WallClock
    let logger: Logger
    let options: SharedOptions
    let reader: JournalReader
    let own: OwnEvents
    let outbox: Outbox
    let instant: @Sendable () -> ContinuousClock.Instant
    /// Names this process to the engine.
    let owner: String
    let state = Mutex(State())
    /// One event is said at a time, and none while the engine is brought up to date.
    let eventGate = EventGate()
    let turnGate = EventGate()
    /// Rung when there is something to do.
    let bell = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - store: where the local cache's entries are; what must not be lost while the engine is away is kept there.
    ///   - ids: mints as the node that the engine leaves to this process.
    ///   - embedder: `nil` shares exact repeats alone.
    ///   - instant: reads the clock that time limits of nobody's waiting go by.
    ///   - onRemoval: told of the entries that go because another proxy says so, before they do; `nil` stands for all.
    package init(
        tier: any SharedTier, sealing: SharedSealing, cache: AnswerCache, store: any CacheStore, ids: EntryIDSource, embedder: (any Embedder)?,
        metrics: SharedTierMetrics, clock: any WallClock, logger: Logger, options: SharedOptions,
        instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        onRemoval: @escaping @Sendable (_ entries: [EntryMetadata]?) -> Void = { _ in }
    ) {
        link = EngineLink(tier, patience: options.callTimeout, instant: instant)
        self.sealing = sealing
        self.cache = cache
        self.store = store
        self.ids = ids
        self.embedder = embedder
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
        self.options = options
        self.instant = instant
        reader = JournalReader(
            link: link, sealing: sealing, cache: cache, fingerprint: embedder?.fingerprint, logger: logger, onRemoval: onRemoval)
        own = OwnEvents(store: store, sealing: sealing, clock: clock, logger: logger)
        outbox = Outbox(limit: options.waitingBytes)
        owner = StoreGeneration.freshLineage()
        cache.share(through: self)
    }

    /// Whether look-ups ask the engine. Does not block.
    package var isAsked: Bool { state.withLock { $0.isOpen } && link.isClosed }

    /// What the engine is and holds; throws when it does not say.
    package func describe() async throws(SharedTierError) -> SharedDescription {
        try await link.call(isTrial: true) { (tier, _) throws(SharedTierError) in try await tier.describe() }
    }

    /// Rows and events of the engine that could not be read since the start.
    package var unreadable: Int { reader.unreadable }
}

extension SharedCache: SharedOutlet {
    package func added(_ record: CacheRecord) {
        outbox.add(record)
        // At once, so that nobody who looks takes what waits for brought over.
        metrics.setWaiting(cache.waitingCount)
        bell.continuation.yield()
    }

    package func unreach(_ entry: EntryMetadata) async {
        guard entry.scope != nil else { return }
        await say(.unreach([JournalEvent.Named(key: entry.key, id: entry.id)]))
    }

    package func metadata(_ id: EntryID) async -> EntryMetadata? { await find(id)?.opened.metadata }
}
