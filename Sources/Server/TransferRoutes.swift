import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Proxy
import SemanticCache

/// `GET /cache/export` and `POST /cache/import`: the cache as lines of JSON, streamed out and taken in.
struct TransferRoutes: Sendable {
    let transfer: EntryTransfer

    /// The entries that a selector means, oldest first, one a line.
    ///
    /// The number of lines to come stands in `X-Cache-Entries`. An entry that leaves while the export runs is left out.
    func export(_ selector: EntrySelector, after cursor: EntryID?) async throws(AdministrationError) -> Response {
        let ids = try await transfer.ids(selector, after: cursor)
        let transfer = transfer
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheEntries: "\(ids.count)"],
            body: ResponseBody { writer in
                var buffer: [UInt8] = []
                for id in ids {
                    guard let record = await transfer.record(id), let line = TransferRecord.line(record) else { continue }
                    buffer += line
                    // Pieces of some size, so that a slow reader holds up the export and not the memory.
                    if buffer.count > 256 << 10 {
                        try await writer.write(ByteBuffer(bytes: buffer))
                        buffer = []
                    }
                }
                if !buffer.isEmpty { try await writer.write(ByteBuffer(bytes: buffer)) }
                try await writer.finish(nil)
            })
    }

    /// The same for the whole cache, in the engine's order; `nil` where there is no engine that is asked. One that fails in the middle breaks the export
    /// off.
    func exportWhole(_ selector: EntrySelector) async throws(AdministrationError) -> Response? {
        guard let outflow = try await transfer.outflow(selector) else { return nil }
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheEntries: "\(outflow.count)"],
            body: ResponseBody { writer in
                var buffer: [UInt8] = []
                var rest = outflow
                while let records = try await rest.next() {
                    for record in records {
                        if let line = TransferRecord.line(record) { buffer += line }
                        guard buffer.count > 256 << 10 else { continue }
                        try await writer.write(ByteBuffer(bytes: buffer))
                        buffer = []
                    }
                }
                if !buffer.isEmpty { try await writer.write(ByteBuffer(bytes: buffer)) }
                try await writer.finish(nil)
            })
    }

    /// What an import did.
    struct Report: Encodable {
        struct Failure: Encodable { let line: Int, message: String }

        var imported = 0
        var already = 0
        var expired = 0
        var failed = 0
        /// The first hundred.
        var errors: [Failure] = []

        mutating func fail(_ line: Int, _ message: String) {
            failed += 1
            if errors.count < 100 { errors.append(Failure(line: line, message: message)) }
        }
    }

    /// Takes in the lines of a body as they come. A bad line is reported and costs no other.
    func take(_ body: some AsyncSequence<ByteBuffer, any Error>, _ note: AuditNote) async throws -> Report {
        var report = Report()
        var rest: [UInt8] = []
        var number = 0
        var records: [CacheRecord] = []
        var held = 0
        func flush() async {
            let taken = await transfer.take(records)
            records = []
            held = 0
            report.imported += taken.imported
            report.already += taken.already
            report.expired += taken.expired
            note.add(["imported": "\(report.imported)", "already": "\(report.already)"])
        }
        func read(_ line: some Collection<UInt8>) {
            number += 1
            held += line.count
            guard line.contains(where: { $0 > 0x20 }) else { return }
            do throws(TransferRecord.Failure) { records.append(try TransferRecord.read(line)) } catch { report.fail(number, error.message) }
        }
        for try await chunk in body {
            let bytes = Array(chunk.readableBytesView)
            var start = 0
            while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
                rest += bytes[start..<end]
                read(rest)
                rest = []
                start = end + 1
                if records.count >= 256 || held >= Self.heldLimit { await flush() }
            }
            rest += bytes[start...]
            guard rest.count <= Self.lineLimit else {
                report.fail(number + 1, "the line is longer than \(Self.lineLimit) bytes; it and what follows is not imported")
                await flush()
                return report
            }
        }
        if !rest.isEmpty { read(rest) }
        await flush()
        return report
    }

    /// Bytes of lines that are read before the store is waited for.
    private static let heldLimit = 16 << 20

    /// The longest line that is taken: an answer of the largest size with its vector.
    private static let lineLimit = 128 << 20
}

extension HTTPField.Name {
    /// How many entries an export holds. The name is a valid token.
    static let cacheEntries = Self("X-Cache-Entries")!
}
