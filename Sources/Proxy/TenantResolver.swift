import Crypto
package import HTTPTypes
package import SemanticCache

/// Who a request belongs to: a keyed hash of its credential, so that neither the store nor a log ever holds the credential itself.
package struct TenantResolver: Sendable {
    /// How entries are shared between callers.
    package enum Sharing: String, Sendable {
        /// Each credential has its own entries.
        case tenant
        /// All callers share one pool.
        case pool
    }

    private let sharing: Sharing
    private let key: SymmetricKey
    private let pool: TenantID

    /// - Parameter key: the secret of the keyed hash, at least 16 bytes; the same over restarts, else old entries are out of reach.
    package init(sharing: Sharing, key: [UInt8]) {
        self.sharing = sharing
        self.key = SymmetricKey(data: key)
        pool = Self.hash("pool", kind: 0, key: self.key)
    }

    /// The tenant of a request with these header fields. Requests without a credential share one tenant of their own.
    package func tenant(of fields: HTTPFields) -> TenantID {
        switch sharing {
        case .pool: pool
        case .tenant: tenant(credential: Self.credential(in: fields))
        }
    }

    /// The tenant of this credential.
    package func tenant(credential: String) -> TenantID {
        sharing == .pool ? pool : Self.hash(credential, kind: 1, key: key)
    }

    /// The credential that the providers' clients send: `Authorization`, Anthropic's `x-api-key`, Azure's `api-key`; with the account headers
    /// that change whose data a call may see.
    private static func credential(in fields: HTTPFields) -> String {
        let key = fields[.authorization] ?? fields[.xAPIKey] ?? fields[.apiKey] ?? ""
        guard fields.contains(.openAIOrganization) || fields.contains(.openAIProject) else { return key }
        return key + "\u{0}" + (fields[.openAIOrganization] ?? "") + "\u{0}" + (fields[.openAIProject] ?? "")
    }

    private static func hash(_ text: String, kind: UInt8, key: SymmetricKey) -> TenantID {
        var code = HMAC<SHA256>(key: key)
        code.update(data: [kind])
        code.update(data: Array(text.utf8))
        guard let digest = Digest256(bytes: code.finalize()) else { preconditionFailure("HMAC-SHA256 gives 32 bytes") }
        return TenantID(digest)
    }
}

extension HTTPField.Name {
    // The names are valid tokens, so they cannot fail to be made.
    static let xAPIKey = Self("x-api-key")!
    static let apiKey = Self("api-key")!
    static let openAIOrganization = Self("OpenAI-Organization")!
    static let openAIProject = Self("OpenAI-Project")!
    package static let xRequestID = Self("X-Request-Id")!
    package static let cacheStatus = Self("Cache-Status")!
    package static let xCache = Self("X-Cache")!
    package static let xCacheMatch = Self("X-Cache-Match")!
    package static let xCacheSimilarity = Self("X-Cache-Similarity")!
    package static let xCacheEntry = Self("X-Cache-Entry")!
    package static let xCacheReason = Self("X-Cache-Reason")!
}
