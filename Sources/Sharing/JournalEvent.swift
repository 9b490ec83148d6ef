import Sealing
import SemanticCache

/// What the journal tells all proxies to do: what is no longer to be served, and to whom.
struct JournalEvent: Sendable {
    /// An entry by both its names: one that took over its key since is another.
    struct Named: Hashable, Sendable {
        let key: CacheKey
        let id: EntryID
    }

    /// Entries by what they are.
    struct Flush: Sendable {
        let selector: EntrySelector
        /// What `similar_to` came to on the proxy that flushes; `nil` where the selector has none. The text itself stays there.
        let likeness: Likeness?
    }

    struct Likeness: Sendable {
        let embedding: StoredEmbedding
        let threshold: Float

        /// Whether a vector is of the same model, and as near as that.
        func means(_ other: StoredEmbedding?) -> Bool {
            guard let other, other.fingerprint == embedding.fingerprint, other.vector.dimension == embedding.vector.dimension else { return false }
            return other.vector.similarity(to: embedding.vector) >= threshold
        }
    }

    enum Kind: Sendable {
        case flush(Flush)
        /// They answer exact repeats alone from now on.
        case unreach([Named])
        /// They are gone.
        case remove([Named])
    }

    let kind: Kind
    /// When it was said, by the clock of the proxy that said it.
    let at: Timestamp
    /// Drawn at random: an event that was appended twice, because the first answer was lost, is one. Never 0.
    let mark: UInt64

    init(_ kind: Kind, at: Timestamp, mark: UInt64 = .random(in: 1 ... .max)) {
        self.kind = kind
        self.at = at
        self.mark = mark
    }
}

// MARK: As bytes

extension JournalEvent {
    private enum Code: UInt8 {
        case flush = 1
        case unreach = 2
        case remove = 3
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(mark)
        writer.write(at.milliseconds)
        switch kind {
        case .flush(let flush):
            writer.write(Code.flush.rawValue)
            Self.write(flush, to: &writer)
        case .unreach(let names):
            writer.write(Code.unreach.rawValue)
            Self.write(names, to: &writer)
        case .remove(let names):
            writer.write(Code.remove.rawValue)
            Self.write(names, to: &writer)
        }
        return writer.bytes
    }

    /// `nil` when it is not what was written, or of a kind that a later version writes.
    init?(encoded bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let event = try? Self.read(&reader), reader.isAtEnd else { return nil }
        self = event
    }

    private static func read(_ reader: inout ByteReader) throws(DamagedBytes) -> JournalEvent {
        let (mark, at) = (try reader.read(UInt64.self), Timestamp(milliseconds: try reader.read()))
        let kind: Kind =
            switch Code(rawValue: try reader.read()) {
            case .flush: .flush(try readFlush(&reader))
            case .unreach: .unreach(try readNames(&reader))
            case .remove: .remove(try readNames(&reader))
            case nil: throw DamagedBytes()
            }
        return JournalEvent(kind, at: at, mark: mark)
    }

    private static func write(_ names: [Named], to writer: inout ByteWriter) {
        writer.write(each: names) { writer, name in
            writer.write(name.key.digest.bytes)
            writer.write(name.id.rawValue)
        }
    }

    private static func readNames(_ reader: inout ByteReader) throws(DamagedBytes) -> [Named] {
        try reader.readEach { (reader) throws(DamagedBytes) in
            Named(key: CacheKey(try MetadataCoding.digest(&reader)), id: EntryID(rawValue: try reader.read()))
        }
    }

    private static func write(_ flush: Flush, to writer: inout ByteWriter) {
        let selector = flush.selector
        writer.write(selector.all)
        writer.write(selector.id) { $0.write($1.rawValue) }
        for text in [selector.tenant, selector.namespace, selector.model, selector.tag, selector.matching] {
            writer.write(text) { $0.write($1) }
        }
        writer.write(selector.olderThan) { $0.write($1.wholeMilliseconds) }
        writer.write(flush.likeness) { writer, likeness in
            writer.write(likeness.embedding.fingerprint)
            writer.write(likeness.threshold.bitPattern)
            writer.write(each: likeness.embedding.vector.components) { $0.write($1.bitPattern) }
        }
    }

    private static func readFlush(_ reader: inout ByteReader) throws(DamagedBytes) -> Flush {
        var selector = EntrySelector()
        selector.all = try reader.readBool()
        selector.id = try reader.readOptional { (reader) throws(DamagedBytes) in EntryID(rawValue: try reader.read()) }
        for member in [\EntrySelector.tenant, \.namespace, \.model, \.tag, \.matching] {
            selector[keyPath: member] = try reader.readOptional { (reader) throws(DamagedBytes) in try reader.readText() }
        }
        selector.olderThan = try reader.readOptional { (reader) throws(DamagedBytes) in .milliseconds(try reader.read(Int64.self)) }
        let likeness = try reader.readOptional { (reader) throws(DamagedBytes) in
            let (fingerprint, threshold) = (try reader.readText(), Float(bitPattern: try reader.read()))
            let components = try reader.readEach { (reader) throws(DamagedBytes) in Float(bitPattern: try reader.read()) }
            guard let vector = UnitVector(normalizing: components) else { throw DamagedBytes() }
            return Likeness(embedding: StoredEmbedding(vector: vector, fingerprint: fingerprint), threshold: threshold)
        }
        // What it was like is told by the vector.
        if likeness != nil { selector.similarTo = "" }
        return Flush(selector: selector, likeness: likeness)
    }
}
