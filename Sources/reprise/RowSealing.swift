import Logging
import SemanticCache
import ServiceLifecycle
import Storage

/// After the start, puts rows that are plain or under a former key under the current one, behind the requests.
struct RowSealing: Service {
    let store: any CacheStore
    let logger: Logger

    func run() async throws {
        guard let store = store as? SQLiteStore else { return try await gracefulShutdown() }
        do throws(StoreError) {
            let count = try await store.sealAnew()
            if count > 0 { logger.notice("rows encrypted with the current key", metadata: ["count": "\(count)"]) }
        } catch {
            logger.warning("some rows are not encrypted with the current key yet", metadata: ["reason": "\(error)"])
        }
        try await gracefulShutdown()
    }
}
