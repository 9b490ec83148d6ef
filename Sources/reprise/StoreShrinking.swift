import Logging
import SemanticCache
import ServiceLifecycle
import Storage

/// Gives room in the store's file that is not needed any more back to the disk, behind the requests.
struct StoreShrinking: Service {
    let store: any CacheStore
    /// What the file should not exceed, in bytes.
    let limit: Int
    let logger: Logger

    func run() async throws {
        guard let store = store as? SQLiteStore else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown { [limit, logger] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(5))
                guard !Task.isCancelled else { return }
                do throws(StoreError) {
                    let bytes = try await store.shrink(to: limit)
                    if bytes > 0 { logger.info("free room of the store was given back to the disk", metadata: ["bytes": "\(bytes)"]) }
                } catch {
                    // Whoever writes meets the same fault, and says so where it is looked for.
                    logger.debug("the store's file could not be made smaller", metadata: ["reason": "\(error)"])
                }
            }
        }
    }
}
