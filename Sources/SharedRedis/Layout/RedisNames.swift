import Crypto
import SemanticCache

/// The names of keys and fields: what stands where in the engine.
///
/// | key | what it is |
/// |---|---|
/// | `<p>:meta` | hash: layout, lineage, the journal's last number, check values of the keys, the dimension of each embedder |
/// | `<p>:e:<key>` | hash that ends by itself: an entry |
/// | `<p>:i:<id>` | string that ends with the entry: the name of its hash |
/// | `<p>:ix:<embedder>` | search index over the entries |
/// | `<p>:j` | stream, ids `<number>-0`: the journal; and the channel on which its growth is told |
/// | `<p>:p:<name>` | hash, a field a node: evidence |
/// | `<p>:n:<number>` | string that ends by itself: who has a node's number |
///
/// All begin alike, so that one pattern of an access list covers them.
struct RedisNames: Sendable {
    let prefix: String

    var meta: String { "\(prefix):meta" }
    var journal: String { "\(prefix):j" }
    var entries: String { "\(prefix):e:" }
    var ids: String { "\(prefix):i:" }
    var leases: String { "\(prefix):n:" }

    func entry(_ key: CacheKey) -> String { entries + key.digest.hex }

    func id(_ id: EntryID) -> String { ids + id.description }

    func evidence(_ name: String) -> String { "\(prefix):p:\(name)" }

    /// `nil` where somebody else named a key so.
    func key(of entry: String) -> CacheKey? {
        guard entry.hasPrefix(entries) else { return nil }
        let digits = entry.dropFirst(entries.count)
        return digits == digits.lowercased() ? Digest256(hexadecimal: digits).map { CacheKey($0) } : nil
    }
}

/// What one embedder's vectors are called, so that those of several stand in one entry and never meet.
struct RedisVectors: Sendable, Hashable {
    let dimension: Int
    /// 16 hexadecimal digits of the embedder's fingerprint.
    let mark: String

    init?(_ identity: SharedIdentity) {
        guard let dimension = identity.dimension, let fingerprint = identity.fingerprint else { return nil }
        self.dimension = dimension
        mark = SHA256.hash(data: Array(fingerprint.utf8)).prefix(8).map { Hexadecimal.digits($0) }.joined()
    }

    /// The field of the vector.
    var field: String { Self.fieldPrefix + mark }
    /// The field of what it is found by; there is one exactly where there is a vector.
    var scopeField: String { Self.scopePrefix + mark }

    static let fieldPrefix = "v_"
    static let scopePrefix = "s_"

    /// What a vector's entry is found by: half the digits suffice, for what is found is compared.
    static func word(_ scope: Scope) -> String { String(scope.digest.hex.prefix(32)) }
    /// What every entry with a vector is found by.
    static let anyScope = "all"
}

enum Hexadecimal {
    /// All digits of a number's width.
    static func digits<Number: FixedWidthInteger>(_ number: Number) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: Number.bitWidth / 4 - digits.count) + digits
    }
}
