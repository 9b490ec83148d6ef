import Crypto
package import SemanticCache

/// A request whose answer may come from the cache, read once: what must be equal is split from what may be worded otherwise.
package struct CacheableRequest: Sendable {
    package let format: any WireFormat
    /// Empty when the request names none.
    package let model: String
    /// Whether the answer is to come as server-sent events.
    package let wantsStream: Bool
    /// Whether the client will see what the answer cost: it asked for `stream_options.include_usage`, or for a form that always says so.
    package let wantsUsage: Bool
    /// Whether `tools` or `functions` has any element.
    package let hasTools: Bool
    /// Whether the answer comes from a search that the provider makes for it, and so is of the moment whatever the question is.
    package let asksForSearch: Bool
    /// The text of the last user message; several text parts are joined by a line feed. `nil` when it has none or is blank.
    package let query: String?
    /// Why there is no scope; `nil` when there is one.
    package let noScopeReason: MissReason?
    /// The fields of the body that speak to a cache rather than to the model, by the names that peers gave them. They are in neither key nor scope.
    package let controlFields: [String]
    /// What those fields ask for. Header fields come before them: see ``RequestControls/merging(_:)``.
    package let bodyControls: RequestControls
    /// The body without ``controlFields``, to be forwarded in its place; `nil` when it has none and goes as it came.
    package let strippedBody: [UInt8]?

    /// The inputs of an embeddings request, in order; empty for any other endpoint.
    package let items: [EmbeddingItem]
    /// A digest of the system and developer messages: what kind of traffic this is. Not of cryptographic strength.
    package let instructions: UInt64
    /// How many choices were asked for.
    let choiceCount: Int
    /// The tags by which a gateway chooses who answers, in canonical form; empty for most.
    private let routingTags: [UInt8]
    /// The canonical body less what cannot change the answer.
    let canonical: [UInt8]
    /// Where the query's texts stand in `canonical`, as whole strings with their quotes, ascending.
    private let queryRanges: [Range<Int>]

    init(
        format: any WireFormat, model: String, wantsStream: Bool, wantsUsage: Bool, hasTools: Bool,
        asksForSearch: Bool, routingTags: [UInt8], query: String?, noScopeReason: MissReason?, controlFields: [String], bodyControls: RequestControls,
        strippedBody: [UInt8]?, choiceCount: Int, canonical: [UInt8],
        queryRanges: [Range<Int>], items: [EmbeddingItem], instructions: UInt64
    ) {
        self.format = format
        self.model = model
        self.wantsStream = wantsStream
        self.wantsUsage = wantsUsage
        self.hasTools = hasTools
        self.asksForSearch = asksForSearch
        self.routingTags = routingTags
        self.query = query
        self.noScopeReason = noScopeReason
        self.controlFields = controlFields
        self.bodyControls = bodyControls
        self.strippedBody = strippedBody
        self.choiceCount = choiceCount
        self.canonical = canonical
        self.queryRanges = queryRanges
        self.items = items
        self.instructions = instructions
    }

    package var endpoint: Endpoint { format.endpoint }

    /// Whether one answer is asked for, and not several to choose from.
    package var asksForOneAnswer: Bool { choiceCount == 1 }

    /// The path by which a client asks the same for a plain answer, where it is not known how it was asked.
    package var standardPath: String { format.path(model: model) }

    /// The text by which people find the entry: the query, or the only input of an embeddings request; empty when there is none.
    package var subject: String { query ?? (items.count == 1 ? items[0].text : nil) ?? "" }

    /// Whether an answer lacks what the request asks for: its stream is to say what it cost, and nobody asked that of the upstream before.
    package func misses(of answer: Answer) -> Bool {
        wantsStream && wantsUsage && !format.streamsTellUsage && answer.usage == nil && !answer.tellsUsageRegardless
    }

    /// Whether the answer comes as a stream whose usage chunk this client did not ask for.
    package var hidesUsage: Bool { wantsStream && !wantsUsage }

    /// The exact request: SHA-256 over a version tag, the endpoint, the tenant, the namespace, `pathAndQuery` and the canonical body, each with its
    /// length before it, so that no two combinations give the same bytes.
    ///
    /// - Parameter pathAndQuery: whatever else of the request's target decides who answers, such as an Azure deployment or a query string.
    ///
    /// - Complexity: O(n) in the body.
    package func key(tenant: TenantID, namespace: String, pathAndQuery: String) -> CacheKey {
        var hash = start("reprise key 1", tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        canonical.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return CacheKey(finish(hash))
    }

    /// For each of the ``items`` the key of the request that asks for it alone.
    ///
    /// - Complexity: O(n) in the body.
    package func itemKeys(tenant: TenantID, namespace: String, pathAndQuery: String) -> [CacheKey] {
        guard let first = items.first else { return [] }
        var shared = start("reprise key 1", tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        return canonical.withUnsafeBytes { bytes in
            shared.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<first.range.lowerBound]))
            return items.map { item in
                var hash = shared
                // With the gap that ends it, as in the canonical form of a request with this input alone.
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[item.range.lowerBound...item.range.upperBound]))
                return CacheKey(finish(hash))
            }
        }
    }

    /// Everything in the key but the text of the query; `nil` when there is no query.
    ///
    /// Each of the query's texts is replaced by the byte FF, which stands in no JSON text, so no message can pass for the gap.
    ///
    /// - Parameters:
    ///   - turns: earlier turns that count as worded in other words: the scope is that of the request whose history says these, in order.
    ///   - frame: gives, piece by piece, what of the query must be equal all the same; they follow the byte FE, which stands in no JSON text.
    package func scope(
        tenant: TenantID, namespace: String, pathAndQuery: String, rewording turns: [RewordedTurn] = [],
        beside frame: ((_ take: (UnsafeRawBufferPointer) -> Void) -> Void)? = nil
    ) -> Scope? {
        guard query != nil else { return nil }
        var hash = start("reprise scope 1", tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        canonical.withUnsafeBytes { bytes in
            var position = 0
            func skip(_ range: Range<Int>, _ other: [UInt8]) {
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[position..<range.lowerBound]))
                hash.update(data: other)
                position = range.upperBound
            }
            // What is asked comes after all turns.
            for turn in turns {
                var text: [UInt8] = []
                JSONText.append(turn.text, to: &text)
                skip(turn.place, text)
            }
            for range in queryRanges { skip(range, [0xFF]) }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[position...]))
        }
        if let frame {
            hash.update(data: [0xFE])
            frame { hash.update(bufferPointer: $0) }
        }
        return Scope(finish(hash))
    }

    func start(_ tag: String, tenant: TenantID, namespace: String, pathAndQuery: String) -> SHA256 {
        var head: [UInt8] = []
        head.reserveCapacity(192)
        func append(_ bytes: some Collection<UInt8>) {
            for shift in stride(from: 24, through: 0, by: -8) { head.append(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
            head.append(contentsOf: bytes)
        }
        append(tag.utf8)
        append(endpoint.rawValue.utf8)
        append(tenant.digest.bytes)
        append(namespace.utf8)
        // No path and no field's name has a line feed or a brace in it.
        append(Array(format.keyed(pathAndQuery).utf8) + (routingTags.isEmpty ? [] : Array("\n{metadata.tags}: ".utf8) + routingTags))
        var hash = SHA256()
        head.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash
    }

    private func finish(_ hash: SHA256) -> Digest256 {
        guard let digest = hash.finalize().withUnsafeBytes({ Digest256($0) }) else { preconditionFailure("SHA-256 gives 32 bytes") }
        return digest
    }
}
