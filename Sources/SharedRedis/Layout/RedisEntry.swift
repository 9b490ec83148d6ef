import SemanticCache

/// An entry as the fields of a hash, and back.
///
/// `id`, `scope`, `tenant`, `ns`, `model`, `tags` in hexadecimal; `created`, `exp`, `since` as decimal numbers; `at` the first digits of the key as a number,
/// by which pages are cut; `line` the lineage that `since` belongs to, written by the script that stores; `m` and `a` sealed metadata and answer; the vector
/// and its scope's word under names of the embedder's own.
enum RedisEntry {
    /// The fields in which all but answer and vector stand.
    static let fields = ["id", "scope", "tenant", "ns", "model", "tags", "created", "exp", "since", "line", "m"]
    static let answerField = "a"

    /// How many digits of a lineage an entry carries.
    static let lineDigits = 8

    /// As many bits of a key as a number of the search's, a double, has.
    static let positionBits = 52

    /// Where a key stands among all.
    static func position(_ key: CacheKey) -> UInt64 { key.digest.prefix >> UInt64(64 - positionBits) }

    /// Field by field, the id first; without a vector where the entry has none, or `vectors` is `nil`.
    static func words(_ entry: SharedEntry, _ vectors: RedisVectors?) -> [RedisCommands.Word] {
        var words: [RedisCommands.Word] = [
            "id", .text(entry.id.description), "tenant", .text(Hexadecimal.digits(entry.marks.tenant)),
            "ns", .text(Hexadecimal.digits(entry.marks.namespace)), "model", .text(Hexadecimal.digits(entry.marks.model)),
            "tags", .text(entry.marks.tags.map { Hexadecimal.digits($0) }.joined(separator: ",")),
            "created", .number(entry.createdAt.milliseconds), "exp", .number(entry.expiresAt.milliseconds), "since", .number(entry.since),
            "at", .number(position(entry.key)), "m", .bytes(entry.metadata),
        ]
        if let answer = entry.answer { words += [.text(answerField), .bytes(answer)] }
        guard let scope = entry.scope else { return words }
        words += ["scope", .text(scope.digest.hex)]
        if let vectors, let vector = entry.vector {
            words += [
                .text(vectors.scopeField), .text("\(RedisVectors.word(scope)),\(RedisVectors.anyScope)"),
                .text(vectors.field), .bytes(bytes(of: vector)),
            ]
        }
        return words
    }

    static func bytes(of vector: UnitVector) -> [UInt8] {
        vector.components.withUnsafeBytes { Array($0) }
    }

    /// `nil` where the bytes are no vector of this dimension.
    static func vector(_ bytes: [UInt8], dimension: Int) -> UnitVector? {
        guard bytes.count == dimension * MemoryLayout<Float>.stride else { return nil }
        let components = [Float](unsafeUninitializedCapacity: dimension) { floats, count in
            UnsafeMutableRawBufferPointer(floats).copyBytes(from: bytes)
            count = dimension
        }
        return UnitVector(normalizing: components)
    }

    /// The entry under `key`; `nil` where the fields are not an entry of this lineage.
    static func entry(_ key: CacheKey, lineage: String, vectors: RedisVectors?, _ field: (String) -> [UInt8]?) -> SharedEntry? {
        func text(_ name: String) -> String? { field(name).map { String(decoding: $0, as: UTF8.self) } }
        func number(_ name: String) -> Int64? { text(name).flatMap { Int64($0) } }
        func mark(_ name: String) -> UInt64? { text(name).flatMap { UInt64($0, radix: 16) } }
        guard text("line") == String(lineage.prefix(lineDigits)) else { return nil }
        guard let id = text("id").flatMap({ EntryID($0) }), let tenant = mark("tenant"), let namespace = mark("ns"), let model = mark("model"),
            let created = number("created"), let expires = number("exp"), let since = number("since"), let metadata = field("m"),
            let tagWords = text("tags")?.split(separator: ",")
        else { return nil }
        let tags = tagWords.compactMap { UInt64($0, radix: 16) }
        guard tags.count == tagWords.count else { return nil }
        var scope: Scope?
        if let digits = text("scope") {
            guard let digest = Digest256(hexadecimal: digits) else { return nil }
            scope = Scope(digest)
        }
        return SharedEntry(
            key: key, id: id, scope: scope, marks: SharedMarks(tenant: tenant, namespace: namespace, model: model, tags: tags),
            createdAt: Timestamp(milliseconds: created), expiresAt: Timestamp(milliseconds: expires), since: since,
            vector: vectors.flatMap { vectors in field(vectors.field).flatMap { vector($0, dimension: vectors.dimension) } },
            metadata: metadata, answer: field(answerField))
    }
}
