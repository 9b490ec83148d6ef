import COnnxRuntime
import Foundation

/// A model on ONNX Runtime, in the process.
///
/// `@unchecked Sendable`: after `init` only the one thread that owns the session calls it.
final class OnnxSession: @unchecked Sendable {
    /// What the runtime said when it refused or failed.
    struct Fault: Error {
        let message: String
    }

    /// The runtime's version, for people.
    let version: String

    private let runtime: OpaquePointer
    private let session: OpaquePointer
    /// - Parameter threads: compute one call together; no more than the machine has processors.
    init(library: String, model: String, threads: Int) throws(Fault) {
        var runtime: OpaquePointer?
        try Self.check(cort_open(library, &runtime))
        guard let runtime else { throw Fault(message: "no environment") }
        var session: OpaquePointer?
        do throws(Fault) {
            try Self.check(cort_load(runtime, model, Int32(clamping: min(threads, ProcessInfo.processInfo.activeProcessorCount)), &session))
        } catch {
            cort_close(runtime)
            throw error
        }
        guard let session else { throw Fault(message: "no session") }
        self.runtime = runtime
        self.session = session
        version = String(cString: cort_version(runtime))
    }

    /// Runs the model on `inputs` and writes what it gives into `outputs`, whose names and shapes say what is wanted.
    func run(_ inputs: [OnnxTensor], into outputs: [OnnxTensor]) throws(Fault) {
        let tensors = inputs + outputs
        let shapes = tensors.flatMap(\.shape)
        let message = shapes.withUnsafeBufferPointer { shapes -> UnsafeMutablePointer<CChar>? in
            var rest = shapes.baseAddress
            let all = tensors.map { tensor in
                defer { rest = rest.map { $0 + tensor.shape.count } }
                return cort_tensor(
                    name: UnsafeRawPointer(tensor.name.utf8Start).assumingMemoryBound(to: CChar.self), kind: tensor.kind,
                    data: tensor.memory.baseAddress, bytes: tensor.memory.count, shape: rest, rank: tensor.shape.count)
            }
            return withExtendedLifetime(tensors) {
                all.withUnsafeBufferPointer { all in
                    cort_run(session, all.baseAddress, inputs.count, all.baseAddress.map { $0 + inputs.count }, outputs.count)
                }
            }
        }
        try Self.check(message)
    }

    /// Frees the model and its runtime; nothing may be run afterwards.
    func unload() {
        cort_unload(session)
        cort_close(runtime)
    }

    private static func check(_ message: UnsafeMutablePointer<CChar>?) throws(Fault) {
        guard let message else { return }
        defer { cort_free(message) }
        throw Fault(message: String(cString: message))
    }
}
