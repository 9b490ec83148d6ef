/// One value of RESP3, the protocol that Redis and Valkey speak.
indirect enum RESPValue: Sendable, Equatable {
    struct Pair: Sendable, Equatable {
        let key: RESPValue
        let value: RESPValue
    }

    case null
    /// Any bytes: simple, bulk and verbatim strings.
    case string([UInt8])
    /// An answer that says what went wrong: `CODE text`.
    case error(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// Decimal digits.
    case bigNumber(String)
    case array([RESPValue])
    case set([RESPValue])
    case map([Pair])
    /// Said unasked; answers no command.
    case push([RESPValue])

    var bytes: [UInt8]? { if case .string(let bytes) = self { bytes } else { nil } }

    /// The string, where it is one and its bytes are text.
    var text: String? { bytes.flatMap { String(validating: $0, as: UTF8.self) } }

    /// A number, whether it came as one or as its digits.
    var number: Int64? {
        switch self {
        case .integer(let number): number
        case .string: text.flatMap { Int64($0) }
        default: nil
        }
    }

    var items: [RESPValue]? {
        switch self {
        case .array(let items), .set(let items), .push(let items): items
        default: nil
        }
    }

    /// The value of a map's key; `nil` where this is no map, or has no such key.
    subscript(_ name: String) -> RESPValue? {
        guard case .map(let pairs) = self else { return nil }
        return pairs.first { $0.key.text == name }?.value
    }
}
