/// Writes metrics in the Prometheus text format, version 0.0.4.
///
/// Bytes are appended to one buffer; a scrape of 10,000 lines costs about a millisecond.
package struct Exposition: Sendable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    package private(set) var bytes: [UInt8] = []
    private var name: [UInt8] = []

    package init() { bytes.reserveCapacity(64 << 10) }

    /// The value of the response's `Content-Type`.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Begins a family: what follows are its samples.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = Array(name.utf8)
        bytes += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n".utf8
    }

    /// A family with one sample and no labels.
    package mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        family(name, kind, help)
        sample(value)
    }

    /// The same for a number that need not be whole.
    package mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        family(name, kind, help)
        sample(value)
    }

    /// A sample of the family.
    package mutating func sample(_ value: Int, _ labels: KeyValuePairs<String, String> = [:]) {
        begin(labels)
        finish(value)
    }

    package mutating func sample(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
        begin(labels)
        finish(value)
    }

    /// A sample whose labels are already written, braces included.
    mutating func sample(_ value: Int, labels: [UInt8]) {
        bytes += name
        bytes += labels
        finish(value)
    }

    /// A sample with one label, whose value is already quoted, and perhaps a second.
    mutating func sample(_ value: Int, _ label: String, quoted: [UInt8], second: String = "") {
        begin(label, quoted, second)
        finish(value)
    }

    mutating func sample(_ value: Double, _ label: String, quoted: [UInt8], second: String = "") {
        begin(label, quoted, second)
        finish(value)
    }

    /// The samples of a histogram: cumulative counts at their bounds, then the total under `+Inf`, the sum and the count.
    package mutating func histogram(
        _ buckets: some Sequence<(bound: Double, count: Int)>, total: Int, sum: Double, _ labels: KeyValuePairs<String, String> = [:]
    ) {
        let inner = labels.map { "\($0.key)=" + String(decoding: Self.quoted($0.value), as: UTF8.self) + "," }.joined()
        func line(_ exposition: inout Self, _ bound: String, _ count: Int) {
            exposition.bytes += exposition.name
            exposition.bytes += "_bucket{\(inner)le=\"\(bound)\"} \(count)\n".utf8
        }
        for bucket in buckets { line(&self, "\(bucket.bound)", bucket.count) }
        line(&self, "+Inf", total)
        let outer = inner.isEmpty ? "" : "{\(inner.dropLast())}"
        bytes += name
        bytes += "_sum\(outer) \(sum)\n".utf8
        bytes += name
        bytes += "_count\(outer) \(total)\n".utf8
    }

    /// The samples of a histogram of durations.
    package mutating func histogram(_ latencies: LatencyHistogram, _ labels: KeyValuePairs<String, String> = [:]) {
        let (buckets, total, sum) = latencies.cumulative
        histogram(buckets.lazy.map { (bound: $0.bound, count: $0.count) }, total: total, sum: sum, labels)
    }

    private mutating func begin(_ labels: KeyValuePairs<String, String>) {
        bytes += name
        guard !labels.isEmpty else { return }
        var separator = UInt8(ascii: "{")
        for (label, value) in labels {
            bytes.append(separator)
            bytes += label.utf8
            bytes.append(UInt8(ascii: "="))
            bytes += Self.quoted(value)
            separator = UInt8(ascii: ",")
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func begin(_ label: String, _ quoted: [UInt8], _ second: String) {
        bytes += name
        bytes.append(UInt8(ascii: "{"))
        bytes += label.utf8
        bytes.append(UInt8(ascii: "="))
        bytes += quoted
        bytes += second.utf8
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func finish(_ value: Int) {
        bytes.append(UInt8(ascii: " "))
        bytes += String(value).utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func finish(_ value: Double) {
        bytes.append(UInt8(ascii: " "))
        // `Double` writes nan and inf in small letters, which is not the format's way.
        bytes += (value.isFinite ? "\(value)" : value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf").utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    /// `text` in quotes, as the value of a label: backslashes, quotes and line feeds escaped.
    static func quoted(_ text: String) -> [UInt8] {
        var result: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): result += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): result += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            default: result.append(byte)
            }
        }
        result.append(UInt8(ascii: "\""))
        return result
    }
}
