package import Foundation
package import HTTPTypes
package import SemanticCache

/// A vector as float32, little-endian, one after the other.
package enum VectorCoding {
    package static func encode(_ vector: UnitVector) -> Data {
        var data = Data(capacity: vector.dimension * 4)
        for value in vector.components { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
        return data
    }

    /// `nil` when the count is not a multiple of four or the vector has no length.
    package static func decode(_ data: Data) -> UnitVector? {
        guard data.count.isMultiple(of: 4) else { return nil }
        let components = data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
        return UnitVector(normalizing: components)
    }
}

/// The marks of a stream: pairs of 32-bit numbers, little-endian.
package enum MarksCoding {
    package static func encode(_ marks: [EventRecording.Mark]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(marks.count * 8)
        for mark in marks {
            for value in [mark.end, mark.milliseconds] { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        }
        return bytes
    }

    /// `nil` when the marks do not ascend or leave the stream's `byteCount` bytes.
    package static func decode(_ data: Data, byteCount: Int) -> [EventRecording.Mark]? {
        guard data.count.isMultiple(of: 8) else { return nil }
        var marks: [EventRecording.Mark] = []
        marks.reserveCapacity(data.count / 8)
        var last: UInt32 = 0
        let isAscending = data.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: bytes.count, by: 8) {
                let end = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                let milliseconds = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
                guard end >= last, Int(end) <= byteCount else { return false }
                last = end
                marks.append(.init(end: end, milliseconds: milliseconds))
            }
            return true
        }
        return isAscending ? marks : nil
    }
}

/// Header fields as lines `name: value`; neither can contain a line break.
package enum FieldsCoding {
    package static func encode(_ fields: HTTPFields) -> String {
        fields.map { "\($0.name.rawName): \($0.value)" }.joined(separator: "\n")
    }

    package static func decode(_ text: String?) -> HTTPFields? {
        guard let text else { return nil }
        var fields = HTTPFields()
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else { return nil }
            fields.append(HTTPField(name: name, value: String(line[line.index(after: colon)...].dropFirst())))
        }
        return fields
    }
}
