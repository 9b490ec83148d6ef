import Foundation
import SemanticCache
import Testing

@testable import WireFormats

/// Keys, scopes and queries stay what they are, byte for byte: stored entries are found by them, and a change of one empties every cache.
///
/// Each line of `Tests/Fixtures/Requests/golden.jsonl` begins with a request (`name`; `target`: path and query, and below them the header fields
/// that choose a variant; `namespace`; `body`) and goes on with what it was read as. The test reads the request anew and compares the whole line.
///
/// A difference is a fault unless it is meant. To change the file on purpose, or after adding lines that have a request only, run this suite once
/// with `REPRISE_WRITE_GOLDEN_REQUESTS=1` in the environment: it writes the file, and fails, so that no run passes that way. Then read the
/// difference line by line, raise the version in the tag of the key or the scope where stored entries could be taken for others, and say in
/// `CHANGELOG.md` that caches begin anew.
@Suite struct GoldenRequestTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
        path: "Fixtures/Requests/golden.jsonl")

    private static func lines() throws -> [String] {
        let text = try String(contentsOf: file, encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(text.hasSuffix("\n") ? 1 : 0).map(String.init)
    }

    @Test func requestsAreReadAsTheyWere() throws {
        let golden = try Self.lines()
        let anew = try golden.map { String(decoding: try line(GoldenRequest($0)), as: UTF8.self) }
        if ProcessInfo.processInfo.environment["REPRISE_WRITE_GOLDEN_REQUESTS"] == "1" {
            try (anew.joined(separator: "\n") + "\n").write(to: Self.file, atomically: true, encoding: .utf8)
            Issue.record("written, not compared: \(Self.file.path)")
            return
        }
        for (line, expected) in zip(anew, golden) where !line.utf8.elementsEqual(expected.utf8) { Issue.record("was \(expected)\nis  \(line)") }
    }

    /// Every endpoint is among them, each with many requests that differ, and with some that have a scope where it has any.
    @Test func everyEndpointIsTried() throws {
        let lines = try Self.lines()
        let readings = try lines.map { try JSONDocument(Array($0.utf8)).root }
        #expect(lines.count >= 260)
        #expect(Set(readings.map { $0["name"]?.string }).count == lines.count, "each has a name of its own")
        #expect(readings.allSatisfy { $0["key"] != nil || $0["bypass"] != nil || $0["unreadable"] != nil || $0["invalid"] != nil }, "each was read")
        for endpoint in Endpoint.allCases {
            let own = readings.filter { $0["endpoint"]?.string == endpoint.rawValue && $0["key"] != nil }
            #expect(own.count >= 12, "\(endpoint.path)")
            #expect(Set(own.compactMap { $0["key"]?.string }).count >= 10, "\(endpoint.path)")
            #expect(own.contains { $0["scope"] != nil } == !Endpoint.ofVectors.contains(endpoint))
        }
    }

    // MARK: - A request on one line

    private struct GoldenRequest {
        let name, target, namespace, body: String

        init(_ line: String) throws {
            let root = try JSONDocument(Array(line.utf8)).root
            name = try #require(root["name"]?.string)
            target = try #require(root["target"]?.string)
            namespace = root["namespace"]?.string ?? ""
            body = try #require(root["body"]?.string)
        }
    }

    private func line(_ golden: GoldenRequest) throws -> [UInt8] {
        var line = Line()
        line.add("name", golden.name)
        line.add("target", golden.target)
        if !golden.namespace.isEmpty { line.add("namespace", golden.namespace) }
        line.add("body", golden.body)
        let path = golden.target.prefix { $0 != "\n" }
        if let endpoint = Endpoint(path: path) {
            line.add("endpoint", endpoint.rawValue)
            add(RequestReader.read(path: path, body: Array(golden.body.utf8)), of: golden, to: &line)
        } else {
            line.add("bypass", BypassReason.path.rawValue)
        }
        return line.finished()
    }

    private func add(_ reading: RequestReading, of golden: GoldenRequest, to line: inout Line) {
        switch reading {
        case .bypass(let reason): line.add("bypass", reason.rawValue)
        case .unreadable(let error): add("unreadable", error, to: &line)
        case .invalid(let error): add("invalid", error, to: &line)
        case .cacheable(let request):
            line.add("model", request.model)
            line.add("wants_stream", request.wantsStream)
            line.add("wants_usage", request.wantsUsage)
            line.add("hides_usage", request.hidesUsage)
            line.add("has_tools", request.hasTools)
            if request.asksForSearch { line.add("searches", true) }
            line.add("choices", raw: String(request.choiceCount))
            if let query = request.query { line.add("query", query) }
            if let reason = request.noScopeReason { line.add("no_scope", reason.rawValue) }
            line.add("subject", request.subject)
            line.add("instructions", String(request.instructions, radix: 16))
            let (namespace, target) = (golden.namespace, golden.target)
            line.add("key", request.key(tenant: tenant, namespace: namespace, pathAndQuery: target).digest.hex)
            line.add("other_tenant_key", request.key(tenant: otherTenant, namespace: namespace, pathAndQuery: target).digest.hex)
            if let scope = request.scope(tenant: tenant, namespace: namespace, pathAndQuery: target) { line.add("scope", scope.digest.hex) }
            if let scope = request.scope(tenant: otherTenant, namespace: namespace, pathAndQuery: target) {
                line.add("other_tenant_scope", scope.digest.hex)
            }
            if !request.items.isEmpty { addItems(of: request, golden, to: &line) }
            guard let stripped = request.strippedBody else { return }
            line.add("control_fields", request.controlFields.joined(separator: " "))
            line.add("controls", Self.text(of: request.bodyControls))
            line.add("stripped", String(decoding: stripped, as: UTF8.self))
        }
    }

    private func add(_ name: String, _ error: RequestError, to line: inout Line) {
        line.add(name, error.message)
        if let param = error.param { line.add("param", param) }
    }

    private func addItems(of request: CacheableRequest, _ golden: GoldenRequest, to line: inout Line) {
        let keys = request.itemKeys(tenant: tenant, namespace: golden.namespace, pathAndQuery: golden.target)
        let items = zip(keys, request.items).map { key, item in
            var line = Line()
            line.add("key", key.digest.hex)
            if let text = item.text { line.add("text", text) }
            line.add("weight", raw: String(item.weight))
            return String(decoding: line.finished(), as: UTF8.self)
        }
        line.add("items", raw: "[\(items.joined(separator: ","))]")
    }

    /// What is asked of the cache, in words that do not depend on how the value is laid out.
    private static func text(of controls: RequestControls) -> String {
        var words: [String] = []
        if controls.noCache { words.append("no-cache") }
        if controls.noStore { words.append("no-store") }
        if controls.isReadOnly { words.append("read-only") }
        if let age = controls.maxAge { words.append("max-age=\(age.text)") }
        if let ttl = controls.ttl { words.append("ttl=\(ttl.text)") }
        if let namespace = controls.namespace { words.append("namespace=\(namespace)") }
        if let mode = controls.mode { words.append("mode=\(mode.rawValue)") }
        return (words + controls.families.map(\.rawValue).sorted()).joined(separator: " ")
    }

    private struct Line {
        private var bytes: [UInt8] = []

        mutating func add(_ name: String, _ value: String) {
            begin(name)
            JSONText.append(value, to: &bytes)
        }

        mutating func add(_ name: String, _ value: Bool) { add(name, raw: value ? "true" : "false") }

        mutating func add(_ name: String, raw value: String) {
            begin(name)
            bytes += value.utf8
        }

        private mutating func begin(_ name: String) { bytes += "\(bytes.isEmpty ? "{" : ",")\"\(name)\":".utf8 }

        func finished() -> [UInt8] { bytes + [UInt8(ascii: "}")] }
    }
}
