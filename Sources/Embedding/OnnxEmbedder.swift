import Foundation
package import SemanticCache

/// A sentence model on ONNX Runtime, in the process.
package final class OnnxEmbedder: Embedder {
    package typealias Outcome = Result<UnitVector, ModelRefusal>

    package let dimension: Int
    package let fingerprint: String
    package let maximumBatchSize = 64
    /// ONNX Runtime's version, for people.
    package let runtimeVersion: String

    private let tokenizer: WordPieceTokenizer
    private let thread: InferenceThread<[Int64], Outcome, ModelError>

    /// The most tokens of one text, special tokens included: what the model was trained with.
    private static let window = 256

    /// Opens the runtime, loads the model and starts the thread.
    ///
    /// - Parameter threads: compute one text together; one is best where requests come side by side.
    package init(_ folder: ModelFolder, threads: Int = 1) throws(ModelError) {
        tokenizer = try folder.tokenizer(limit: Self.window)
        let session = try folder.session(
            model: folder.file("model.onnx"), inputs: ["input_ids", "attention_mask"], output: "embedding", threads: threads)
        dimension = folder.dimension
        runtimeVersion = session.version
        fingerprint = "\(folder.name) \(folder.modelDigest.prefix(16)) mean \(folder.dimension)"
        thread = InferenceThread(
            name: "embedder", closed: .runtime("the embedder is closed"), cancelled: .runtime("cancelled"),
            run: { [dimension] ids in
                do throws(OnnxSession.Fault) {
                    let output = try session.run(ids + [Int64](repeating: 1, count: ids.count), count: dimension)
                    return .success(UnitVector(normalizing: output).map { .success($0) } ?? .failure(.notFinite))
                } catch {
                    return .failure(.runtime(error.message))
                }
            }, unload: { session.unload() })
    }

    package func embed(_ texts: [String]) async throws(ModelError) -> [Outcome] { try await embed(texts, inBackground: false) }

    package func embedInBackground(_ texts: [String]) async throws(ModelError) -> [Outcome] { try await embed(texts, inBackground: true) }

    private func embed(_ texts: [String], inBackground: Bool) async throws(ModelError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(texts.count)
        // All are queued before the first is waited for, so that a batch costs one hand-over.
        let waiting = texts.map { text in
            switch tokenizer.ids(of: text) {
            case .success(let ids): thread.submit(ids, inBackground: inBackground)
            case .failure(let refusal): thread.known(.failure(refusal))
            }
        }
        for pending in waiting { outcomes.append(try await pending.value().get()) }
        return outcomes
    }

    package func unreadWords(in text: String) -> [String] { tokenizer.unreadWords(in: text) }

    /// Ends the thread and unloads the model. Texts that wait are refused.
    package func close() async { await thread.close() }
}
