import NIOCore

/// Bytes that are not RESP3, or more of it than any answer has.
struct RESPFault: Error, Equatable, CustomStringConvertible {
    let description: String
}

/// Reads RESP3, wherever the network cuts it. Pure.
///
/// What has come of a value is kept, so that no byte is read twice but those of an unfinished line. Streamed strings and aggregates, which no server
/// sends, are refused. Attributes are read and dropped: they describe the value that follows, and nothing here asks for them.
struct RESPParser {
    /// How much one answer may be. A length beyond is refused when it is read, before anything is kept for it.
    struct Limits {
        /// Bytes of a line: simple strings, errors, numbers and lengths.
        var line = 1 << 16
        /// Bytes of one string.
        var string = 128 << 20
        /// Bytes of a whole answer.
        var answer = 256 << 20
        /// Values of a whole answer.
        var values = 1 << 20
        /// How deep aggregates may stand in each other.
        var depth = 16
    }

    private enum Kind { case array, set, map, push, attribute }

    private enum Token {
        case value(RESPValue)
        case opening(Kind, count: Int)
    }

    /// An aggregate of which values are still to come.
    private struct Frame {
        let kind: Kind
        let count: Int
        var items: [RESPValue] = []
    }

    private let limits: Limits
    private var frames: [Frame] = []
    private var bytes = 0
    private var values = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    /// The next whole value, taken off the front of `buffer`; `nil` until more has come. After a fault nothing that follows can be understood.
    mutating func next(_ buffer: inout ByteBuffer) throws(RESPFault) -> RESPValue? {
        while true {
            let before = buffer.readableBytes
            guard let token = try token(&buffer) else { return nil }
            bytes += before - buffer.readableBytes
            values += 1
            guard bytes <= limits.answer else { throw RESPFault(description: "an answer of more than \(limits.answer) bytes") }
            guard values <= limits.values else { throw RESPFault(description: "an answer of more than \(limits.values) values") }
            if let whole = try take(token) {
                bytes = 0
                values = 0
                return whole
            }
        }
    }

    private mutating func take(_ token: Token) throws(RESPFault) -> RESPValue? {
        switch token {
        case .value(let value): return complete(value)
        case .opening(let kind, let count):
            guard frames.count < limits.depth else { throw RESPFault(description: "aggregates more than \(limits.depth) deep") }
            if count > 0 {
                frames.append(Frame(kind: kind, count: count))
                return nil
            }
            return Self.value(kind, []).flatMap { complete($0) }
        }
    }

    /// Puts a value where it belongs; the outermost value that this completes.
    private mutating func complete(_ value: RESPValue) -> RESPValue? {
        var value = value
        while var frame = frames.popLast() {
            frame.items.append(value)
            if frame.items.count < frame.count {
                frames.append(frame)
                return nil
            }
            guard let whole = Self.value(frame.kind, frame.items) else { return nil }
            value = whole
        }
        return value
    }

    /// `nil` for an attribute.
    private static func value(_ kind: Kind, _ items: [RESPValue]) -> RESPValue? {
        switch kind {
        case .array: .array(items)
        case .set: .set(items)
        case .push: .push(items)
        case .map: .map(stride(from: 0, to: items.count, by: 2).map { RESPValue.Pair(key: items[$0], value: items[$0 + 1]) })
        case .attribute: nil
        }
    }

    // MARK: Tokens

