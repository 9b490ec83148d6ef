import CPostgres
import SemanticCache

/// What a statement gave, read where libpq put it.
///
/// `@unchecked Sendable`: a result is never changed once libpq has handed it out, and knows nothing of its connection.
final class ResultRows: @unchecked Sendable {
    private let result: OpaquePointer
    /// How many rows came.
    let count: Int

    init(_ result: OpaquePointer) {
        self.result = result
        count = Int(PQntuples(result))
    }

    deinit { PQclear(result) }

    /// How many rows the statement added, changed or removed.
    var affected: Int { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }

    func isNull(_ row: Int, _ column: Int) -> Bool { PQgetisnull(result, Int32(row), Int32(column)) != 0 }

    /// The bytes of a field, as long as this lives; `nil` for NULL and for a column that is not there.
    private func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        guard row < count, column < Int(PQnfields(result)), !isNull(row, column), let start = PQgetvalue(result, Int32(row), Int32(column)) else {
            return nil
        }
        return UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, Int32(row), Int32(column))))
    }

    func bytes(_ row: Int, _ column: Int) -> [UInt8]? { field(row, column).map { Array($0) } }

    func text(_ row: Int, _ column: Int) -> String? { field(row, column).map { String(decoding: $0, as: UTF8.self) } }

    func digest(_ row: Int, _ column: Int) -> Digest256? { field(row, column).flatMap { Digest256($0) } }

    func bool(_ row: Int, _ column: Int) -> Bool? { field(row, column).flatMap { $0.count == 1 ? $0[0] != 0 : nil } }

    /// `integer` or `bigint`.
    func int(_ row: Int, _ column: Int) -> Int64? {
        guard let field = field(row, column) else { return nil }
        switch field.count {
        case 4: return Int64(Int32(bigEndian: field.loadUnaligned(as: Int32.self)))
        case 8: return Int64(bigEndian: field.loadUnaligned(as: Int64.self))
        default: return nil
        }
    }

    func word(_ row: Int, _ column: Int) -> UInt64? { int(row, column).map { UInt64(bitPattern: $0) } }

    func time(_ row: Int, _ column: Int) -> Timestamp? { int(row, column).map(PostgresTime.timestamp) }

    /// `double precision`.
    func double(_ row: Int, _ column: Int) -> Double? {
        guard let field = field(row, column), field.count == 8 else { return nil }
        return Double(bitPattern: UInt64(bigEndian: field.loadUnaligned(as: UInt64.self)))
    }

    /// `bigint[]` of one dimension.
    func words(_ row: Int, _ column: Int) -> [UInt64]? {
        guard let field = field(row, column), field.count >= 12 else { return nil }
        func number(_ offset: Int) -> Int { Int(Int32(bigEndian: field.loadUnaligned(fromByteOffset: offset, as: Int32.self))) }
        if number(0) == 0 { return [] }
        guard number(0) == 1, field.count >= 20, number(12) >= 0, field.count == 20 + 12 * number(12) else { return nil }
        return (0..<number(12)).map { UInt64(bigEndian: field.loadUnaligned(fromByteOffset: 24 + 12 * $0, as: UInt64.self)) }
    }

    /// pgvector's `vector`.
    func vector(_ row: Int, _ column: Int) -> UnitVector? {
        guard let field = field(row, column), field.count >= 4 else { return nil }
        let dimension = Int(UInt16(bigEndian: field.loadUnaligned(as: UInt16.self)))
        guard field.count == 4 + 4 * dimension else { return nil }
        return UnitVector(
            normalizing: (0..<dimension).map {
                Float(bitPattern: UInt32(bigEndian: field.loadUnaligned(fromByteOffset: 4 + 4 * $0, as: UInt32.self)))
            })
    }
}
