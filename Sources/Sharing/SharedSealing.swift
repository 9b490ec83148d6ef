import Crypto
import Foundation
import HTTPTypes
import Sealing
package import SemanticCache

/// Makes what goes to a shared tier unreadable to whoever holds the engine, and opens what comes from there.
///
/// Texts and answers are sealed with AES-256-GCM where there is an encryption key; without one they bear a checksum, so that damage is seen. Either is
/// bound to what it is and to the key of its entry: what was moved to another row does not open. What an engine compares are marks, keyed hashes that say
/// nothing to those without the tenancy key. What does not open, or says something else than the row that it stands in, counts as not there.
package struct SharedSealing: Sendable {
    private enum Column: UInt8 {
        case metadata = 1
        case answer = 2
        case event = 3
    }

    private let cipher: RowCipher?
    private let markKey: SymmetricKey
    private let encryptionCheck: String

    /// - Parameters:
    ///   - tenancyKey: the secret of the tenants' names, the same on all proxies.
    ///   - encryptionKey: the secret that the store's rows are sealed with; `nil` where they are not.
    package init(tenancyKey: [UInt8], encryptionKey: String?) {
        cipher = encryptionKey.map { RowCipher(secret: $0, use: .shared) }
        markKey = SymmetricKey(derivedFrom: tenancyKey, for: "shared marks 1")
        encryptionCheck = encryptionKey.map { Self.check(SymmetricKey(derivedFrom: Array($0.utf8), for: "shared check 1")) } ?? "none"
    }

    /// What the tier holds against those of the other proxies.
    package func identity(of embedder: (any Embedder)?) -> SharedIdentity {
        SharedIdentity(
            dimension: embedder?.dimension, fingerprint: embedder?.fingerprint, tenancyCheck: Self.check(markKey), encryptionCheck: encryptionCheck)
    }

    // MARK: Entries

    /// An entry that was opened.
    struct Opened: Sendable {
        let metadata: EntryMetadata
        /// The event that ``SharedEntry/since`` names.
        let sinceMark: UInt64
        /// The vector and its model, where the row has one that is the entry's own.
        let embedding: StoredEmbedding?
    }

    /// - Parameters:
    ///   - since: the last event that was applied before the entry was seen to be local still.
    ///   - sinceMark: that event's mark.
    func seal(_ record: CacheRecord, since: Int64, sinceMark: UInt64) -> SharedEntry {
        let metadata = record.entry.metadata
        let embedding = metadata.scope == nil ? nil : record.embedding
        var writer = ByteWriter()
        MetadataCoding.write(metadata, to: &writer)
        writer.write(since)
        writer.write(sinceMark)
        writer.write(embedding) { writer, embedding in
            writer.write(embedding.fingerprint)
            writer.write(Self.digest(of: embedding.vector))
        }
        return SharedEntry(
            key: metadata.key, id: metadata.id, scope: metadata.scope, marks: marks(of: metadata), createdAt: metadata.createdAt,
            expiresAt: metadata.expiresAt, since: since, vector: embedding?.vector,
            metadata: seal(writer.bytes, Self.place(.metadata, metadata.key)),
            answer: seal(AnswerCoding.encode(record.entry.answer), Self.place(.answer, metadata.key, metadata.id)))
    }

    /// What the entry says; `nil` when it does not open, or says another key, scope, tenant, id or time than the row.
    func open(_ row: SharedEntry) -> Opened? {
        guard let bytes = open(row.metadata, Self.place(.metadata, row.key)) else { return nil }
        var reader = ByteReader(bytes)
        guard let opened = try? Self.read(&reader, vector: row.vector), reader.isAtEnd else { return nil }
        let metadata = opened.metadata
        guard metadata.key == row.key, metadata.id == row.id, metadata.tenant.digest.prefix == row.marks.tenant, metadata.createdAt == row.createdAt,
            metadata.expiresAt == row.expiresAt, opened.since == row.since
        else { return nil }
        // A row that was taken out of every search may have lost its scope with its vector.
        guard let scope = row.scope else { return Opened(metadata: metadata.withoutScope, sinceMark: opened.mark, embedding: nil) }
        guard metadata.scope == scope else { return nil }
        return Opened(metadata: metadata, sinceMark: opened.mark, embedding: opened.embedding)
    }

    /// The entry's answer; `nil` when the row has none, or it does not open.
    func answer(of row: SharedEntry) -> Answer? {
        row.answer.flatMap { open($0, Self.place(.answer, row.key, row.id)) }.flatMap { AnswerCoding.decode($0) }
    }

    private static func read(
        _ reader: inout ByteReader, vector: UnitVector?
    ) throws(DamagedBytes) -> (metadata: EntryMetadata, since: Int64, mark: UInt64, embedding: StoredEmbedding?) {
        let metadata = try MetadataCoding.read(&reader)
        let (since, mark) = (try reader.read(Int64.self), try reader.read(UInt64.self))
        let named = try reader.readOptional { (reader) throws(DamagedBytes) in
            (fingerprint: try reader.readText(), digest: try reader.read(UInt64.self))
        }
        var embedding: StoredEmbedding?
        if let named, let vector, digest(of: vector) == named.digest {
            embedding = StoredEmbedding(vector: vector, fingerprint: named.fingerprint)
        }
        return (metadata, since, mark, embedding)
    }

    // MARK: Events

    func seal(_ event: JournalEvent) -> [UInt8] { seal(event.encoded, [SharedIdentity.layoutByte, Column.event.rawValue]) }

    /// `nil` when it does not open, or is of a kind that this version does not know.
    func event(_ bytes: [UInt8]) -> JournalEvent? {
        open(bytes, [SharedIdentity.layoutByte, Column.event.rawValue]).flatMap { JournalEvent(encoded: $0) }
    }

    /// Tells one event from any other that could bear its number. Never 0.
    static func mark(of event: [UInt8]) -> UInt64 { first(of: SHA256.hash(data: event)) | 1 }

    // MARK: Marks

    func marks(of metadata: EntryMetadata) -> SharedMarks {
        SharedMarks(
            tenant: metadata.tenant.digest.prefix, namespace: mark(metadata.namespace, .namespace), model: mark(metadata.model, .model),
            tags: metadata.tags.map { mark($0, .tag) })
    }

    /// What an engine can tell of a selector, and whether that is all of it.
    ///
    /// - Parameter now: the moment that the selector's ages are counted from.
    func selection(_ selector: EntrySelector, at now: Timestamp) -> (selection: SharedSelection, isWhole: Bool) {
        var selection = SharedSelection()
        var isWhole = selector.id == nil && selector.matching == nil && selector.similarTo == nil
        if let tenant = selector.tenant {
            // Longer prefixes than the mark, and what is none, only a proxy can judge.
            selection.tenant = tenant.utf8.count >= 16 ? UInt64(tenant.prefix(16), radix: 16) : nil
            if tenant.utf8.count != 16 || selection.tenant == nil || tenant != tenant.lowercased() { isWhole = false }
        }
        selection.namespace = selector.namespace.map { mark($0, .namespace) }
        selection.model = selector.model.map { mark($0, .model) }
        selection.tag = selector.tag.map { mark($0, .tag) }
        selection.createdBefore = selector.olderThan.map { now + (.zero - $0) }
        return (selection, isWhole)
    }

    private enum Mark: UInt8 {
        case namespace = 1
        case model = 2
        case tag = 3
    }

    private func mark(_ text: String, _ kind: Mark) -> UInt64 { Self.code([kind.rawValue] + text.utf8, markKey) }

    // MARK: Bytes

    private func seal(_ bytes: [UInt8], _ place: [UInt8]) -> [UInt8] {
        if let cipher { return [1] + cipher.seal(bytes, authenticating: place) }
        return [0] + Self.checksum(of: bytes, place) + bytes
    }

    private func open(_ stored: [UInt8], _ place: [UInt8]) -> [UInt8]? {
        if let cipher { return stored.first == 1 ? cipher.open(Data(stored.dropFirst()), authenticating: place) : nil }
        guard stored.first == 0, stored.count > Self.checksumSize else { return nil }
        let bytes = Array(stored[(1 + Self.checksumSize)...])
        return stored[1...Self.checksumSize].elementsEqual(Self.checksum(of: bytes, place)) ? bytes : nil
    }

    private static let checksumSize = 16

    private static func checksum(of bytes: [UInt8], _ place: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: place)
        hash.update(data: bytes)
        return Array(hash.finalize().prefix(checksumSize))
    }

    private static func place(_ column: Column, _ key: CacheKey, _ id: EntryID? = nil) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(SharedIdentity.layoutByte)
        writer.write(column.rawValue)
        writer.write(key.digest.bytes)
        if let id { writer.write(id.rawValue) }
        return writer.bytes
    }

    private static func digest(of vector: UnitVector) -> UInt64 {
        first(of: SHA256.hash(data: VectorCoding.encode(vector)))
    }

    private static func check(_ key: SymmetricKey) -> String {
        Digest256.hex(code(Array("check".utf8), key))
    }

    private static func code(_ bytes: [UInt8], _ key: SymmetricKey) -> UInt64 { first(of: HMAC<SHA256>.authenticationCode(for: bytes, using: key)) }

    /// The first eight bytes.
    private static func first(of digest: some Sequence<UInt8>) -> UInt64 { digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}

extension SharedIdentity {
    fileprivate static var layoutByte: UInt8 { UInt8(layout) }
}

extension Answer {
    /// What stands where no answer was asked for.
    static var empty: Answer { Answer(recording: .message([]), fields: HTTPFields(), usage: nil, upstreamTime: .zero) }
}
