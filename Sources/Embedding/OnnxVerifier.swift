import Foundation
package import SemanticCache

/// A cross-encoder on ONNX Runtime, in the process: both wordings in one sequence, one logit out.
///
/// Pairs of one call are handed over together and run one by one: the int8 graph scales its activations by what it sees, so that a pair that shared a run
/// with others would have another logit than alone.
package final class OnnxVerifier: Verifier {
    package typealias Outcome = Result<Float, ModelRefusal>

    package let fingerprint: String
    package let dayOneCut: Float
    package let maximumBatchSize = 8

    private let tokenizer: WordPieceTokenizer
    private let thread: InferenceThread<[Int64], Outcome, ModelError>

    /// The most tokens of a pair, special tokens included: what the weights were trained with.
    private static let window = 128

    /// Loads the model and starts the thread.
    ///
    /// - Parameters:
    ///   - folder: has the vocabulary and the runtime.
    ///   - model: the verifier's graph and what its manifest says.
    ///   - threads: compute one pair together.
    package init(_ folder: ModelFolder, _ model: VerifierModel, threads: Int = 1) throws(ModelError) {
        tokenizer = try folder.tokenizer(limit: Self.window)
        let session = try folder.session(
            model: model.path, inputs: ["input_ids", "token_type_ids", "attention_mask"], output: "logit", threads: threads)
        fingerprint = model.fingerprint
        dayOneCut = model.dayOneCut
        thread = InferenceThread(
            name: "verifier", closed: .runtime("the verifier is closed"), cancelled: .runtime("cancelled"),
            run: { values in
                do throws(OnnxSession.Fault) {
                    let logit = try session.run(values, count: 1)[0]
                    return .success(logit.isFinite ? .success(logit) : .failure(.notFinite))
                } catch {
                    return .failure(.runtime(error.message))
                }
            }, unload: { session.unload() })
    }

    package func logits(of pairs: [WordingPair]) async throws(ModelError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(pairs.count)
        let waiting = pairs.map { pair in
            switch inputs(of: pair) {
            case .success(let values): thread.submit(values)
            case .failure(let refusal): thread.known(.failure(refusal))
            }
        }
        for pending in waiting { outcomes.append(try await pending.value().get()) }
        return outcomes
    }

    /// The logit of one pair; `nil` where it is refused or the model fails. Blocks the calling thread: for tools that serve nobody meanwhile.
    package func logitBlocking(of pair: WordingPair) -> Float? {
        guard case .success(let values) = inputs(of: pair), case .success(.success(let logit)) = thread.submit(values).wait() else { return nil }
        return logit
    }

    /// Ends the thread and unloads the model. Pairs that wait are refused.
    package func close() async { await thread.close() }

    /// `[CLS] asked [SEP] cached [SEP]`: ids, then token types, 1 for the second wording, then the mask.
    func inputs(of pair: WordingPair) -> Result<[Int64], ModelRefusal> {
        var ids: [Int64] = []
        var firstCount = 0
        for (place, text) in [pair.asked, pair.cached].enumerated() {
            switch tokenizer.ids(of: text) {
            case .success(let tokens): ids += place == 0 ? tokens : Array(tokens.dropFirst())
            case .failure(.tooLong(let tokens, let limit)): return .failure(.tooLong(tokens: ids.count + tokens, limit: limit))
            case .failure(let refusal): return .failure(refusal)
            }
            if place == 0 { firstCount = ids.count }
        }
        guard ids.count <= tokenizer.limit else { return .failure(.tooLong(tokens: ids.count, limit: tokenizer.limit)) }
        let types = (0..<ids.count).map { Int64($0 < firstCount ? 0 : 1) }
        return .success(ids + types + [Int64](repeating: 1, count: ids.count))
    }
}
