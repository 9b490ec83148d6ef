import DequeModule
package import Logging
package import SemanticCache
import ServiceLifecycle
import Synchronization

/// Embeds entries that have no vector yet, off the path of requests: answers of requests that skipped the look-up, and rows of another embedder.
///
/// The queue is bounded; what does not fit stays exact-only until the next start. Some are handed to the embedder together, which saves the hand-over of
/// each; it takes them in the background one by one, so that a request waits for one of them at the most.
package final class IndexingQueue: Service, Sendable {
    private struct Job: Sendable {
        let id: EntryID
        let query: String
    }

    private struct State {
        var jobs: Deque<Job> = []
        /// How many are being worked on.
        var underway = 0
    }

    /// What else works in the background waits for as many.
    private static let batchSize = 16

    private let cache: AnswerCache
    private let embedder: any Embedder
    private let limit: Int
    private let logger: Logger
    private let state = Mutex(State())
    /// One signal, however many jobs came: after it the queue is looked at until it is empty.
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// - Parameter limit: the most entries that may wait.
    package init(cache: AnswerCache, embedder: any Embedder, limit: Int, logger: Logger) {
        self.cache = cache
        self.embedder = embedder
        self.limit = limit
        self.logger = logger
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The entries that wait.
    package var depth: Int { state.withLock { $0.jobs.count + $0.underway } }

    /// Queues an entry; whether there was room.
    @discardableResult
    package func enqueue(_ id: EntryID, query: String) -> Bool {
        let isQueued = state.withLock { state in
            guard state.jobs.count < limit else { return false }
            state.jobs.append(Job(id: id, query: query))
            return true
        }
        if isQueued { signal.yield() }
        return isQueued
    }

    /// Works until shutdown; what waits then is embedded after the next start.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            for await _ in signals {
                while !Task.isCancelled, case let batch = take(), !batch.isEmpty {
                    await index(batch)
                    state.withLock { $0.underway = 0 }
                }
            }
        }
    }

    private func take() -> [Job] {
        state.withLock { state in
            let batch = Array(state.jobs.prefix(min(Self.batchSize, max(1, embedder.maximumBatchSize))))
            state.jobs.removeFirst(batch.count)
            state.underway = batch.count
            return batch
        }
    }

    private func index(_ batch: [Job]) async {
        let jobs = batch.filter { cache.contains($0.id) }
        guard !jobs.isEmpty else { return }
        // A store that is embedded anew would push out what was read of the questions that are asked now.
        let isFew = batch.count < Self.batchSize
        do throws(ModelError) {
            let outcomes = try await embedder.embedInBackground(jobs.map(\.query), keepsReading: isFew)
            for (job, outcome) in zip(jobs, outcomes) {
                if case .success(let vector) = outcome { await cache.attach(vector, to: job.id) }
            }
        } catch {
            guard !Task.isCancelled else { return }
            guard jobs.count == 1 else {
                // What the model fails on costs the others nothing.
                for job in jobs { await index([job]) }
                return
            }
            logger.warning("an entry could not be embedded; it serves exact repeats only", metadata: ["reason": "\(error)"])
        }
    }
}
