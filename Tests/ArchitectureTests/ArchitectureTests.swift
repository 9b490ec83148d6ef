import Foundation
import Testing

/// Holds every `import` under `Sources/` against the table of arrows in `docs/architecture.md`.
///
/// The compiler does not: SwiftPM lets a target import whatever was built before it.
struct ArchitectureTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The arrows as the document draws them: lines `Room -> A, B` inside the block fenced as `arrows`.
    private static func arrows() throws -> [String: Set<String>] {
        let text = try String(contentsOf: root.appending(path: "docs/architecture.md"), encoding: .utf8)
        let block = try #require(text.components(separatedBy: "```arrows\n").dropFirst().first?.components(separatedBy: "```").first)
        var result: [String: Set<String>] = [:]
        for line in block.split(separator: "\n") {
            let sides = line.components(separatedBy: "->").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(sides.count == 2, "a line of arrows reads 'Room -> A, B', found '\(line)'")
            result[sides[0]] = Set(sides[1].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty })
        }
        return result
    }

    /// Every module imported by the files of each room.
    private static func imports() throws -> [String: [String: Set<String>]] {
        let sources = root.appending(path: "Sources")
        var result: [String: [String: Set<String>]] = [:]
        for room in try FileManager.default.contentsOfDirectory(atPath: sources.path) {
            let folder = sources.appending(path: room)
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
            result[room] = [:]
            for file in files where file.pathExtension == "swift" {
                let pattern =
                    /^(?:(?:package|public|internal|private|fileprivate|@preconcurrency|@testable|@_exported)\s+)*import\s+(?:struct\s+|class\s+|func\s+|enum\s+)?(\w+)/
                for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                    if let match = line.firstMatch(of: pattern) {
                        result[room, default: [:]][String(match.1), default: []].insert(file.lastPathComponent)
                    }
                }
            }
        }
        return result
    }

    @Test func everyRoomIsDrawn() throws {
        #expect(Set(try Self.arrows().keys) == Set(try Self.imports().keys))
    }

    @Test func everyImportIsAnArrow() throws {
        let arrows = try Self.arrows()
        // Part of the toolchain: at hand in every room.
        let toolchain: Set = ["Swift", "Synchronization", "Dispatch"]
        for (room, modules) in try Self.imports() {
            let allowed = try #require(arrows[room]).union(toolchain)
            for (module, files) in modules where !allowed.contains(module) {
                Issue.record("\(room) imports \(module) in \(files.sorted()), which docs/architecture.md does not draw")
            }
        }
    }

    @Test func everyArrowIsUsed() throws {
        let imports = try Self.imports()
        for (room, targets) in try Self.arrows() {
            for target in targets where imports[room]?[target] == nil {
                Issue.record("docs/architecture.md draws \(room) -> \(target), which nothing imports")
            }
        }
    }

    @Test(arguments: ["SemanticCache", "Matching", "WireFormats", "Eviction"])
    func purePartsDoNoInputOrOutput(room: String) throws {
        let forbidden: Set = ["Foundation", "Glibc", "GRDB", "CCurl", "COnnxRuntime", "Hummingbird", "NIOCore", "NIOPosix", "Logging"]
        let used = Set(try #require(try Self.imports()[room]).keys)
        #expect(used.isDisjoint(with: forbidden))
    }
}
