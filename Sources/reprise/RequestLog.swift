import HTTPTypes
import Proxy
import SemanticCache
import WireFormats

/// One line a request at level `info`, in the form of the other log lines.
struct RequestLog: RequestObserver {
    let format: LogLines.Format
    /// Whether prompts may stand in the line.
    let showsPrompts: Bool
    let sink: LineSink

    func observe(_ record: RequestRecord) { sink.add(line(record)) }

    /// The line with its line feed.
    func line(_ record: RequestRecord) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(512)
        switch format {
        case .text: appendText(record, to: &line)
        case .json: appendJSON(record, to: &line)
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// `time INFO POST /v1/chat/completions 200 hit exact 0.421 ms`, then the rest as `name=value`.
    private func appendText(_ record: RequestRecord, to line: inout [UInt8]) {
        LineText.append(time: record.time, to: &line)
        // Piece by piece, here and below: an interpolation costs more than all that is written.
        line += " INFO ".utf8
        line += record.method.rawValue.utf8
        line.append(UInt8(ascii: " "))
        line += LogLines.oneLine(record.path).utf8
        line.append(UInt8(ascii: " "))
        line += String(record.status).utf8
        line.append(UInt8(ascii: " "))
        line += record.outcome.word.utf8
        if let detail = record.outcome.detail {
            line.append(UInt8(ascii: " "))
            line += detail.utf8
        }
        line.append(UInt8(ascii: " "))
        LineText.append(milliseconds: record.duration, to: &line)
        line += " ms".utf8
        for fact in facts(record) {
            line.append(UInt8(ascii: " "))
            line += fact.name.utf8
            line.append(UInt8(ascii: "="))
            line += LogLines.oneLine(fact.value.text).utf8
        }
    }

    private func appendJSON(_ record: RequestRecord, to line: inout [UInt8]) {
        line += "{\"time\":\"".utf8
        LineText.append(time: record.time, to: &line)
        line += "\",\"level\":\"info\",\"logger\":\"reprise\",\"message\":\"request\",\"method\":".utf8
        LineText.append(quoted: record.method.rawValue, to: &line)
        line += ",\"path\":".utf8
        LineText.append(quoted: record.path, to: &line)
        record.appendOutcome(to: &line)
        for fact in facts(record) { fact.append(to: &line) }
        line.append(UInt8(ascii: "}"))
    }

    private func facts(_ record: RequestRecord) -> [RecordFact] {
        var facts = record.facts
        if showsPrompts, let query = record.content?.query { facts.append(RecordFact("prompt", .text(query))) }
        return facts
    }
}

/// One thing that is known of a request.
struct RecordFact {
    enum Value {
        case text(String)
        case number(String)
        case flag

        var text: String {
            switch self {
            case .text(let text), .number(let text): text
            case .flag: "true"
            }
        }
    }

    let name: String
    let value: Value

    init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    /// Appends `,"name":value`.
    func append(to line: inout [UInt8]) {
        line += ",\"".utf8
        line += name.utf8
        line += "\":".utf8
        switch value {
        case .text(let text): LineText.append(quoted: text, to: &line)
        case .number, .flag: line += value.text.utf8
        }
    }
}

extension RequestRecord {
    /// Writes what became of the request as members of an open JSON object, a comma before each: `status`, `cache`, `match` or `reason`, `duration_ms`.
    func appendOutcome(to line: inout [UInt8]) {
        line += ",\"status\":".utf8
        line += String(status).utf8
        line += ",\"cache\":\"".utf8
        line += outcome.word.utf8
        if let detail = outcome.detail {
            line += isHit ? "\",\"match\":\"".utf8 : "\",\"reason\":\"".utf8
            line += detail.utf8
        }
        line += "\",\"duration_ms\":".utf8
        LineText.append(milliseconds: duration, to: &line)
    }

    var isHit: Bool { outcome.hit != nil }

    /// Everything but time, method, path, status and outcome, and no prompt.
    var facts: [RecordFact] {
        var facts: [RecordFact] = []
        // As many as a hit has, and some more.
        facts.reserveCapacity(12)
        facts.append(RecordFact("request", .text(id)))
        if !model.isEmpty { facts.append(RecordFact("model", .text(model))) }
        if let tenant { facts.append(RecordFact("tenant", .text(tenant.description))) }
        if !namespace.isEmpty { facts.append(RecordFact("namespace", .text(namespace))) }
        if let entry = outcome.hit?.entry { facts.append(RecordFact("entry", .text(entry.description))) }
        // Most hits are this proxy's own; a word more in each of their lines would say nothing.
        if let tier = outcome.hit?.tier, tier != .local { facts.append(RecordFact("tier", .text(tier.rawValue))) }
        if outcome.isCollapsed { facts.append(RecordFact("collapsed", .flag)) }
        if let similarity { facts.append(RecordFact("similarity", .number(similarity.fourDecimals))) }
        if let usage = answer?.usage {
            facts.append(RecordFact("prompt_tokens", .number(String(usage.prompt))))
            facts.append(RecordFact("completion_tokens", .number(String(usage.completion))))
        }
        if let notStored { facts.append(RecordFact("not_stored", .text(notStored.rawValue))) }
        facts.append(RecordFact("bytes", .number(String(responseBytes))))
        if isBroken { facts.append(RecordFact("broken", .flag)) }
        if let traceID { facts.append(RecordFact("trace_id", .text(traceID))) }
        return facts
    }
}

extension Float {
    fileprivate var fourDecimals: String { isFinite ? "\((Double(self) * 10_000).rounded() / 10_000)" : "0" }
}
