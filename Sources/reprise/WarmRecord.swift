import Foundation
import SemanticCache
import Settings

/// One record of a warm-up file, checked and ready to be posted.
struct WarmRecord: Equatable, Sendable {
    /// One JSON object on one line, without the line's end.
    var line: [UInt8]
    /// Whether it carries an answer: then it is imported, else the upstream is asked.
    var hasAnswer: Bool
}

/// Why a record was skipped.
struct RecordFault: Error, Equatable, Sendable {
    var message: String

    init(_ message: String) { self.message = message }
}

extension WarmRecord {
    /// Members of the forms `{"prompt": ...}` and `{"messages": ...}` that are the cache's; the latter may also hold request parameters.
    static let ownMembers = ["prompt", "messages", "body", "answer", "response", "model", "system", "namespace", "tags", "ttl"]

    /// Checks one line of JSONL. The line is kept byte for byte, so that no number in it changes; only a missing model is put in.
    ///
    /// Forms: `{"prompt", "answer", "model", "system", "namespace", "tags", "ttl"}`, `{"messages", "model", "answer" | "response", ...}`,
    /// `{"body", "response"}`, and a line of OpenAI's batch input `{"custom_id", "method", "url", "body"}`.
    init(jsonLine bytes: [UInt8], defaultModel: String?) throws(RecordFault) {
        let parsed: Any
        do { parsed = try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed]) } catch {
            throw RecordFault("this is not JSON: \(Self.reason(of: error))")
        }
        guard let object = parsed as? [String: Any] else { throw RecordFault("expected a JSON object; found \(Self.kind(of: parsed))") }
        let forms = ["prompt", "messages", "body"].filter { object[$0] != nil }
        guard forms.count == 1 else {
            let found = forms.isEmpty ? "none of them" : forms.joined(separator: " and ")
            throw RecordFault("expected one of the members prompt, messages and body; found \(found)\(Self.hint(for: object))")
        }
        if forms[0] != "body" { try Self.refuseTypingErrors(in: object) }
        try Self.checkControls(object)
        hasAnswer =
            switch forms[0] {
            case "prompt": try Self.checkPrompt(object)
            case "messages": try Self.checkMessages(object)
            default: try Self.checkBody(object)
            }
        line = try Self.withModel(bytes, object, form: forms[0], defaultModel: defaultModel)
    }

    /// Makes a record of one CSV row. Empty fields count as left out; tags are separated by commas or semicolons.
    init(row: [String: String], defaultModel: String?) throws(RecordFault) {
        var object: [String: Any] = [:]
        for (name, value) in row where !value.isEmpty { object[name] = value }
        if let tags = row["tags"], !tags.isEmpty {
            object["tags"] = tags.split { ",;".contains($0) }.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
        guard object["prompt"] != nil else { throw RecordFault("the column prompt is empty") }
        do { try self.init(jsonLine: try jsonBytes(object), defaultModel: defaultModel) } catch let fault as RecordFault { throw fault } catch {
            throw RecordFault("\(error)")
        }
    }

    // MARK: The forms

    private static func checkPrompt(_ object: [String: Any]) throws(RecordFault) -> Bool {
        _ = try text(object, "prompt")
        _ = try optionalText(object, "system")
        guard object["response"] == nil else { throw RecordFault("beside prompt expected the member answer; found response") }
        return try optionalText(object, "answer") != nil
    }

    private static func checkMessages(_ object: [String: Any]) throws(RecordFault) -> Bool {
        try checkMessageList(object["messages"])
        if given(object, "answer"), given(object, "response") { throw RecordFault("expected answer or response; found both") }
        for name in ["answer", "response"] where given(object, name) {
            if object[name] is [String: Any] { return true }
            return try optionalText(object, name) != nil
        }
        return false
    }

    private static func checkBody(_ object: [String: Any]) throws(RecordFault) -> Bool {
        guard let body = object["body"] as? [String: Any] else { throw RecordFault("body: expected an object; found \(kind(of: object["body"]))") }
        if given(object, "method"), (object["method"] as? String)?.uppercased() != "POST" {
            throw RecordFault("method: expected POST; found \(kind(of: object["method"]))")
        }
        let endpoint = object["url"] as? String
        if given(object, "url"), endpoint.flatMap(Endpoint.init(rawValue:)) == nil {
            throw RecordFault("url: expected one of \(Endpoint.allCases.map(\.path).joined(separator: ", ")); found \(kind(of: object["url"]))")
        }
        if endpoint == nil || endpoint == Endpoint.chatCompletions.path { try checkMessageList(body["messages"]) }
        guard given(object, "response") else { return false }
        guard object["response"] is [String: Any] else { throw RecordFault("response: expected an object; found \(kind(of: object["response"]))") }
        return true
    }

    private static func checkMessageList(_ value: Any?) throws(RecordFault) {
        guard let messages = value as? [Any] else { throw RecordFault("messages: expected a list; found \(kind(of: value))") }
        guard !messages.isEmpty else { throw RecordFault("messages: expected at least one message; found an empty list") }
        for (index, message) in messages.enumerated() where (message as? [String: Any])?["role"] as? String == nil {
            throw RecordFault("messages: expected an object with a role at index \(index); found \(kind(of: message))")
        }
    }

    private static func checkControls(_ object: [String: Any]) throws(RecordFault) {
        _ = try optionalText(object, "namespace")
        if given(object, "tags") {
            guard let tags = object["tags"] as? [Any], tags.allSatisfy({ ($0 as? String)?.isEmpty == false }) else {
                throw RecordFault("tags: expected a list of texts; found \(kind(of: object["tags"]))")
            }
        }
        guard given(object, "ttl") else { return }
        // As in X-Cache-TTL: a duration, or a number of seconds.
        let seconds = (object["ttl"] as? NSNumber)?.doubleValue ?? (object["ttl"] as? String).flatMap { Int($0) }.map(Double.init)
        let duration = (object["ttl"] as? String).flatMap { Duration(unitText: $0) }
        guard (duration.map { $0 > .zero } ?? seconds.map { $0 > 0 }) == true else {
            throw RecordFault("ttl: expected a duration such as 30s, 5m, 24h or 7d, or seconds; found \(kind(of: object["ttl"]))")
        }
    }

    /// A member such as `anwser` would silently turn an import into a paid call.
    private static func refuseTypingErrors(in object: [String: Any]) throws(RecordFault) {
        for name in object.keys.sorted() where !ownMembers.contains(name) && name.count > 2 {
            if let nearest = nearestName(to: name, among: ownMembers) {
                throw RecordFault("unknown member '\(printable(name))'; did you mean '\(nearest)'?")
            }
        }
    }

    private static func hint(for object: [String: Any]) -> String {
        for name in object.keys.sorted() {
            if let nearest = nearestName(to: name, among: ["prompt", "messages", "body"]) {
                return "; did you mean '\(nearest)' by '\(printable(name))'?"
            }
        }
        return ""
    }

    /// The line with the default model in it where the record names none.
    private static func withModel(_ bytes: [UInt8], _ object: [String: Any], form: String, defaultModel: String?) throws(RecordFault) -> [UInt8] {
        let holder = form == "body" ? object["body"] as? [String: Any] ?? [:] : object
        if given(holder, "model") {
            _ = try text(holder, "model")
            return bytes
        }
        guard let defaultModel else { throw RecordFault("no model: name one in the record, or for all records with --model") }
        do {
            if form != "body", object["model"] == nil, let brace = bytes.firstIndex(of: UInt8(ascii: "{")) {
                let member = try jsonBytes(["model": defaultModel]).dropFirst().dropLast()
                return Array(bytes[...brace] + member + [UInt8(ascii: ",")] + bytes[(brace + 1)...])
            }
            var changed = object
            changed["model"] = form == "body" ? nil : defaultModel
            if form == "body" { changed["body"] = holder.merging(["model": defaultModel]) { $1 } }
            return try jsonBytes(changed)
        } catch { throw RecordFault("this record cannot be written as JSON") }
    }

    // MARK: Members

    private static func given(_ object: [String: Any], _ name: String) -> Bool { object[name] != nil && !(object[name] is NSNull) }

    private static func text(_ object: [String: Any], _ name: String) throws(RecordFault) -> String {
        guard let text = object[name] as? String, !text.isEmpty else {
            throw RecordFault("\(name): expected some text; found \(kind(of: object[name]))")
        }
        return text
    }

    private static func optionalText(_ object: [String: Any], _ name: String) throws(RecordFault) -> String? {
        given(object, name) ? try text(object, name) : nil
    }

    private static func kind(of value: Any?) -> String {
        switch value {
        case nil, is NSNull: "nothing"
        case let text as String: text.isEmpty ? "an empty text" : "'\(shortened(printable(text), to: 40))'"
        case let list as [Any]: list.isEmpty ? "an empty list" : "a list"
        case is [String: Any]: "an object"
        case let number as NSNumber: "\(number)"
        default: "something else"
        }
    }

    private static func reason(of error: any Error) -> String {
        let details = (error as NSError).userInfo["NSDebugDescription"] as? String
        return printable(details ?? "it cannot be read")
    }
}
