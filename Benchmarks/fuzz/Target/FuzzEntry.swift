import Foundation
import HTTPTypes
import Matching
import SemanticCache
import Settings
import WireFormats

/// What is fuzzed. A promise that is broken ends the process, and the fuzzer keeps the input.
enum FuzzEntry: String, CaseIterable {
    /// Bodies of the cached endpoints. The first byte chooses the endpoint.
    case requests
    /// Header fields that steer the cache, one a line.
    case controls
    /// A provider's answer, whole and cut. The first byte chooses endpoint and form, the second and third the cuts.
    case sse
    /// Any JSON.
    case json
    /// `config.yaml`.
    case yaml
    /// Rows of the store.
    case rows
    /// Lines of a file for `reprise warm`.
    case records
    /// Two prompts, apart by a line break.
    case prompts
    /// The index's part of a snapshot, as if its sums were right.
    case snapshot

    // Set once, before the fuzzer starts its only thread.
    nonisolated(unsafe) static var current = requests

    func run(_ input: [UInt8]) {
        switch self {
        case .requests: Self.requests(input)
        case .controls: Self.controls(input)
        case .sse: Self.answers(input)
        case .json: Self.json(input)
        case .yaml: Self.yaml(input)
        case .rows: RowFuzz.run(input)
        case .records: Self.records(input)
        case .prompts: Self.prompts(input)
        case .snapshot: SnapshotFuzz.run(input)
        }
    }

    private static func hold(_ isTrue: Bool, _ promise: String) {
        if !isTrue { fatalError("broken: \(promise)") }
    }

    private static let tenant = TenantID(Digest256(bytes: [UInt8](repeating: 7, count: 32))!)

    private static func requests(_ input: [UInt8]) {
        guard let first = input.first else { return }
        let endpoint = Endpoint.allCases[Int(first) % Endpoint.allCases.count]
        let body = Array(input.dropFirst())
        _ = RequestModel.names(in: body)
        _ = RequestReader.askingForUsage(body)
        guard case .cacheable(let request) = RequestReader.read(endpoint: endpoint, body: body) else { return }
        func key(_ request: CacheableRequest) -> CacheKey { request.key(tenant: tenant, namespace: "n", pathAndQuery: "/p") }
        func scope(_ request: CacheableRequest) -> Scope? { request.scope(tenant: tenant, namespace: "n", pathAndQuery: "/p") }
        hold(request.itemKeys(tenant: tenant, namespace: "n", pathAndQuery: "/p").count == request.items.count, "a key for each input")
        // What goes to the upstream, without the cache's own members, is the same request.
        if let stripped = request.strippedBody {
            guard case .cacheable(let again) = RequestReader.read(endpoint: endpoint, body: stripped) else {
                return hold(false, "a body without the cache's members is still one")
            }
            hold(key(again) == key(request) && scope(again) == scope(request), "the cache's members are in no key")
        }
        // The same JSON in other words has the same key.
        if let canonical = try? CanonicalJSON.bytes(of: body), case .cacheable(let again) = RequestReader.read(endpoint: endpoint, body: canonical) {
            hold(key(again) == key(request) && scope(again) == scope(request), "spelling is in no key")
        }
    }

