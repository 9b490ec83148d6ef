import Crypto
import Dispatch
import Foundation
package import Sealing
package import SemanticCache

/// The snapshot of the index in a file beside the store, readable by its owner only.
///
/// A line that names the form; one of JSON that tells what the snapshot was made of; then pieces of up to a mebibyte, each after its length and
/// followed by a SHA-256 over the sum before it and the piece, so that a piece that is changed, lost or moved is noticed; a piece of length zero ends
/// them. With a cipher each piece is sealed, for vectors tell of the prompts they were made of.
///
/// Written under another name, brought to the disk and renamed: at any moment there is a whole snapshot or none.
package final class SnapshotFile: SnapshotStore {
    static let suffix = "-index"
    static let freshSuffix = "-index.new"
    private static let form = "reprise index 1\n"
    private static let pieceSize = 1 << 20

    private struct Head: Codable {
        let origin: SnapshotOrigin
        let isSealed: Bool
        /// Drawn for each snapshot: binds its pieces together.
        let name: String
    }

    private let path: String
    private let cipher: RowCipher?
    private let queue = DispatchQueue(label: "reprise.snapshot", qos: .utility)

    /// - Parameter store: the path of the store that the snapshot belongs to.
    package init(beside store: String, cipher: RowCipher? = nil) {
        path = store + Self.suffix
        self.cipher = cipher
    }

    /// Removes the snapshot beside the store at `path`, and what a crash left of an unfinished one.
    package static func remove(beside path: String) {
        try? FileManager.default.removeItem(atPath: path + suffix)
        removeUnfinished(beside: path)
    }

    /// Removes what a crash left of an unfinished snapshot.
    static func removeUnfinished(beside path: String) { try? FileManager.default.removeItem(atPath: path + freshSuffix) }

    private var freshPath: String { path + ".new" }

    package func write(
        _ origin: SnapshotOrigin, _ content: @escaping @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) async throws(SnapshotError) {
        try await perform { [self] in
            let head = Head(origin: origin, isSealed: cipher != nil, name: StoreGeneration.freshLineage())
            guard FileManager.default.createFile(atPath: freshPath, contents: nil, attributes: [.posixPermissions: 0o600]),
                let file = FileHandle(forWritingAtPath: freshPath)
            else { throw SnapshotError.file("\(freshPath) cannot be made") }
            do {
                let first = try Data(Self.form.utf8) + JSONEncoder().encode(head) + Data("\n".utf8)
                try file.write(contentsOf: first)
                var pieces = PieceWriter(file: file, sum: SHA256.hash(data: first), cipher: cipher, context: Array(head.name.utf8))
                try content { bytes in
                    for start in stride(from: 0, to: bytes.count, by: Self.pieceSize) {
                        try pieces.write(Data(bytes[start..<min(bytes.count, start + Self.pieceSize)]))
                    }
                }
                try pieces.end()
                try file.synchronize()
                try file.close()
                guard rename(freshPath, path) == 0 else {
                    throw SnapshotError.file("\(path) cannot be replaced: \(String(cString: strerror(errno)))")
                }
                Self.synchronizeFolder(of: path)
            } catch {
                try? file.close()
                try? FileManager.default.removeItem(atPath: freshPath)
                throw error
            }
        }
    }

    package func origin() async throws(SnapshotError) -> SnapshotOrigin? {
        try await perform { [self] in
            // What a crash left of an unfinished one.
            try? FileManager.default.removeItem(atPath: freshPath)
            guard let file = FileHandle(forReadingAtPath: path) else { return nil }
            defer { try? file.close() }
            return try readHead(file).head.origin
        }
    }

    package func read(_ content: @escaping @Sendable ((UnsafeMutableRawBufferPointer) throws -> Void) throws -> Void) async throws(SnapshotError) {
        try await perform { [self] in
            guard let file = FileHandle(forReadingAtPath: path) else { throw SnapshotError.file("\(path) cannot be read") }
            defer { try? file.close() }
            let (head, first) = try readHead(file)
            // A plain snapshot where a key is set is no trusted one: whoever could put it there could not have sealed it.
            guard head.isSealed == (cipher != nil) else { throw SnapshotError.otherKey }
            var pieces = PieceReader(file: file, sum: SHA256.hash(data: first), cipher: cipher, context: Array(head.name.utf8))
            var hasSeenAll = false
            try content { buffer in
                hasSeenAll = try pieces.fill(buffer)
            }
            guard hasSeenAll else { throw SnapshotError.damaged("it is longer than what it tells") }
        }
    }

    private func readHead(_ file: FileHandle) throws -> (head: Head, bytes: Data) {
        let start = try file.read(upToCount: 4096) ?? Data()
        let form = Data(Self.form.utf8)
        guard start.starts(with: form) else {
            let line = String(decoding: start.prefix { $0 != UInt8(ascii: "\n") }.prefix(40), as: UTF8.self)
            guard line.hasPrefix("reprise index ") else { throw SnapshotError.damaged("it does not begin as a snapshot does") }
            throw SnapshotError.otherVersion(found: line, expected: Self.form.trimmingCharacters(in: .newlines))
        }
        guard let end = start[form.count...].firstIndex(of: UInt8(ascii: "\n")) else { throw SnapshotError.damaged("its first lines are cut") }
        guard let head = try? JSONDecoder().decode(Head.self, from: start[form.count..<end]) else {
            throw SnapshotError.damaged("its second line tells no origin")
        }
        try file.seek(toOffset: UInt64(end + 1))
        return (head, start[...end])
    }

    private func perform<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws(SnapshotError) -> Value {
        let result: Result<Value, SnapshotError> = await withCheckedContinuation { continuation in
            queue.async {
                do { continuation.resume(returning: .success(try body())) } catch let error as SnapshotError {
                    continuation.resume(returning: .failure(error))
                } catch {
                    continuation.resume(returning: .failure(.file("\(error)")))
                }
            }
        }
        return try result.get()
    }

    /// Makes a rename last.
    private static func synchronizeFolder(of path: String) {
        let folder = open(URL(filePath: path).deletingLastPathComponent().path, O_RDONLY)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}

/// Pieces on their way into the file.
private struct PieceWriter {
    /// Bytes between two waits for the disk: one wait at the end would hold up the store's own.
    private static let stretch = 64 << 20

    let file: FileHandle
    var sum: SHA256Digest
    let cipher: RowCipher?
    let context: [UInt8]
    private var number: Int64 = 0
    private var sinceSynchronized = 0

    init(file: FileHandle, sum: SHA256Digest, cipher: RowCipher?, context: [UInt8]) {
        self.file = file
        self.sum = sum
        self.cipher = cipher
        self.context = context
    }

    mutating func write(_ bytes: Data) throws {
        let piece = cipher?.seal(bytes, .snapshot, of: EntryID(rawValue: number), context: context) ?? bytes
        number += 1
        try put(piece)
        sinceSynchronized += piece.count
        guard sinceSynchronized >= Self.stretch else { return }
        sinceSynchronized = 0
        try file.synchronize()
    }

    mutating func end() throws { try put(Data()) }

    private mutating func put(_ piece: Data) throws {
        var length = UInt32(piece.count).littleEndian
        sum = pieceSum(after: sum, piece)
        try file.write(contentsOf: Data(bytes: &length, count: 4))
        try file.write(contentsOf: piece)
        try file.write(contentsOf: Data(sum))
    }
}

/// Pieces on their way out of it.
private struct PieceReader {
    let file: FileHandle
    var sum: SHA256Digest
    let cipher: RowCipher?
    let context: [UInt8]
    private var number: Int64 = 0
    private var piece: [UInt8] = []
    private var offset = 0
    private var hasEnded = false

    init(file: FileHandle, sum: SHA256Digest, cipher: RowCipher?, context: [UInt8]) {
        self.file = file
        self.sum = sum
        self.cipher = cipher
        self.context = context
    }

    /// Fills the buffer; whether that was the last byte.
    mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws -> Bool {
        var filled = 0
        while filled < buffer.count {
            if offset == piece.count { try next() }
            guard !hasEnded else { throw SnapshotError.damaged("it ends too soon") }
            let count = min(buffer.count - filled, piece.count - offset)
            piece.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
            }
            filled += count
            offset += count
        }
        if offset == piece.count, !hasEnded { try next() }
        return hasEnded
    }

    private mutating func next() throws {
        let length = try exactly(4).withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
        // A sealed piece is some bytes longer.
        guard length <= 1 << 20 + 64 else { throw SnapshotError.damaged("a piece of \(length) bytes") }
        let stored = length == 0 ? Data() : try exactly(length)
        sum = pieceSum(after: sum, stored)
        guard sum == (try exactly(SHA256Digest.byteCount)) else { throw SnapshotError.damaged("the checksum of piece \(number) does not fit") }
        offset = 0
        guard length > 0 else {
            piece = []
            hasEnded = true
            return
        }
        if let cipher {
            guard let opened = cipher.open(stored, .snapshot, of: EntryID(rawValue: number), context: context) else { throw SnapshotError.otherKey }
            piece = opened
        } else {
            piece = Array(stored)
        }
        number += 1
    }

    private func exactly(_ count: Int) throws -> Data {
        guard let data = try file.read(upToCount: count), data.count == count else { throw SnapshotError.damaged("it is cut short") }
        return data
    }
}

/// The sum after a piece.
private func pieceSum(after sum: SHA256Digest, _ piece: Data) -> SHA256Digest {
    var hash = SHA256()
    sum.withUnsafeBytes { hash.update(bufferPointer: $0) }
    hash.update(data: piece)
    return hash.finalize()
}
