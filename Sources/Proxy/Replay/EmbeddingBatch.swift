import SemanticCache
import WireFormats

/// Which inputs of an embeddings request the cache has, and what is left to ask for.
struct EmbeddingBatch: Sendable {
    let keys: [CacheKey]
    /// The entries that are there, by the position of their input.
    let known: [Int: Entry]
    /// The positions of the inputs to ask for: the first of those that are equal.
    let missing: [Int]
    /// Why the first of them is missing.
    let reason: MissReason

    /// - Parameter findings: what is kept under each key.
    init(keys: [CacheKey], findings: [KeyFinding]) {
        self.keys = keys
        var known: [Int: Entry] = [:]
        var missing: [Int] = []
        var seen: Set<CacheKey> = []
        var reason: MissReason?
        for (position, (key, finding)) in zip(keys, findings).enumerated() {
            switch finding {
            case .found(let found): known[position] = found.entry
            case .unusable(let why):
                reason = reason ?? why
                if seen.insert(key).inserted { missing.append(position) }
            case .nothing, .unknown:
                // Embeddings have no scope: what is not there under its key is nowhere.
                reason = reason ?? .exactOnly
                if seen.insert(key).inserted { missing.append(position) }
            }
        }
        self.known = known
        self.missing = missing
        self.reason = reason ?? .exactOnly
    }

    /// The whole answer; `nil` when a part is not of the endpoint's form.
    /// - Parameter fresh: the parts for ``missing``, in order.
    func body(with fresh: [[UInt8]]) -> [UInt8]? {
        guard fresh.count == missing.count else { return nil }
        var byKey: [CacheKey: [UInt8]] = [:]
        for (position, part) in zip(missing, fresh) { byKey[keys[position]] = part }
        var parts: [[UInt8]] = []
        parts.reserveCapacity(keys.count)
        for (position, key) in keys.enumerated() {
            if case .message(let part) = known[position]?.answer.recording {
                parts.append(part)
            } else if let part = byKey[key] {
                parts.append(part)
            } else {
                return nil
            }
        }
        return EmbeddingParts.merge(parts, leading: missing.first ?? 0)
    }
}
