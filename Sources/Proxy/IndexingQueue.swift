package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization

/// Embeds entries that have no vector yet, off the path of requests: answers of requests that skipped the look-up, and rows of another embedder.
///
/// The queue is bounded; what does not fit stays exact-only until the next start.
package final class IndexingQueue: Service, Sendable {
    private struct Job: Sendable {
        let id: EntryID
        let query: String
    }

    private let cache: AnswerCache
    private let embedder: any Embedder
    private let logger: Logger
    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation
    private let pending = Mutex(0)

    /// - Parameter limit: the most entries that may wait.
    package init(cache: AnswerCache, embedder: any Embedder, limit: Int, logger: Logger) {
        self.cache = cache
        self.embedder = embedder
        self.logger = logger
        (jobs, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limit))
    }

    /// The entries that wait.
    package var depth: Int { pending.withLock { $0 } }

    /// Queues an entry; whether there was room.
    @discardableResult
    package func enqueue(_ id: EntryID, query: String) -> Bool {
        guard case .enqueued = queue.yield(Job(id: id, query: query)) else { return false }
        pending.withLock { $0 += 1 }
        return true
    }

    /// Works until shutdown; what waits then is embedded after the next start.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await job in jobs {
                defer { pending.withLock { $0 -= 1 } }
                guard cache.contains(job.id) else { continue }
                do throws(ModelError) {
                    if case .success(let vector)? = try await embedder.embedInBackground([job.query], keepsReading: true).first {
                        await cache.attach(vector, to: job.id)
                    }
                } catch {
                    logger.warning("an entry could not be embedded; it serves exact repeats only", metadata: ["reason": "\(error)"])
                }
            }
        }
    }
}
