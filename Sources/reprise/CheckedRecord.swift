import Foundation
import Settings
import WireFormats

/// One record of a warm-up file, checked and ready to be posted.
struct CheckedRecord: Equatable, Sendable {
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

extension CheckedRecord {
    /// Checks one line of JSONL as the proxy will read it, and for what people mistype. The line is kept byte for byte, so that no number in it
    /// changes; only a missing model is put in.
    init(jsonLine bytes: [UInt8], defaultModel: String?) throws(RecordFault) {
        let record: WarmLine
        do throws(WarmRecordError) { record = try WarmLine(bytes, defaultModel: defaultModel, isStrict: true) } catch {
            throw RecordFault(printable(error.description) + Self.hint(for: error.unknownNames))
        }
        if record.form != .body { try Self.refuseTypingErrors(in: record.names) }
        hasAnswer = record.hasAnswer
        if record.namesModel {
            line = bytes
        } else {
            guard let defaultModel else { throw RecordFault("no model: name one in the record, or for all records with --model") }
            line = record.naming(model: defaultModel)
        }
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

    /// A member such as `anwser` would silently turn an import into a paid call.
    private static func refuseTypingErrors(in names: [String]) throws(RecordFault) {
        for name in names.sorted() where !WarmLine.memberNames.contains(name) && name.count > 2 {
            if let nearest = nearestName(to: name, among: WarmLine.memberNames) {
                throw RecordFault("unknown member '\(printable(name))'; did you mean '\(nearest)'?")
            }
        }
    }

    private static func hint(for names: [String]) -> String {
        for name in names.sorted() {
            if let nearest = nearestName(to: name, among: WarmLine.Form.allCases.map(\.rawValue)) {
                return "; did you mean '\(nearest)' by '\(printable(name))'?"
            }
        }
        return ""
    }
}
