import Foundation
import Settings
import TestSupport
import Testing

/// A damaged configuration loads or is refused with places in the file; it never crashes, and never hangs.
struct SettingsFuzzTests {
    private static let words = [
        ":", "- ", "{", "}", "[", "]", "&a ", "*a", "!!int ", "|\n", ">\n", "\t", "\"", "'", "#", "---\n", "~", "null",
        "upstreams:\n  a: {models: [x]}\n",
        "auth:\n  clients: {b: {}}\n", "fallback: a", "?", "<<: *a", "1e9", "\u{FEFF}", "\u{2028}", "yes", "..\n",
    ]

    @Test(arguments: [1, 2])
    func anyTextLoadsOrIsRefused(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let environment = ProcessInfo.processInfo.environment
        let text = Array(Settings().commentedYAML.split(separator: "\n").filter { !$0.contains("#") }.joined(separator: "\n").utf8)
        for _ in 0..<Mutation.rounds(environment, default: 150) {
            let damaged = String(decoding: Mutation.mutated(text, words: Self.words, using: &random), as: UTF8.self)
            do throws(SettingsErrors) {
                let loaded = try load(damaged, environment: ["KEY": "x"])
                #expect(try load(loaded.settings.effectiveYAML, environment: ["KEY": "x"]).settings == loaded.settings)
            } catch {
                #expect(!error.problems.isEmpty)
            }
        }
    }
}
