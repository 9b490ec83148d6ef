import HTTPTypes
package import SemanticCache

/// Values for tests, different for each number.
package enum Sample {
    /// A digest made of `number`.
    package static func digest(_ number: Int) -> Digest256 {
        var bytes = [UInt8](repeating: 0, count: Digest256.byteCount)
        var value = UInt64(bitPattern: Int64(number)) &* 0x9E37_79B9_7F4A_7C15
        for index in bytes.indices {
            value ^= value >> 29
            value &*= 0xBF58_476D_1CE4_E5B9
            bytes[index] = UInt8(truncatingIfNeeded: value >> 32)
        }
        guard let digest = Digest256(bytes: bytes) else { preconditionFailure("32 bytes make a digest") }
        return digest
    }

    /// An entry with its own key, in scope `scope`, that lives for `ttl` from `now`.
    package static func entry(
        _ number: Int, scope: Int = 0, tenant: Int = 0, model: String = "gpt-test", tags: [String] = [], query: String? = nil,
        body: [UInt8] = Array(#"{"choices":[]}"#.utf8), now: Timestamp = Timestamp(milliseconds: 1_790_000_000_000), ttl: Duration = .seconds(3600)
    ) -> Entry {
        Entry(
            id: EntryID(rawValue: Int64(number)), key: CacheKey(digest(number)), scope: Scope(digest(-1 - scope)),
            tenant: TenantID(digest(1_000_000 + tenant)),
            namespace: "", endpoint: .chatCompletions, model: model, tags: tags, query: query ?? "question \(number)",
            answer: Answer(
                recording: .message(body), fields: [.contentType: "application/json"], usage: TokenUsage(prompt: 10, completion: 20),
                upstreamTime: .milliseconds(900)),
            createdAt: now, expiresAt: now + ttl)
    }

    /// The record of ``entry(_:scope:tenant:model:tags:query:body:now:ttl:)`` without a vector.
    package static func record(_ number: Int) -> CacheRecord { CacheRecord(entry: entry(number), embedding: nil) }
}
