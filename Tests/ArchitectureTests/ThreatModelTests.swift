import Foundation
import Testing

/// Every attack of `docs/threat-model.md` names tests that are there.
struct ThreatModelTests {
    private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Attack, and the names of its tests.
    private func attacks() throws -> [(attack: String, tests: [String])] {
        let page = try String(contentsOf: root.appendingPathComponent("docs/threat-model.md"), encoding: .utf8)
        let section = try #require(page.components(separatedBy: "\n## Attacks\n").dropFirst().first?.components(separatedBy: "\n## ").first)
        return section.split(separator: "\n").filter { $0.hasPrefix("| **") }.map { line in
            let cells = line.components(separatedBy: " | ")
            let names = cells.last?.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 } ?? []
            return (cells[0], names.map { String($0.element) })
        }
    }

    private func files(_ suffix: String) throws -> [(name: String, text: String)] {
        let tests = root.appendingPathComponent("Tests")
        let names = try #require(FileManager.default.enumerator(atPath: tests.path)).compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) }
        return try names.map { ($0, try String(contentsOf: tests.appendingPathComponent($0), encoding: .utf8)) }
    }

    @Test func everyNamedTestExists() throws {
        let attacks = try attacks()
        let swift = try files(".swift")
        let python = try files(".py")
        #expect(attacks.count > 20)
        for (attack, tests) in attacks {
            #expect(!tests.isEmpty, "\(attack) names no test")
            for test in tests {
                let isThere =
                    if test.contains(".py") {
                        python.contains { file in
                            let parts = test.components(separatedBy: "::")
                            return file.name == "Python/\(parts[0])" && (parts.count == 1 || file.text.contains("def \(parts[1])("))
                        }
                    } else {
                        swift.contains { file in
                            let parts = test.components(separatedBy: ".")
                            return file.text.contains("struct \(parts[0]) {") && (parts.count == 1 || file.text.contains("func \(parts[1])("))
                        }
                    }
                #expect(isThere, "\(attack): there is no \(test)")
            }
        }
    }
}
