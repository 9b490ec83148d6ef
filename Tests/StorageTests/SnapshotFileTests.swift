import Foundation
import Sealing
import SemanticCache
@testable import Storage
import TestSupport
import Testing

struct SnapshotFileTests {
    private static let origin = SnapshotOrigin(generation: StoreGeneration(lineage: "a", number: 7), fingerprint: "model", dimension: 3)

    /// Three pieces and a half.
    private static let content: [UInt8] = {
        var random = SeededGenerator(seed: 9)
        return (0..<3_600_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }()

    private struct Failure: Error {}

    private func write(_ file: SnapshotFile, _ content: [UInt8], failing: Bool = false) async throws {
        try await file.write(Self.origin) { sink in
            // In parts of other sizes than the file's pieces.
            for start in stride(from: 0, to: content.count, by: 1_300_000) {
                try content[start..<min(content.count, start + 1_300_000)].withUnsafeBytes { try sink($0) }
            }
            if failing { throw Failure() }
        }
    }

    private func read(_ file: SnapshotFile, count: Int) async throws -> [UInt8] {
        let box = Box()
        try await file.read { source in
            for start in stride(from: 0, to: count, by: 70_001) {
                var part = [UInt8](repeating: 0, count: min(70_001, count - start))
                try part.withUnsafeMutableBytes { try source($0) }
                box.bytes += part
            }
        }
        return box.bytes
    }

    /// `@unchecked Sendable`: filled before the reading that fills it has ended, looked at after.
    private final class Box: @unchecked Sendable { var bytes: [UInt8] = [] }

    @Test(arguments: [nil, RowCipher(secret: "a secret of some length")] as [RowCipher?])
    func whatIsWrittenIsRead(cipher: RowCipher?) async throws {
        let folder = try ScratchFolder()
        let file = SnapshotFile(beside: folder.file("a.db"), cipher: cipher)
        #expect(try await file.origin() == nil)
        try await write(file, Self.content)
        #expect(try await file.origin() == Self.origin)
        #expect(try await read(file, count: Self.content.count) == Self.content)
        // Asked for too much, and for too little.
        await #expect(throws: SnapshotError.self) { _ = try await self.read(file, count: Self.content.count + 1) }
        await #expect(throws: SnapshotError.self) { _ = try await self.read(file, count: Self.content.count - 1) }
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("a.db-index"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        // A writing that fails, or a process that dies, leaves the former one.
        await #expect(throws: SnapshotError.self) { try await self.write(file, [1, 2, 3], failing: true) }
        try Data("half of a".utf8).write(to: URL(filePath: folder.file("a.db-index.new")))
        #expect(try await file.origin() == Self.origin)
        #expect(try await read(file, count: Self.content.count) == Self.content)
        #expect(!FileManager.default.fileExists(atPath: folder.file("a.db-index.new")))
    }

    /// A bit that is turned, anywhere, is noticed; so are an end that is missing and pieces that change places.
    @Test(arguments: [nil, RowCipher(secret: "a secret of some length")] as [RowCipher?])
    func noDamageIsBelieved(cipher: RowCipher?) async throws {
        let folder = try ScratchFolder()
        let path = folder.file("a.db-index")
        let file = SnapshotFile(beside: folder.file("a.db"), cipher: cipher)
        try await write(file, Array(Self.content.prefix(1_500_000)))
        let whole = try Data(contentsOf: URL(filePath: path))
        var random = SeededGenerator(seed: 3)
        let head = whole.prefix(400).lastIndex(of: UInt8(ascii: "\n")) ?? 0
        let places = Array(0..<min(head, 250)) + (0..<60).map { _ in Int.random(in: 0..<whole.count, using: &random) } + [whole.count - 1]
        for place in places {
            var bytes = whole
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try bytes.write(to: URL(filePath: path))
            await #expect(throws: SnapshotError.self, "bit at \(place)") { _ = try await self.read(file, count: 1_500_000) }
        }
        for _ in 0..<30 {
            try whole.prefix(Int.random(in: 0..<whole.count, using: &random)).write(to: URL(filePath: path))
            await #expect(throws: SnapshotError.self) { _ = try await self.read(file, count: 1_500_000) }
        }
        try Data().write(to: URL(filePath: path))
        await #expect(throws: SnapshotError.self) { _ = try await file.origin() }
    }

    @Test func otherVersionsAreTold() async throws {
        let folder = try ScratchFolder()
        let file = SnapshotFile(beside: folder.file("a.db"))
        try Data("reprise index 9\n{}\n".utf8).write(to: URL(filePath: folder.file("a.db-index")))
        await #expect { _ = try await file.origin() } throws: { error in
            guard case SnapshotError.otherVersion("reprise index 9", _)? = error as? SnapshotError else { return false }
            return true
        }
    }

    @Test func sealedOnesTellNothingAndNeedTheKey() async throws {
        let folder = try ScratchFolder()
        let sealed = SnapshotFile(beside: folder.file("a.db"), cipher: RowCipher(secret: "a secret of some length"))
        let text = Array(String(repeating: "what my neighbour earns ", count: 1000).utf8)
        try await write(sealed, text)
        let bytes = try Data(contentsOf: URL(filePath: folder.file("a.db-index")))
        #expect(bytes.range(of: Data("neighbour".utf8)) == nil)
        for other in [
            SnapshotFile(beside: folder.file("a.db")), SnapshotFile(beside: folder.file("a.db"), cipher: RowCipher(secret: "another secret text")),
        ] {
            await #expect(throws: SnapshotError.self) { _ = try await self.read(other, count: text.count) }
        }
        let former = SnapshotFile(beside: folder.file("a.db"), cipher: RowCipher(secret: "a new secret for all", former: ["a secret of some length"]))
        #expect(try await read(former, count: text.count) == text)
        // A plain one where a key is set is not believed.
        try await write(SnapshotFile(beside: folder.file("a.db")), text)
        await #expect(throws: SnapshotError.self) { _ = try await self.read(sealed, count: text.count) }
    }
}
