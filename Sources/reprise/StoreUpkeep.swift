import Cache
import Logging
import SemanticCache
import ServiceLifecycle
import Storage

/// Keeps what the store takes of the disk within its limit, behind the requests and also when none come: folds the log, gives room in the file that is
/// not needed any more back to the disk, and tells the cache what its entries take in truth.
struct StoreUpkeep: Service {
    let store: any CacheStore
    let writer: WriteBehind
    let cache: AnswerCache
    /// What rows and snapshot should not exceed, in bytes: the cache's limit. Free pages and the log take the rest of what the files may.
    let limit: Int
    let logger: Logger

    /// What a look saw of the store.
    struct Sight: Equatable, Sendable {
        let writes, snapshotBytes: Int
    }

    /// Beyond this the log is folded while there is writing, too.
    private var logLimit: Int { min(4 << 20, limit / 16) }

    func run() async throws {
        guard let store = store as? SQLiteStore else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown { [self] in
            var seen: Sight?
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                guard !Task.isCancelled else { return }
                do throws(StoreError) { seen = try await look(at: store, since: seen) } catch {
                    // Whoever writes meets the same fault, and says so where it is looked for.
                    logger.debug("the store's files could not be made smaller", metadata: ["reason": "\(error)"])
                }
            }
        }
    }

    /// One look, after one that saw `former`.
    func look(at store: SQLiteStore, since former: Sight?) async throws(StoreError) -> Sight {
        let sight = Sight(writes: store.writeCount, snapshotBytes: store.snapshotBytes)
        let log = store.logBytes
        // While writing pauses all of it; else what is worth the waiting for the disk.
        if log > logLimit || log > 0 && sight.writes == former?.writes { _ = try await store.foldLog() }
        guard sight != former else { return sight }
        // Rows that wait to come or to go would be in one of the two numbers alone.
        if writer.depth == 0 {
            let used = try await store.usedBytes()
            if writer.depth == 0, store.writeCount == sight.writes { await cache.noteDiskUse(used) }
        }
        let bytes = try await store.shrink(to: limit, atLeast: min(4 << 20, limit / 32))
        if bytes > 0 { logger.info("free room of the store was given back to the disk", metadata: ["bytes": "\(bytes)"]) }
        return sight
    }
}
