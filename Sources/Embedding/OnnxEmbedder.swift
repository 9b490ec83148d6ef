import Foundation
package import SemanticCache

/// A sentence model on ONNX Runtime, in the process.
///
/// The model is loaded twice: what a request waits for and what nobody waits for have a thread and a session each, so that neither a lock nor a long text
/// of the latter ever stands before the former.
package final class OnnxEmbedder: Embedder {
    package typealias Outcome = Result<UnitVector, ModelRefusal>

    package let dimension: Int
    package let fingerprint: String
    package let maximumBatchSize = 64
    /// ONNX Runtime's version, for people.
    package let runtimeVersion: String

    /// What one run of the model gives.
    struct Reading: Sendable {
        let vector: UnitVector
        let states: TokenStates
    }

    /// A text to be read.
    private struct Text: Sendable {
        let ids: [Int64]
        /// Whether a verifier may soon read it again.
        let keepsStates: Bool
    }

    /// The states that are kept for a verifier.
    let readStates: TokenStatesCache
    private let tokenizer: WordPieceTokenizer
    private let thread: Reader
    /// Runs what nobody waits for, on one processor at most.
    private let idle: Reader

    private typealias Reader = InferenceThread<Text, Result<Reading, ModelRefusal>, ModelError>
    private typealias Submitted = (text: Text?, pending: Pending<Result<Reading, ModelRefusal>, ModelError>)

    /// The most tokens of one text, special tokens included: what the model was trained with.
    private static let window = 256

    /// Opens the runtime, loads the model and starts the threads.
    ///
    /// - Parameters:
    ///   - threads: compute one text together; one is best where requests come side by side.
    ///   - statesMemory: the bytes that the states of texts read lately may take, for a verifier; zero keeps none.
    package init(_ folder: ModelFolder, threads: Int, statesMemory: Int) throws(ModelError) {
        tokenizer = try folder.tokenizer(limit: Self.window)
        let session = try folder.session(model: folder.file("model.onnx"), threads: threads)
        let idleSession: OnnxSession
        do throws(ModelError) { idleSession = try folder.session(model: folder.file("model.onnx"), threads: 1) } catch {
            session.unload()
            throw error
        }
        let dimension = folder.dimension
        let readStates = TokenStatesCache(limit: statesMemory)
        self.dimension = dimension
        self.readStates = readStates
        runtimeVersion = session.version
        fingerprint = "\(folder.name) \(folder.vectorsDigest.prefix(16)) mean \(dimension)"
        let read: @Sendable (OnnxSession, Text) throws(OnnxSession.Fault) -> Result<Reading, ModelRefusal> = {
            (session, text) throws(OnnxSession.Fault) in
            let reading = try session.read(text.ids, dimension: dimension)
            if text.keepsStates, case .success(let read) = reading { readStates.keep(read.states, of: text.ids) }
            return reading
        }
        thread = InferenceThread(name: "embedder", session: session, run: read)
        idle = InferenceThread(name: "idle embedder", place: .idleTime, session: idleSession, run: read)
    }

    package func embed(_ texts: [String]) async throws(ModelError) -> [Outcome] {
        try await vectors(submit(texts, keepsReading: true, to: thread).map(\.pending))
    }

    package func embedInBackground(_ texts: [String], keepsReading: Bool, urgency: Urgency) async throws(ModelError) -> [Outcome] {
        // A machine without any idle time must not leave the cache without vectors.
        let submitted = submit(texts, keepsReading: keepsReading, to: idle.isStarved() ? thread : idle)
        // Whichever of the two threads comes to a text first makes its vector; the other passes it over.
        urgency.onRaise { [thread] in
            for (text, pending) in submitted where !pending.isResolved { if let text { thread.submit(text, for: pending) } }
        }
        return try await vectors(submitted.map(\.pending))
    }

    /// All are queued before the first is waited for, so that a batch costs one hand-over.
    private func submit(_ texts: [String], keepsReading: Bool, to thread: Reader) -> [Submitted] {
        texts.map { text in
            switch tokenizer.ids(of: text) {
            case .success(let ids):
                let text = Text(ids: ids, keepsStates: keepsReading)
                return (text, thread.submit(text))
            case .failure(let refusal): return (nil, thread.known(.failure(refusal)))
            }
        }
    }

    private func vectors(_ waiting: [Pending<Result<Reading, ModelRefusal>, ModelError>]) async throws(ModelError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(waiting.count)
        for pending in waiting { outcomes.append(try await pending.value().get().map(\.vector)) }
        return outcomes
    }

    /// The states of token ids, those of a text that was read lately without a run.
    func states(of ids: [Int64]) async throws(ModelError) -> Result<TokenStates, ModelRefusal> {
        if let states = readStates.states(of: ids) { return .success(states) }
        return try await thread.submit(Text(ids: ids, keepsStates: true)).value().get().map(\.states)
    }

    /// ``states(of:)`` for tools that serve nobody meanwhile: blocks the calling thread.
    func statesBlocking(of ids: [Int64]) -> TokenStates? {
        if let states = readStates.states(of: ids) { return states }
        guard case .success(.success(let reading)) = thread.submit(Text(ids: ids, keepsStates: true)).wait() else { return nil }
        return reading.states
    }

    /// Drops what is kept for a verifier.
    package func forgetStates() { readStates.removeAll() }

    package func readWords(in text: String) -> [ReadWord] { tokenizer.readWords(in: text) }

    /// Ends the threads and unloads the model. Texts that wait are refused.
    package func close() async {
        await thread.close()
        await idle.close()
    }
}

extension OnnxSession {
    /// One run of the embedding model: the text's vector and its tokens' states.
    fileprivate func read(_ ids: [Int64], dimension: Int) throws(Fault) -> Result<OnnxEmbedder.Reading, ModelRefusal> {
        let embedding = OnnxTensor("embedding", roomFor: Float.self, shape: [1, dimension])
        let states = OnnxTensor("states", roomFor: UInt8.self, shape: [1, ids.count, dimension])
        let present = [Int64](repeating: 1, count: ids.count)
        try run(
            [OnnxTensor("input_ids", ids, shape: [1, ids.count]), OnnxTensor("attention_mask", present, shape: [1, ids.count])],
            into: [embedding, states])
        guard let vector = UnitVector(normalizing: embedding.values()) else { return .failure(.notFinite) }
        return .success(.init(vector: vector, states: TokenStates(tokenCount: ids.count, bytes: states.values())))
    }
}
