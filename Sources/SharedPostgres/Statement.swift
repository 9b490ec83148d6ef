import SemanticCache

/// One statement with its parameters, sent unnamed: the engine plans it for these values. A named one is planned for any from the sixth time on,
/// which in a large scope searches seventeen times as long.
struct Statement: Sendable {
    let sql: String
    var parameters: [Parameter] = []
}

/// A value as the engine's binary protocol wants it.
struct Parameter: Sendable {
    /// The type's number in the engine's catalogue; 0 where the statement itself says the type.
    let type: UInt32
    /// `nil` is NULL.
    let bytes: [UInt8]?

    static func bytes(_ value: [UInt8]?) -> Parameter { Parameter(type: 17, bytes: value) }
    static func digest(_ value: Digest256?) -> Parameter { .bytes(value?.bytes) }
    static func text(_ value: String?) -> Parameter { Parameter(type: 25, bytes: value.map { Array($0.utf8) }) }
    static func int(_ value: Int32?) -> Parameter { Parameter(type: 23, bytes: value.map { $0.bigEndianBytes }) }
    static func int(_ value: Int64?) -> Parameter { Parameter(type: 20, bytes: value.map { $0.bigEndianBytes }) }
    /// Words without meaning have no sign.
    static func word(_ value: UInt64?) -> Parameter { .int(value.map { Int64(bitPattern: $0) }) }
    static func time(_ value: Timestamp) -> Parameter { Parameter(type: 1184, bytes: PostgresTime.microseconds(of: value).bigEndianBytes) }
    static func words(_ values: [UInt64]) -> Parameter { Parameter(type: 1016, bytes: array(of: 20, values.map { $0.bigEndianBytes })) }
    static func digests(_ values: [Digest256]) -> Parameter { Parameter(type: 1001, bytes: array(of: 17, values.map(\.bytes))) }

    /// pgvector's `vector`, whose number is another in each database: the number of components, a word that is zero, and the components.
    static func vector(_ value: UnitVector?) -> Parameter {
        guard let value else { return Parameter(type: 0, bytes: nil) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + 4 * value.dimension)
        bytes += UInt16(truncatingIfNeeded: value.dimension).bigEndianBytes + [0, 0]
        for component in value.components { withUnsafeBytes(of: component.bitPattern.bigEndian) { bytes.append(contentsOf: $0) } }
        return Parameter(type: 0, bytes: bytes)
    }

    /// One dimension, no NULLs, the type of the elements, how many, counted from one; then each with its length.
    private static func array(of type: UInt32, _ elements: [[UInt8]]) -> [UInt8] {
        guard !elements.isEmpty else { return Int32(0).bigEndianBytes + Int32(0).bigEndianBytes + type.bigEndianBytes }
        var bytes = Int32(1).bigEndianBytes + Int32(0).bigEndianBytes + type.bigEndianBytes
        bytes += Int32(elements.count).bigEndianBytes + Int32(1).bigEndianBytes
        for element in elements { bytes += Int32(element.count).bigEndianBytes + element }
        return bytes
    }
}

/// `timestamptz`: microseconds since 2000, and the ends of time by name.
enum PostgresTime {
    private static let epoch: Int64 = 946_684_800_000
    /// What the type holds: the year 4713 before to 294276 after our era.
    private static let range: ClosedRange<Int64> = -210_866_803_200_000...9_223_371_331_199_999

    static func microseconds(of time: Timestamp) -> Int64 {
        if time.milliseconds < range.lowerBound + epoch { return .min }
        if time.milliseconds > range.upperBound { return .max }
        return (time.milliseconds - epoch) * 1000
    }

    static func timestamp(_ microseconds: Int64) -> Timestamp {
        switch microseconds {
        case .min, .max: Timestamp(milliseconds: microseconds)
        default: Timestamp(milliseconds: (microseconds >= 0 ? microseconds : microseconds - 999) / 1000 + epoch)
        }
    }
}

extension FixedWidthInteger {
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
