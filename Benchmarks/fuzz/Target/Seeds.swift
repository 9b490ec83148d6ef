import Foundation
import SemanticCache
import Settings

/// The first corpus of every entry point, from the tests' fixtures and from what the program writes itself.
struct Seeds {
    /// `Tests/Fixtures`.
    let fixtures: String

    func write(to folder: String) throws {
        for (entry, inputs) in try all() {
            let place = "\(folder)/\(entry.rawValue)"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            for (number, input) in inputs.enumerated() { try Data(input).write(to: URL(filePath: "\(place)/seed-\(number)")) }
        }
    }

    private func all() throws -> [(FuzzEntry, [[UInt8]])] {
        let transcripts = try FileManager.default.contentsOfDirectory(atPath: fixtures + "/Transcripts").sorted().map { name in
            (name, Array(try Data(contentsOf: URL(filePath: "\(fixtures)/Transcripts/\(name)"))))
        }
        let bodies: [(Endpoint, String)] = [
            (
                .chatCompletions,
                #"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"h"}]}],"n":2}"#
            ),
            (.chatCompletions, #"{"model":"m","messages":[{"role":"user","content":"q"}],"tools":[{"type":"function"}],"cache":{"ttl":5}}"#),
            (.messages, #"{"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":"q"}]}"#),
            (.responses, #"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"q"}]}],"instructions":"i"}"#),
            (.completions, #"{"model":"m","prompt":["q"],"stream_options":{"include_usage":true}}"#),
            (.embeddings, #"{"model":"m","input":["a","b"]}"#),
        ]
        let plain = Settings().commentedYAML.split(separator: "\n").filter { !$0.contains("#") }.joined(separator: "\n")
        return [
            (.requests, bodies.map { [UInt8(Endpoint.allCases.firstIndex(of: $0.0) ?? 0)] + Array($0.1.utf8) }),
            (.json, bodies.map { Array($0.1.utf8) } + transcripts.filter { $0.0.hasSuffix(".json") }.map(\.1)),
            (
                .sse,
                transcripts.map { name, bytes in
                    [UInt8(endpoint(of: name) << 1 | (name.hasSuffix(".sse") ? 1 : 0)), 40, 90] + bytes
                }
            ),
            (
                .controls,
                [
                    "cache-control: no-cache, max-age=5, stale-if-error=9\nx-cache-ttl: 1h\nx-cache-tags: a:b, c\nx-cache-threshold: 0.9\nx-cache-mode: exact"
                ].map { Array($0.utf8) }
            ),
            (.yaml, [Array(plain.utf8), Array("upstreams:\n  a: {models: [x], fallback: b}\nauth:\n  clients: {c: {key_env: KEY}}\n".utf8)]),
            (.rows, [row]), (.snapshot, try SnapshotFuzz.seeds()),
            (
                .records,
                [
                    #"{"prompt":"q","system":"s","model":"m","answer":"a","ttl":"1h"}"#,
                    #"{"body":{"model":"m","messages":[]},"url":"/v1/chat/completions"}"#,
                ]
                .map { Array($0.utf8) }
            ),
            (
                .prompts,
                [
                    "Where is order 48213, shipped 3 May?\nWhere's order #48,213 of May 3rd?", "turn on `foo_bar()` in C++\nturn it off in Rust 1.80",
                    "日本 vs café\n1½ km",
                ]
                .map { Array($0.utf8) }
            ),
        ]
    }

    private func endpoint(of name: String) -> Int {
        let endpoint: Endpoint =
            switch name.prefix(while: { $0 != "-" && $0 != "." }) {
            case "messages": .messages
            case "responses": .responses
            case "completion": .completions
            case "embeddings": .embeddings
            default: .chatCompletions
            }
        return Endpoint.allCases.firstIndex(of: endpoint) ?? 0
    }

    /// A sound row, in the form that `RowFuzz` reads.
    private var row: [UInt8] {
        func number(_ value: UInt8) -> [UInt8] { [1, 0, 0, 0, 0, 0, 0, 0, value] }
        func text(_ value: String) -> [UInt8] { [3, UInt8(value.utf8.count)] + Array(value.utf8) }
        func blob(_ value: [UInt8]) -> [UInt8] { [4, UInt8(value.count)] + value }
        let digest = blob([UInt8](repeating: 9, count: 32))
        let columns: [[UInt8]] = [
            number(1), digest, digest, digest, text("n"), text(Endpoint.chatCompletions.rawValue), text("m"), text("a\nb"), blob([113]), number(5),
            number(9), number(0), number(3), number(0), number(1), text("f"), number(1), blob([1, 2, 3]), blob([2, 0, 0, 0, 7, 0, 0, 0]),
            text("content-type: a"), number(3), number(4), number(6), blob([0, 0, 128, 63, 0, 0, 0, 64]),
        ]
        return columns.flatMap(\.self)
    }
}
