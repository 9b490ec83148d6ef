import Foundation
import Logging
import Settings
import Synchronization

/// Writes log records to standard error, one line each: text for people on a terminal, JSON for machines.
struct LogLines: LogHandler {
    enum Format: Sendable {
        case text
        case json
    }

    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: Format

    init(label: String, level: Logger.Level, format: Format) {
        self.label = label
        self.logLevel = level
        self.format = format
    }

    /// A logger after the settings; `auto` is text on a terminal, else JSON.
    static func logger(_ settings: Settings.Log) -> Logger {
        let format = Self.format(settings)
        let level = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        return Logger(label: "reprise") { LogLines(label: $0, level: level, format: format) }
    }

    /// The form of the settings; `auto` is text on a terminal, else JSON.
    static func format(_ settings: Settings.Log) -> Format {
        switch settings.format {
        case .text: .text
        case .json: .json
        case .auto: isatty(STDERR_FILENO) == 1 ? .text : .json
        }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
        let time = Date().formatted(.iso8601.year().month().day().timeZone(separator: .omitted).time(includingFractionalSeconds: true))
        var line: String
        switch format {
        case .text:
            line = "\(time) \(event.level.rawValue.uppercased()) \(event.message)"
            for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.oneLine("\(value)"))" }
        case .json:
            line =
                "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"logger\":\(Self.quoted(label)),\"message\":\(Self.quoted("\(event.message)"))"
            for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += ",\(Self.quoted(key)):\(Self.quoted("\(value)"))" }
            line += "}"
        }
        line += "\n"
        // One write a line, so that lines of several threads never mix.
        let bytes = Array(line.utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Line breaks and control characters would let a request forge log lines.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0 == " " || $0 == "\"" || $0.value == 0x7F }) else { return text }
        return quoted(text)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                result += "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count) + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
