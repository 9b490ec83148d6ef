import Foundation
import HTTPTypes
import SemanticCache

/// One line of an export: an entry with its answer and its vector. Bodies that are UTF-8 stand in it as text, others in Base64.
struct TransferRecord: Codable {
    private struct Body: Codable {
        var form: String
        var text: String?
        var base64: String?
        /// Pairs of a chunk's end and its time in milliseconds.
        var marks: [[UInt32]]?
    }

    private struct Usage: Codable {
        var prompt, completion: Int
        /// Of `prompt`, what the provider had in its own cache; missing where it was nothing.
        var cached: Int?
    }

    private var id, key, tenant, namespace, endpoint, model, query: String
    private var scope: String?
    private var tags: [String]
    private var createdAt, expiresAt, upstreamMilliseconds: Int64
    private var body: Body
    private var fields: [[String]]
    private var usage: Usage?
    private var embedder: String?
    /// Float32, little-endian, in Base64.
    private var vector: String?

    init(_ record: CacheRecord) {
        let entry = record.entry
        id = entry.id.description
        key = entry.key.digest.hex
        scope = entry.scope?.digest.hex
        tenant = entry.tenant.digest.hex
        namespace = entry.namespace
        endpoint = entry.endpoint.rawValue
        model = entry.model
        tags = entry.tags
        query = entry.query
        createdAt = entry.createdAt.milliseconds
        expiresAt = entry.expiresAt.milliseconds
        upstreamMilliseconds = entry.answer.upstreamTime.wholeMilliseconds
        switch entry.answer.recording {
        case .message(let bytes): body = Self.body("message", bytes)
        case .events(let events):
            body = Self.body("events", events.bytes)
            body.marks = events.marks.map { [$0.end, $0.milliseconds] }
        }
        fields = entry.answer.fields.map { [$0.name.rawName, $0.value] }
        usage = entry.answer.usage.map { Usage(prompt: $0.prompt, completion: $0.completion, cached: $0.cachedPrompt > 0 ? $0.cachedPrompt : nil) }
        embedder = record.embedding?.fingerprint
        vector = record.embedding.map { embedding in
            var data = Data(capacity: embedding.vector.dimension * 4)
            for value in embedding.vector.components { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
            return data.base64EncodedString()
        }
    }

    private static func body(_ form: String, _ bytes: [UInt8]) -> Body {
        guard let text = String(validating: bytes, as: UTF8.self) else { return Body(form: form, base64: Data(bytes).base64EncodedString()) }
        return Body(form: form, text: text)
    }

    /// The record that the line stands for. Throws ``Failure``.
    func record() throws(Failure) -> CacheRecord {
        guard let id = EntryID(id) else { throw Failure("id: expected 16 hexadecimal digits") }
        guard let key = Self.digest(key) else { throw Failure("key: expected 64 hexadecimal digits") }
        guard let tenant = Self.digest(tenant) else { throw Failure("tenant: expected 64 hexadecimal digits") }
        guard let endpoint = Endpoint(rawValue: endpoint) else { throw Failure("endpoint: '\(endpoint)' is none whose answers are cached") }
        guard expiresAt >= createdAt else { throw Failure("expires_at: expected a time after created_at") }
        var scope: Scope?
        if let text = self.scope {
            guard let digest = Self.digest(text) else { throw Failure("scope: expected 64 hexadecimal digits or null") }
            scope = Scope(digest)
        }
        var fields = HTTPFields()
        for field in self.fields {
            guard field.count == 2, let name = HTTPField.Name(field[0]), HTTPField.isValidValue(field[1]) else {
                throw Failure("fields: expected pairs of a header field's name and value")
            }
            fields.append(HTTPField(name: name, value: field[1]))
        }
        let answer = Answer(
            recording: try recording(), fields: fields,
            usage: usage.map { TokenUsage(prompt: $0.prompt, completion: $0.completion, cachedPrompt: $0.cached ?? 0) },
            upstreamTime: .milliseconds(max(0, upstreamMilliseconds)))
        let metadata = EntryMetadata(
            id: id, key: CacheKey(key), scope: scope, tenant: TenantID(tenant), namespace: namespace, endpoint: endpoint, model: model, tags: tags,
            query: query, createdAt: Timestamp(milliseconds: createdAt), expiresAt: Timestamp(milliseconds: expiresAt))
        return CacheRecord(entry: Entry(metadata, answer: answer), embedding: scope == nil ? nil : try embedding())
    }

    private func recording() throws(Failure) -> Recording {
        let bytes: [UInt8]
        if let text = body.text {
            bytes = Array(text.utf8)
        } else if let encoded = body.base64, let data = Data(base64Encoded: encoded) {
            bytes = Array(data)
        } else {
            throw Failure("body: expected text or base64")
        }
        switch body.form {
        case "message": return .message(bytes)
        case "events":
            var marks: [EventRecording.Mark] = []
            for mark in body.marks ?? [] {
                guard mark.count == 2, mark[0] <= UInt32(clamping: bytes.count), mark[0] >= marks.last?.end ?? 0 else {
                    throw Failure("body.marks: expected pairs of ascending ends and milliseconds")
                }
                marks.append(.init(end: mark[0], milliseconds: mark[1]))
            }
            return .events(EventRecording(bytes: bytes, marks: marks))
        default: throw Failure("body.form: expected message or events, found '\(body.form)'")
        }
    }

    private func embedding() throws(Failure) -> StoredEmbedding? {
        guard let vector, let embedder else { return nil }
        guard let data = Data(base64Encoded: vector), data.count.isMultiple(of: 4) else { throw Failure("vector: expected float32 in Base64") }
        let components = stride(from: 0, to: data.count, by: 4).map { offset in
            Float(bitPattern: data[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
        guard let unit = UnitVector(normalizing: components) else { throw Failure("vector: it has no length") }
        return StoredEmbedding(vector: unit, fingerprint: embedder)
    }

    private static func digest(_ hex: String) -> Digest256? {
        guard hex.utf8.count == 64 else { return nil }
        let digits = hex.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 64 else { return nil }
        return Digest256(bytes: stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }

    /// What is wrong with a line.
    struct Failure: Error {
        let message: String

        init(_ message: String) { self.message = message }
    }

    /// The line for a record, with its end.
    static func line(_ record: CacheRecord) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(TransferRecord(record))).map { Array($0) + [UInt8(ascii: "\n")] }
    }

    /// Reads a line. Throws ``Failure``.
    static func read(_ line: some Collection<UInt8>) throws(Failure) -> CacheRecord {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let record: TransferRecord
        do { record = try decoder.decode(TransferRecord.self, from: Data(line)) } catch DecodingError.keyNotFound(let key, _) {
            throw Failure("no line of an export: it has no member \(key.stringValue)")
        } catch { throw Failure("no line of an export") }
        return try record.record()
    }
}
