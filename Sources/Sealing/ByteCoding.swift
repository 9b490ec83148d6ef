/// Values as bytes, one after the other: numbers little-endian, bytes and texts behind their count.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }

    package mutating func write(_ bool: Bool) { bytes.append(bool ? 1 : 0) }

    package mutating func write(_ part: [UInt8]) {
        write(UInt32(part.count))
        bytes += part
    }

    package mutating func write(_ text: String) { write(Array(text.utf8)) }

    /// A value that may not be there.
    package mutating func write<Value>(_ value: Value?, _ body: (inout ByteWriter, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    package mutating func write<Value>(each values: [Value], _ body: (inout ByteWriter, Value) -> Void) {
        write(UInt32(values.count))
        for value in values { body(&self, value) }
    }
}

/// Bytes that are not what was written.
package struct DamagedBytes: Error {
    package init() {}
}

/// Reads what a ``ByteWriter`` wrote. Throws ``DamagedBytes`` at the first value that cannot be one.
package struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private var place = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { place == bytes.count }

    package mutating func read<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(DamagedBytes) -> Number {
        let size = MemoryLayout<Number>.size
        guard bytes.count - place >= size else { throw DamagedBytes() }
        defer { place += size }
        return Number(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Number.self) })
    }

    package mutating func readBool() throws(DamagedBytes) -> Bool {
        switch try read(UInt8.self) {
        case 0: false
        case 1: true
        default: throw DamagedBytes()
        }
    }

    package mutating func readBytes() throws(DamagedBytes) -> [UInt8] {
        let count = Int(try read(UInt32.self))
        guard bytes.count - place >= count else { throw DamagedBytes() }
        defer { place += count }
        return Array(bytes[place..<place + count])
    }

    package mutating func readText() throws(DamagedBytes) -> String {
        guard let text = String(validating: try readBytes(), as: UTF8.self) else { throw DamagedBytes() }
        return text
    }

    package mutating func readOptional<Value>(_ body: (inout ByteReader) throws(DamagedBytes) -> Value) throws(DamagedBytes) -> Value? {
        try readBool() ? try body(&self) : nil
    }

    package mutating func readEach<Value>(_ body: (inout ByteReader) throws(DamagedBytes) -> Value) throws(DamagedBytes) -> [Value] {
        let count = Int(try read(UInt32.self))
        // No value takes less than a byte: a damaged count must not make room for what is not there.
        guard count <= bytes.count - place else { throw DamagedBytes() }
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try body(&self)) }
        return values
    }
}
