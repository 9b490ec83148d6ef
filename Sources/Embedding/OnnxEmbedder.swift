import COnnxRuntime
import Foundation
package import SemanticCache
import Synchronization

/// A sentence model on ONNX Runtime, in the process.
///
/// `@unchecked Sendable`: the session is used by the embedder's own thread alone; everything else that changes is under the lock.
package final class OnnxEmbedder: Embedder, @unchecked Sendable {
    package typealias Outcome = Result<UnitVector, EmbeddingRefusal>

    private struct Job {
        let ids: [Int64]
        let pending: Pending
    }

    private struct Queue {
        var jobs: ArraySlice<Job> = []
        var isClosed = false
        var hasEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    package let dimension: Int
    package let fingerprint: String
    package let maximumBatchSize = 64
    /// ONNX Runtime's version, for people.
    package let runtimeVersion: String

    private let tokenizer: WordPieceTokenizer
    private let runtime: OpaquePointer
    private let session: OpaquePointer
    private let queue = Mutex(Queue())
    private let wake = DispatchSemaphore(value: 0)

    /// The most tokens of one text, special tokens included: what the model was trained with.
    private static let window = 256

    /// Opens the runtime, loads the model and starts the thread.
    ///
    /// - Parameter threads: compute one text together; one is best where requests come side by side.
    package init(_ folder: ModelFolder, threads: Int = 1) throws(EmbedderError) {
        guard let data = FileManager.default.contents(atPath: folder.file("vocab.txt")),
            let tokenizer = WordPieceTokenizer(vocabulary: String(decoding: data, as: UTF8.self), limit: Self.window)
        else { throw .damaged(path: folder.file("vocab.txt"), expected: "a WordPiece vocabulary", found: "something else") }
        self.tokenizer = tokenizer
        var runtime: OpaquePointer?
        try Self.check(cort_open(folder.file("libonnxruntime.so"), &runtime))
        guard let runtime else { throw .runtime("no environment") }
        var session: OpaquePointer?
        do throws(EmbedderError) { try Self.check(cort_load(runtime, folder.file("model.onnx"), Int32(clamping: threads), &session)) } catch {
            cort_close(runtime)
            throw error
        }
        guard let session else { throw .runtime("no session") }
        self.runtime = runtime
        self.session = session
        dimension = folder.dimension
        runtimeVersion = String(cString: cort_version(runtime))
        fingerprint = "\(folder.name) \(folder.modelDigest.prefix(16)) mean \(folder.dimension)"
        let thread = Thread { [self] in work() }
        thread.name = "embedder"
        thread.start()
    }

    package func embed(_ texts: [String]) async throws(EmbedderError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(texts.count)
        // All are queued before the first is waited for, so that a batch costs one hand-over.
        let waiting = texts.map { text in Pending(tokenizer.ids(of: text)) }
        for pending in waiting {
            if case .success(let ids) = pending.ids { enqueue(Job(ids: ids, pending: pending)) }
        }
        for pending in waiting { outcomes.append(try await pending.value().get()) }
        return outcomes
    }

    /// Ends the thread and unloads the model. Texts that wait are refused.
    package func close() async {
        await withCheckedContinuation { continuation in
            let hasEnded = queue.withLock { queue in
                queue.isClosed = true
                if !queue.hasEnded { queue.closers.append(continuation) }
                return queue.hasEnded
            }
            if hasEnded { continuation.resume() } else { wake.signal() }
        }
    }

    private func enqueue(_ job: Job) {
        let isClosed = queue.withLock { queue in
            if !queue.isClosed { queue.jobs.append(job) }
            return queue.isClosed
        }
        if isClosed { job.pending.resolve(.failure(.runtime("the embedder is closed"))) } else { wake.signal() }
    }

    // MARK: The thread

    private func work() {
        while true {
            wake.wait()
            let (job, isClosed) = queue.withLock { ($0.jobs.popFirst(), $0.isClosed) }
            if isClosed {
                job?.pending.resolve(.failure(.runtime("the embedder is closed")))
                break
            }
            // Nobody waits any more for what was cancelled: its turn costs nothing.
            if let job, !job.pending.isResolved { job.pending.resolve(run(job.ids)) }
        }
        let (jobs, closers) = queue.withLock { queue in
            queue.hasEnded = true
            defer { (queue.jobs, queue.closers) = ([], []) }
            return (queue.jobs, queue.closers)
        }
        for job in jobs { job.pending.resolve(.failure(.runtime("the embedder is closed"))) }
        cort_unload(session)
        cort_close(runtime)
        for closer in closers { closer.resume() }
    }

    private func run(_ ids: [Int64]) -> Result<Outcome, EmbedderError> {
        var output = [Float](repeating: 0, count: dimension)
        let mask = [Int64](repeating: 1, count: ids.count)
        do throws(EmbedderError) { try Self.check(cort_run(session, ids, mask, 1, ids.count, &output, dimension)) } catch { return .failure(error) }
        return .success(UnitVector(normalizing: output).map { .success($0) } ?? .failure(.notFinite))
    }

    private static func check(_ message: UnsafeMutablePointer<CChar>?) throws(EmbedderError) {
        guard let message else { return }
        defer { cort_free(message) }
        throw .runtime(String(cString: message))
    }
}

/// One text on its way through the thread. The first resolution counts; cancelling who waits is one.
private final class Pending: Sendable {
    private struct State {
        var result: Result<OnnxEmbedder.Outcome, EmbedderError>?
        var waiter: CheckedContinuation<Result<OnnxEmbedder.Outcome, EmbedderError>, Never>?
    }

    let ids: Result<[Int64], EmbeddingRefusal>
    private let state: Mutex<State>

    init(_ ids: Result<[Int64], EmbeddingRefusal>) {
        self.ids = ids
        if case .failure(let refusal) = ids { state = Mutex(State(result: .success(.failure(refusal)))) } else { state = Mutex(State()) }
    }

    var isResolved: Bool { state.withLock { $0.result != nil } }

    func resolve(_ result: Result<OnnxEmbedder.Outcome, EmbedderError>) {
        let waiter = state.withLock { state -> CheckedContinuation<Result<OnnxEmbedder.Outcome, EmbedderError>, Never>? in
            guard state.result == nil else { return nil }
            state.result = result
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: result)
    }

    func value() async -> Result<OnnxEmbedder.Outcome, EmbedderError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state in
                    if state.result == nil { state.waiter = continuation }
                    return state.result
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            resolve(.failure(.runtime("cancelled")))
        }
    }
}
