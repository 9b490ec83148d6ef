import Crypto
package import HTTPTypes
package import SemanticCache

/// Who may ask, for what, and who shares answers with whom. A plain value made from the configuration.
package struct AccessRules: Sendable {
    /// An application that the operator gave a key of its own.
    package struct Client: Sendable {
        package let name: String
        /// Matches the models that it may ask for; `nil` allows all.
        package let allowsModel: (@Sendable (String) -> Bool)?
        /// `nil` for no limit.
        package let requestsPerMinute: Int?

        package init(name: String, allowsModel: (@Sendable (String) -> Bool)? = nil, requestsPerMinute: Int? = nil) {
            self.name = name
            self.allowsModel = allowsModel
            self.requestsPerMinute = requestsPerMinute
        }
    }

    /// Whom a request comes from.
    package enum Caller: Sendable {
        case client(Client)
        /// No keys are given out: whatever credential the request has is the upstream's to judge.
        case anyone
    }

    /// By the SHA-256 of their keys. The keys themselves are nowhere.
    private var clients: [Digest256: Client] = [:]
    /// Whether callers without a credential, and pools without clients, are served from the cache: on loopback, or where the operator says so.
    package var isOpen: Bool
    /// The default, and what differs by namespace.
    package var sharing: Sharing
    package var sharingByNamespace: [String: Sharing]
    /// Whether hits in a pool take as long as the upstream did and do not say that they are hits.
    package var hidesPoolHits: Bool

    package init(isOpen: Bool, sharing: Sharing, sharingByNamespace: [String: Sharing], hidesPoolHits: Bool) {
        self.isOpen = isOpen
        self.sharing = sharing
        self.sharingByNamespace = sharingByNamespace
        self.hidesPoolHits = hidesPoolHits
    }

    /// Whether every request needs a key.
    package var asksForKey: Bool { !clients.isEmpty }

    /// Gives out a key by its SHA-256.
    package mutating func add(_ client: Client, keyHash: Digest256) { clients[keyHash] = client }

    /// Gives out a key.
    package mutating func add(_ client: Client, key: String) { add(client, keyHash: Self.hash(key)) }

    /// Whom the request comes from; `nil` when its key is none that was given out.
    ///
    /// The key is looked up by its hash: what time the comparison takes tells about the hash, and nothing about the key.
    package func caller(of fields: HTTPFields) -> Caller? {
        guard asksForKey else { return .anyone }
        guard let key = Self.key(in: fields), let client = clients[Self.hash(key)] else { return nil }
        return .client(client)
    }

    package func sharing(in namespace: String) -> Sharing { sharingByNamespace[namespace] ?? sharing }

    /// The key as the providers' clients send it; the scheme `Bearer` aside.
    static func key(in fields: HTTPFields) -> String? {
        if let text = fields.value(of: .authorization) {
            let scheme = text.utf8.prefix { $0 != UInt8(ascii: " ") }
            let key = text.utf8[scheme.endIndex...].drop { $0 == UInt8(ascii: " ") }
            let isBearer = scheme.elementsEqual("Bearer".utf8) || Substring(scheme).lowercased() == "bearer"
            return isBearer && !key.isEmpty ? String(Substring(key)) : nil
        }
        return fields.value(of: .xAPIKey) ?? fields.value(of: .apiKey) ?? fields.value(of: .xGoogAPIKey)
    }

    private static func hash(_ key: String) -> Digest256 {
        guard let digest = SHA256.hash(data: Array(key.utf8)).withUnsafeBytes({ Digest256($0) }) else {
            preconditionFailure("SHA-256 gives 32 bytes")
        }
        return digest
    }
}

extension HTTPField.Name {
    // The names are valid tokens, so they cannot fail to be made.
    static let xAPIKey = Self("x-api-key")!
    static let apiKey = Self("api-key")!
    static let xGoogAPIKey = Self("x-goog-api-key")!
}

extension HTTPFields {
    /// Takes out every field in which a client may have sent its key.
    mutating func removeClientKey() {
        removeAll { $0.name == .authorization || $0.name == .xAPIKey || $0.name == .apiKey || $0.name == .xGoogAPIKey }
    }
}
