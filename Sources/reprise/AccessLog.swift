import Foundation
import HTTPTypes
import Proxy
import SemanticCache
import Settings
import WireFormats

/// The access-log file: one JSON line a request, in a form that `reprise warm` and `reprise evaluate` read back where it holds what was asked.
///
/// A line with a `body` is a warm-up record (`custom_id`, `method`, `url`, `body`, perhaps `response`) with figures beside it. The answer stands
/// there when it is the request's own: from the model or by exact repeat, never one that was given for another wording.
struct AccessLog: RequestObserver {
    let content: Settings.AccessContent
    /// Whether what was asked may be kept; what is never stored does not lie in a log either.
    let mayKeep: @Sendable (_ body: [UInt8]) -> Bool
    let sink: LineSink

    func observe(_ record: RequestRecord) { sink.add(line(record)) }

    /// The line with its line feed.
    func line(_ record: RequestRecord) -> [UInt8] {
        var line = Array("{\"time\":\"".utf8)
        line.reserveCapacity(1024 + (content == .none ? 0 : record.body.count))
        LineText.append(time: record.time, to: &line)
        line += "\",\"custom_id\":".utf8
        LineText.append(quoted: record.id, to: &line)
        line += ",\"method\":".utf8
        LineText.append(quoted: record.method.rawValue, to: &line)
        line += ",\"url\":".utf8
        LineText.append(quoted: record.path, to: &line)
        record.appendOutcome(to: &line)
        // The id stands as custom_id already.
        for fact in record.facts.dropFirst() { fact.append(to: &line) }
        if !record.tags.isEmpty {
            line += ",\"tags\":".utf8
            var separator = UInt8(ascii: "[")
            for tag in record.tags {
                line.append(separator)
                LineText.append(quoted: tag, to: &line)
                separator = UInt8(ascii: ",")
            }
            line.append(UInt8(ascii: "]"))
        }
        if content != .none, record.content != nil, mayKeep(record.body) {
            line += ",\"body\":".utf8
            Self.append(json: record.body, to: &line)
            if content == .answers, let response = Self.ownAnswer(record) {
                line += ",\"response\":".utf8
                Self.append(json: response, to: &line)
            }
        }
        line += "}\n".utf8
        return line
    }

    /// Whether this is a line of an access log that does not hold what was asked: one that passed through, or from a log of figures only.
    static func isLineWithoutRequest(_ bytes: [UInt8]) -> Bool {
        guard let object = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] else { return false }
        return object["body"] == nil && ["custom_id", "cache", "duration_ms", "status"].allSatisfy { object[$0] != nil }
    }

    /// The answer that belongs to this very request, as a plain body.
    private static func ownAnswer(_ record: RequestRecord) -> [UInt8]? {
        if case .semantic = record.outcome.hit?.match { return nil }
        guard let answer = record.answer, let endpoint = record.endpoint, !record.isBroken else { return nil }
        switch answer.recording {
        case .message(let bytes): return bytes
        case .events(let events): return AnswerRenderer.message(from: events, endpoint: endpoint)
        }
    }

    /// Appends a JSON text on one line: it was read as JSON before, so a line break can only be space between two tokens.
    private static func append(json: [UInt8], to line: inout [UInt8]) {
        for byte in json { line.append(byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") ? UInt8(ascii: " ") : byte) }
    }
}
