import Dispatch
import Foundation

/// Reads a warm-up file record by record, in pieces, whatever its size.
struct WarmRecordReader {
    enum Format: String, CaseIterable, Sendable {
        case jsonl, csv

        /// By the file's name, else by its first byte that is not blank: JSON objects begin with a brace.
        init(name: String, start: [UInt8]) {
            let suffix = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
            if suffix == "csv" {
                self = .csv
            } else if ["jsonl", "ndjson", "json"].contains(suffix) {
                self = .jsonl
            } else {
                let bytes = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start[...]
                self =
                    bytes.first { ![9, 10, 13, 32].contains($0) }.map { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") } ?? true ? .jsonl : .csv
            }
        }
    }

    /// As it is called in messages.
    let name: String
    private let chunks: FileChunks
    private var splitter: (any RecordSplitter)?
    private var ready: ArraySlice<RawRecord> = []
    private var isAtEnd = false

    /// Opens the file; `-` is standard input.
    init(path: String) throws {
        name = path == "-" ? "standard input" : path
        chunks = try FileChunks(path: path)
    }

    /// The next record, or `nil` at the end.
    mutating func next() async throws -> RawRecord? {
        while ready.isEmpty, !isAtEnd {
            let bytes: [UInt8]
            do { bytes = try await chunks.next() } catch {
                throw CommandFailure(.noInput, "\(name) cannot be read: \((error as NSError).localizedDescription)")
            }
            var splitter = self.splitter ?? (Format(name: name, start: bytes) == .csv ? CSVSplitter() : LineSplitter() as any RecordSplitter)
            isAtEnd = bytes.isEmpty
            ready = (isAtEnd ? splitter.finish() : splitter.append(bytes))[...]
            self.splitter = splitter
        }
        return ready.popFirst()
    }

    /// Columns of a CSV file that are not used.
    var unusedColumns: [String] { (splitter as? CSVSplitter)?.unusedColumns ?? [] }
}

/// A file's bytes, a piece at a time. Reading may block for long on standard input, so it happens on a queue of its own.
private final class FileChunks: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "reprise.warm.read")
    private static let size = 64 << 10

    init(path: String) throws {
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure(.noInput, "\(path): \(String(cString: strerror(errno)))") }
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// The next bytes; none at the end.
    func next() async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [descriptor] in
                var buffer = [UInt8](repeating: 0, count: Self.size)
                var count = read(descriptor, &buffer, buffer.count)
                while count < 0 && errno == EINTR { count = read(descriptor, &buffer, buffer.count) }
                guard count >= 0 else { return continuation.resume(throwing: NSError(domain: NSPOSIXErrorDomain, code: Int(errno))) }
                buffer.removeLast(buffer.count - count)
                continuation.resume(returning: buffer)
            }
        }
    }
}