    /// One scalar, or the head of an aggregate; `nil` and nothing read when it has not come as a whole.
    private func token(_ buffer: inout ByteBuffer) throws(RESPFault) -> Token? {
        let start = buffer.readerIndex
        guard let type: UInt8 = buffer.getInteger(at: start) else { return nil }
        guard Self.types.contains(type) else { throw RESPFault(description: "no type of RESP3 begins with byte \(type)") }
        guard let line = try line(&buffer) else { return nil }
        switch type {
        case UInt8(ascii: "+"): return .value(.string(Array(line.utf8)))
        case UInt8(ascii: "-"): return .value(.error(line))
        case UInt8(ascii: ":"):
            guard let number = Int64(line) else { throw RESPFault(description: "the number '\(line.prefix(40))'") }
            return .value(.integer(number))
        case UInt8(ascii: ","):
            guard let number = Double(line) else { throw RESPFault(description: "the number '\(line.prefix(40))'") }
            return .value(.double(number))
        case UInt8(ascii: "("):
            let digits = line.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
            guard !digits.isEmpty, digits.count + 1 >= line.utf8.count, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else {
                throw RESPFault(description: "the number '\(line.prefix(40))'")
            }
            return .value(.bigNumber(line))
        case UInt8(ascii: "#"):
            guard line == "t" || line == "f" else { throw RESPFault(description: "the truth value '\(line.prefix(40))'") }
            return .value(.boolean(line == "t"))
        case UInt8(ascii: "_"):
            guard line.isEmpty else { throw RESPFault(description: "a null that says '\(line.prefix(40))'") }
            return .value(.null)
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            guard let value = try string(type, line, &buffer) else {
                buffer.moveReaderIndex(to: start)
                return nil
            }
            return .value(value)
        case UInt8(ascii: "*") where line == "-1": return .value(.null)
        default:
            let kind = Self.kind(type)
            let isOfPairs = kind == .map || kind == .attribute
            let count = try length(line, limit: limits.values / (isOfPairs ? 2 : 1))
            return .opening(kind, count: isOfPairs ? 2 * count : count)
        }
    }

    private static let types = Array("+-:,(#_$=!*~%>|".utf8)

    private static func kind(_ type: UInt8) -> Kind {
        switch type {
        case UInt8(ascii: "~"): .set
        case UInt8(ascii: "%"): .map
        case UInt8(ascii: ">"): .push
        case UInt8(ascii: "|"): .attribute
        default: .array
        }
    }

    /// What a line says after its type; the reader index goes past its end.
    private func line(_ buffer: inout ByteBuffer) throws(RESPFault) -> String? {
        let view = buffer.readableBytesView
        guard let end = view.prefix(limits.line).firstIndex(of: UInt8(ascii: "\n")) else {
            guard view.count < limits.line else { throw RESPFault(description: "a line of more than \(limits.line) bytes") }
            return nil
        }
        guard end > view.startIndex + 1, view[end - 1] == UInt8(ascii: "\r") else { throw RESPFault(description: "a line that ends without CR") }
        let line = String(decoding: view[(view.startIndex + 1)..<(end - 1)], as: UTF8.self)
        buffer.moveReaderIndex(to: end + 1)
        return line
    }

    private func length(_ line: String, limit: Int) throws(RESPFault) -> Int {
        guard !line.isEmpty, line.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { throw RESPFault(description: "the length '\(line.prefix(40))'") }
        guard let count = Int(line), count <= limit else { throw RESPFault(description: "the length \(line.prefix(40)), more than \(limit)") }
        return count
    }

    /// The string whose length was read; `nil` when it has not come as a whole.
    private func string(_ type: UInt8, _ line: String, _ buffer: inout ByteBuffer) throws(RESPFault) -> RESPValue? {
        if type == UInt8(ascii: "$"), line == "-1" { return .null }
        let count = try length(line, limit: limits.string)
        guard buffer.readableBytes >= count + 2 else { return nil }
        guard let bytes = buffer.readBytes(length: count), buffer.readInteger(as: UInt16.self) == 0x0D0A else {
            throw RESPFault(description: "a string of another length than it says")
        }
        switch type {
        case UInt8(ascii: "!"): return .error(String(decoding: bytes, as: UTF8.self))
        case UInt8(ascii: "="):
            // Three letters name the format.
            guard count >= 4, bytes[3] == UInt8(ascii: ":") else { throw RESPFault(description: "a verbatim string without format") }
            return .string(Array(bytes[4...]))
        default: return .string(bytes)
        }
    }
}
