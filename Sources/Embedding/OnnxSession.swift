import COnnxRuntime
import Foundation
import Glibc

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
    /// Copies that live as long as the session, because the runtime takes C strings.
    private let inputNames: [UnsafePointer<CChar>?]
    private let outputName: UnsafeMutablePointer<CChar>

    /// - Parameters:
    ///   - inputs: names of the model's inputs, all int64 of [batch, length].
    ///   - threads: compute one call together; no more than the machine has processors.
    init(library: String, model: String, inputs: [String], output: String, threads: Int) throws(Fault) {
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
        inputNames = inputs.map { UnsafePointer(strdup($0)) }
        outputName = strdup(output)
        version = String(cString: cort_version(runtime))
    }

    /// Runs the model on one row.
    ///
    /// - Parameters:
    ///   - values: the inputs one after another, each of the same length.
    ///   - count: how many numbers the output has.
    func run(_ values: [Int64], count: Int) throws(Fault) -> [Float] {
        var output = [Float](repeating: 0, count: count)
        try Self.check(cort_run(session, inputNames, inputNames.count, values, 1, values.count / inputNames.count, outputName, &output, count))
        return output
    }

    /// Frees the model and its runtime; nothing may be run afterwards.
    func unload() {
        cort_unload(session)
        cort_close(runtime)
        for name in inputNames { free(UnsafeMutablePointer(mutating: name)) }
        free(outputName)
    }

    private static func check(_ message: UnsafeMutablePointer<CChar>?) throws(Fault) {
        guard let message else { return }
        defer { cort_free(message) }
        throw Fault(message: String(cString: message))
    }
}
