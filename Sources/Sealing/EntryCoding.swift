package import SemanticCache
import Foundation

/// An entry's metadata as bytes.
package enum MetadataCoding {
    package static func write(_ metadata: EntryMetadata, to writer: inout ByteWriter) {
        writer.write(metadata.id.rawValue)
        writer.write(metadata.key.digest.bytes)
        writer.write(metadata.scope) { $0.write($1.digest.bytes) }
        writer.write(metadata.tenant.digest.bytes)
        writer.write(metadata.namespace)
        writer.write(metadata.endpoint.rawValue)
        writer.write(metadata.model)
        writer.write(each: metadata.tags) { $0.write($1) }
        writer.write(metadata.query)
        writer.write(metadata.createdAt.milliseconds)
        writer.write(metadata.expiresAt.milliseconds)
    }

    package static func read(_ reader: inout ByteReader) throws(DamagedBytes) -> EntryMetadata {
        let id = EntryID(rawValue: try reader.read())
        let key = CacheKey(try digest(&reader))
        let scope = try reader.readOptional { (reader) throws(DamagedBytes) in Scope(try digest(&reader)) }
        let tenant = TenantID(try digest(&reader))
        let namespace = try reader.readText()
        guard let endpoint = Endpoint(rawValue: try reader.readText()) else { throw DamagedBytes() }
        return EntryMetadata(
            id: id, key: key, scope: scope, tenant: tenant, namespace: namespace, endpoint: endpoint, model: try reader.readText(),
            tags: try reader.readEach { (reader) throws(DamagedBytes) in try reader.readText() }, query: try reader.readText(),
            createdAt: Timestamp(milliseconds: try reader.read()), expiresAt: Timestamp(milliseconds: try reader.read()))
    }

    package static func digest(_ reader: inout ByteReader) throws(DamagedBytes) -> Digest256 {
        guard let digest = Digest256(bytes: try reader.readBytes()) else { throw DamagedBytes() }
        return digest
    }
}

/// An answer as bytes.
package enum AnswerCoding {
    private static let isEvents: UInt8 = 1
    private static let tellsUsageRegardless: UInt8 = 2
    private static let isStandIn: UInt8 = 4

    package static func encode(_ answer: Answer) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(
            (answer.recording.isEvents ? isEvents : 0) | (answer.tellsUsageRegardless ? tellsUsageRegardless : 0)
                | (answer.isStandIn ? isStandIn : 0))
        switch answer.recording {
        case .message(let bytes): writer.write(bytes)
        case .events(let events):
            writer.write(events.bytes)
            writer.write(MarksCoding.encode(events.marks))
        }
        writer.write(FieldsCoding.encode(answer.fields))
        writer.write(answer.usage) { writer, usage in
            for count in [usage.prompt, usage.completion, usage.cachedPrompt] { writer.write(Int64(count)) }
        }
        writer.write(answer.upstreamTime.wholeMilliseconds)
        return writer.bytes
    }

    /// `nil` when it is not what was written.
    package static func decode(_ bytes: [UInt8]) -> Answer? {
        var reader = ByteReader(bytes)
        guard let answer = try? read(&reader), reader.isAtEnd else { return nil }
        return answer
    }

    private static func read(_ reader: inout ByteReader) throws(DamagedBytes) -> Answer {
        let form = try reader.read(UInt8.self)
        let bytes = try reader.readBytes()
        var recording = Recording.message(bytes)
        if form & isEvents != 0 {
            guard let marks = MarksCoding.decode(Data(try reader.readBytes()), byteCount: bytes.count) else { throw DamagedBytes() }
            recording = .events(EventRecording(bytes: bytes, marks: marks))
        }
        guard let fields = FieldsCoding.decode(try reader.readText()) else { throw DamagedBytes() }
        let usage = try reader.readOptional { (reader) throws(DamagedBytes) in
            TokenUsage(
                prompt: Int(try reader.read(Int64.self)), completion: Int(try reader.read(Int64.self)),
                cachedPrompt: Int(try reader.read(Int64.self)))
        }
        return Answer(
            recording: recording, fields: fields, usage: usage, upstreamTime: .milliseconds(try reader.read(Int64.self)),
            tellsUsageRegardless: form & tellsUsageRegardless != 0, isStandIn: form & isStandIn != 0)
    }
}
