import Cache
import Logging
import Proxy
import SemanticCache
import Synchronization
import Telemetry
import Testing
import TestSupport

/// Embedding behind the requests.
struct IndexingQueueTests {
    /// Notes how many texts it is given at once, and how many of them are to be kept for a verifier; fails on one of them.
    private final class Recorder: Embedder {
        private let base = HashingEmbedder()
        private let failing: String?
        private let given = Mutex<[Int]>([])
        private let keeping = Mutex(0)

        init(failing: String? = nil) { self.failing = failing }

        var dimension: Int { base.dimension }
        var fingerprint: String { base.fingerprint }
        var maximumBatchSize: Int { base.maximumBatchSize }
        /// The number of texts of each call.
        var calls: [Int] { given.withLock { $0 } }
        var kept: Int { keeping.withLock { $0 } }

        func embed(_ texts: [String]) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>] { try await base.embed(texts) }

        func embedInBackground(_ texts: [String], keepsReading: Bool, urgency: Urgency) async throws(ModelError) -> [Result<UnitVector, ModelRefusal>]
        {
            given.withLock { $0.append(texts.count) }
            if keepsReading { keeping.withLock { $0 += texts.count } }
            if let failing, texts.contains(failing) { throw .runtime("as scripted") }
            return try await base.embed(texts)
        }
    }

    /// A hundred entries without a vector, queued.
    private func bench(_ recorder: Recorder) -> (ProxyBench, IndexingQueue) {
        let bench = ProxyBench(embedder: recorder)
        let queue = IndexingQueue(
            cache: bench.cache, embedder: recorder, limit: 100, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        for number in 1...100 {
            bench.cache.insert(Sample.record(number))
            queue.enqueue(EntryID(rawValue: Int64(number)), query: "question \(number)")
        }
        return (bench, queue)
    }

    private func settle(_ queue: IndexingQueue) async throws {
        for _ in 0..<1000 where queue.depth > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(queue.depth == 0)
    }

    @Test func whatWaitsIsEmbeddedInBatches() async throws {
        let recorder = Recorder()
        let (bench, queue) = bench(recorder)
        #expect(queue.depth == 100)
        #expect(!queue.enqueue(EntryID(rawValue: 101), query: "one too many"))
        bench.cache.remove([EntryID(rawValue: 1)], as: .flushed)
        let working = Task { try await queue.run() }
        defer { working.cancel() }
        try await settle(queue)
        #expect(bench.cache.searchableCount == 99)
        #expect(recorder.calls.reduce(0, +) == 99 && recorder.calls.count < 10)
        #expect(recorder.kept < 16, "many at once leave room for what is asked now")
        // What comes later is taken as well.
        bench.cache.insert(Sample.record(200))
        queue.enqueue(EntryID(rawValue: 200), query: "question 200")
        try await settle(queue)
        #expect(bench.cache.searchableCount == 100)
    }

    @Test func aTextThatTheModelFailsOnCostsNoOther() async throws {
        let (bench, queue) = bench(Recorder(failing: "question 7"))
        let working = Task { try await queue.run() }
        defer { working.cancel() }
        try await settle(queue)
        #expect(bench.cache.searchableCount == 99)
        #expect(bench.cache.metadata(EntryID(rawValue: 7)) != nil)
    }
}