    private static func controls(_ input: [UInt8]) {
        var fields = HTTPFields()
        for line in String(decoding: input, as: UTF8.self).split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else { continue }
            fields.append(HTTPField(name: name, value: String(line[line.index(after: colon)...])))
        }
        do throws(RequestError) {
            let controls = try RequestControls(fields)
            hold(controls.ttl.map { $0 >= .zero } ?? true && controls.maxAge.map { $0 >= .zero } ?? true, "times are not negative")
            hold(controls.threshold.map { (-1...1).contains($0) } ?? true, "a threshold is a similarity")
            hold(controls.namespace.map(RequestControls.isNamespace) ?? true, "a namespace is a name")
        } catch { hold(!error.message.isEmpty, "a refusal says why") }
        RequestControls.strip(&fields)
        hold(RequestControls.fieldNames.allSatisfy { !fields.contains($0) }, "no control goes on")
    }

    private static func answers(_ input: [UInt8]) {
        guard input.count >= 3 else { return }
        let endpoint = Endpoint.allCases[Int(input[0] >> 1) % Endpoint.allCases.count]
        let isEvents = input[0] & 1 == 1
        let bytes = Array(input.dropFirst(3))
        let body = #"{"messages":[{"role":"user","content":"q"}],"input":"q","prompt":"q","max_tokens":9,"stream":\#(isEvents)}"#
        guard case .cacheable(let request) = RequestReader.read(endpoint: endpoint, body: Array(body.utf8)) else { return }
        func record(_ cuts: [Int]) -> Result<RecordedAnswer, NotStoredReason> {
            var recorder = AnswerRecorder(
                request: request, status: 200, fields: [.contentType: isEvents ? "text/event-stream" : "application/json"], limit: 1 << 20)
            var start = 0
            for cut in cuts + [bytes.count] where cut >= start {
                recorder.append(Array(bytes[start..<cut]), milliseconds: UInt32(start))
                start = cut
            }
            return recorder.finish()
        }
        let cuts = [Int(input[1]), Int(input[1]) + Int(input[2])].map { min($0, bytes.count) }
        switch (record([]), record(cuts)) {
        case (.success(let one), .success(let other)):
            hold(content(one) == bytes && content(other) == bytes, "an answer is kept as it came")
            let answer = Answer(recording: other.recording, fields: other.fields, usage: other.usage, upstreamTime: .zero)
            for (stream, usage) in [(true, true), (true, false), (false, false)] {
                let text = body.replacing("\"stream\":\(isEvents)", with: "\"stream\":\(stream),\"stream_options\":{\"include_usage\":\(usage)}")
                guard case .cacheable(let request) = RequestReader.read(endpoint: endpoint, body: Array(text.utf8)) else { continue }
                _ = AnswerRenderer.render(answer, for: request)?.bytes
            }
        case (.failure(let one), .failure(let other)): hold(one == other, "how an answer is cut changes nothing")
        default: hold(false, "how an answer is cut changes nothing")
        }
    }

    private static func content(_ answer: RecordedAnswer) -> [UInt8] {
        switch answer.recording {
        case .message(let bytes): bytes
        case .events(let events): events.bytes
        }
    }

    private static func json(_ input: [UInt8]) {
        guard let canonical = try? CanonicalJSON.bytes(of: input) else { return }
        hold((try? CanonicalJSON.bytes(of: canonical)) == canonical, "the canonical form of a canonical form is itself")
    }

    private static func yaml(_ input: [UInt8]) {
        let environment: (String) -> String? = { $0 == "KEY" ? "a value that is long enough" : nil }
        do throws(SettingsErrors) {
            let loaded = try Settings.load(text: String(decoding: input, as: UTF8.self), file: "c.yaml", environment: environment)
            let again = try Settings.load(text: loaded.settings.effectiveYAML, file: "c.yaml", environment: environment)
            hold(again.settings == loaded.settings, "the effective configuration loads as itself")
        } catch { hold(!error.problems.isEmpty, "a refusal says why") }
    }

    private static func records(_ input: [UInt8]) {
        for line in input.split(separator: UInt8(ascii: "\n")) {
            do throws(WarmRecordError) { _ = try WarmRecord.read(line: Array(line)) } catch { hold(!error.description.isEmpty, "a refusal says why") }
        }
    }

    private static func prompts(_ input: [UInt8]) {
        let texts = String(decoding: input, as: UTF8.self).split(separator: "\n", maxSplits: 1).map(String.init)
        _ = texts.map(TimeSensitivity.phrase)
        guard texts.count == 2, let one = try? PromptTokens(texts[0]), let other = try? PromptTokens(texts[1]) else { return }
        for guardian in GuardProfile.strict.guards() {
            hold(guardian.finding(in: PromptPair(asked: one, cached: one)) == nil, "\(guardian.name) is quiet on a prompt beside itself")
            let there = guardian.finding(in: PromptPair(asked: one, cached: other)) == nil
            let back = guardian.finding(in: PromptPair(asked: other, cached: one)) == nil
            hold(there == back, "\(guardian.name) says the same both ways")
        }
    }
}
