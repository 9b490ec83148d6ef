import Foundation
import Testing

/// Holds every `import` under `Sources/` against the table of arrows in `docs/architecture.md`, and the dependencies in `Package.swift` against both.
///
/// The compiler does not: SwiftPM lets a target import whatever was built before it, and says nothing of what no file uses.
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

    /// Part of the toolchain: at hand in every room.
    private static let toolchain: Set = ["Swift", "Synchronization", "Dispatch"]
    /// Part of the system's library: drawn, for not every room may have them, and declared nowhere.
    private static let system: Set = ["Foundation", "Glibc"]

    private static func manifest() throws -> Manifest {
        Manifest(try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8))
    }

    /// Every module imported by the files of each folder of `parent`.
    private static func imports(of parent: String = "Sources") throws -> [String: [String: Set<String>]] {
        let sources = root.appending(path: parent)
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
        for (room, modules) in try Self.imports() {
            let allowed = try #require(arrows[room]).union(Self.toolchain)
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

    @Test func theManifestDeclaresTheArrows() throws {
        let arrows = try Self.arrows()
        let rooms = try Self.manifest().targets.filter { !$0.isTest }
        #expect(rooms.map(\.name).sorted() == arrows.keys.sorted())
        for room in rooms {
            let drawn = try #require(arrows[room.name]).subtracting(Self.system)
            for module in room.dependencies.subtracting(drawn).sorted() {
                Issue.record("Package.swift declares \(room.name) -> \(module), which docs/architecture.md does not draw")
            }
            for module in drawn.subtracting(room.dependencies).sorted() {
                Issue.record("docs/architecture.md draws \(room.name) -> \(module), which Package.swift does not declare")
            }
        }
    }

    @Test func theManifestDeclaresWhatTestsImport() throws {
        let imports = try Self.imports(of: "Tests")
        let tests = try Self.manifest().targets.filter(\.isTest)
        // Folders without a file of Swift are fixtures and the tests of the program from outside.
        #expect(tests.map(\.name).sorted() == imports.filter { !$0.value.isEmpty }.keys.sorted())
        for target in tests {
            let used = Set(try #require(imports[target.name]).keys).subtracting(Self.system).subtracting(Self.toolchain).subtracting(["Testing"])
            for module in target.dependencies.subtracting(used).sorted() {
                Issue.record("Package.swift declares \(target.name) -> \(module), which nothing imports")
            }
            for module in used.subtracting(target.dependencies).sorted() {
                let files = imports[target.name]?[module]?.sorted() ?? []
                Issue.record("\(target.name) imports \(module) in \(files), which Package.swift does not declare")
            }
        }
    }

    @Test func everyPackageAndProductIsUsed() throws {
        let manifest = try Self.manifest()
        #expect(manifest.packages == manifest.usedPackages)
        let used = manifest.targets.reduce(into: Set<String>()) { $0.formUnion($1.dependencies) }
        #expect(manifest.products.subtracting(used).isEmpty)
        #expect(manifest.targets.count > 20 && manifest.products.count > 10, "the manifest is read by its form, which may have changed")
    }

    @Test(arguments: ["SemanticCache", "Matching", "WireFormats", "Eviction"])
    func purePartsDoNoInputOrOutput(room: String) throws {
        let forbidden: Set = ["Foundation", "Glibc", "GRDB", "CCurl", "COnnxRuntime", "Hummingbird", "NIOCore", "NIOPosix", "Logging"]
        let used = Set(try #require(try Self.imports()[room]).keys)
        #expect(used.isDisjoint(with: forbidden))
    }
}
