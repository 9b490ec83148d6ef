import Foundation
package import SemanticCache

/// A late-interaction cross-encoder on ONNX Runtime, in the process: it goes on where the embedder leaves off, over the tokens of both wordings at once.
///
/// Most of a wording's reading is the embedder's and was done when it was embedded, so that a pair costs two layers in place of six. Pairs run one by
/// one: the int8 graph scales its activations by what it sees, so that a pair that shared a run with others would have another logit than alone.
package final class OnnxVerifier: Verifier {
    package typealias Outcome = Result<Float, ModelRefusal>

    package let fingerprint: String
    package let dayOneCut: Float

    /// The two wordings of a pair as the embedder read them.
    private struct ReadPair: Sendable {
        let asked: TokenStates
        let cached: TokenStates
    }

    private let embedder: OnnxEmbedder
    private let tokenizer: WordPieceTokenizer
    private let thread: InferenceThread<ReadPair, Outcome, ModelError>

    /// The most tokens of a pair, special tokens included: what the weights were trained with.
    private static let window = 128

    /// Loads the model and starts the thread.
    ///
    /// Throws ``ModelError/damaged(path:expected:found:)`` also where the folder's embedding model gives states for other weights.
    ///
    /// - Parameters:
    ///   - folder: has the vocabulary and the runtime.
    ///   - model: the verifier's graph and what its manifest says.
    ///   - embedder: the folder's; reads the wordings, and must be closed after this.
    ///   - threads: compute one pair together.
    package init(_ folder: ModelFolder, _ model: VerifierModel, embedder: OnnxEmbedder, threads: Int) throws(ModelError) {
        guard model.weights == folder.statesDigest else {
            throw .damaged(
                path: model.path, expected: "weights \(folder.statesDigest.prefix(16)), as model.onnx", found: "\(model.weights.prefix(16))")
        }
        tokenizer = try folder.tokenizer(limit: Self.window)
        let session = try folder.session(model: model.path, threads: threads)
        let dimension = folder.dimension
        self.embedder = embedder
        fingerprint = model.fingerprint
        dayOneCut = model.dayOneCut
        thread = InferenceThread(name: "verifier", session: session) { (session, pair) throws(OnnxSession.Fault) in
            let logit = try session.logit(of: pair.asked, pair.cached, dimension: dimension)
            return logit.isFinite ? .success(logit) : .failure(.notFinite)
        }
    }

    package func logit(of pair: WordingPair) async throws(ModelError) -> Outcome {
        let ids: (asked: [Int64], cached: [Int64])
        switch self.ids(of: pair) {
        case .success(let found): ids = found
        case .failure(let refusal): return .failure(refusal)
        }
        switch (try await embedder.states(of: ids.asked), try await embedder.states(of: ids.cached)) {
        case (.success(let asked), .success(let cached)): return try await thread.submit(ReadPair(asked: asked, cached: cached)).value().get()
        case (.failure(let refusal), _), (_, .failure(let refusal)): return .failure(refusal)
        }
    }

    /// The logit of one pair; `nil` where it is refused or the model fails. Blocks the calling thread: for tools that serve nobody meanwhile.
    package func logitBlocking(of pair: WordingPair) -> Float? {
        guard case .success(let ids) = ids(of: pair), let asked = embedder.statesBlocking(of: ids.asked),
            let cached = embedder.statesBlocking(of: ids.cached),
            case .success(.success(let logit)) = thread.submit(ReadPair(asked: asked, cached: cached)).wait()
        else { return nil }
        return logit
    }

    /// Ends the thread and unloads the model. Pairs that wait are refused.
    package func close() async { await thread.close() }

    /// The token ids of both wordings, if they fit into the window together.
    func ids(of pair: WordingPair) -> Result<(asked: [Int64], cached: [Int64]), ModelRefusal> {
        switch (tokenizer.ids(of: pair.asked), tokenizer.ids(of: pair.cached)) {
        case (.failure(let refusal), _), (_, .failure(let refusal)): return .failure(refusal)
        case (.success(let asked), .success(let cached)):
            let count = asked.count + cached.count
            return count <= tokenizer.limit ? .success((asked, cached)) : .failure(.tooLong(tokens: count, limit: tokenizer.limit))
        }
    }
}

extension OnnxSession {
    /// One run of the verifier: the asked wording's tokens are of type 0, the cached one's of type 1.
    fileprivate func logit(of asked: TokenStates, _ cached: TokenStates, dimension: Int) throws(Fault) -> Float {
        let count = asked.tokenCount + cached.tokenCount
        let types = [Int64](repeating: 0, count: asked.tokenCount) + [Int64](repeating: 1, count: cached.tokenCount)
        let logit = OnnxTensor("logit", roomFor: Float.self, shape: [1])
        try run(
            [
                OnnxTensor("states", asked.bytes + cached.bytes, shape: [1, count, dimension]),
                OnnxTensor("token_type_ids", types, shape: [1, count]),
            ], into: [logit])
        return logit.values()[0]
    }
}
