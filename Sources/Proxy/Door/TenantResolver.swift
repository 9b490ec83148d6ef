import Crypto
package import HTTPTypes
package import SemanticCache
import Synchronization

/// Who a request belongs to: a keyed hash of its credential, so that neither the store nor a log ever holds the credential itself.
package struct TenantResolver: Sendable {
    /// With its key worked in, which takes as long as the hash of a credential itself.
    private let keyed: HMAC<SHA256>
    /// The tenant of all requests without a credential.
    private let nobody: TenantID
    /// The tenant of everyone who shares.
    let pool: TenantID

    /// - Parameter key: the secret of the keyed hash, at least 16 bytes; the same over restarts, else old entries are out of reach.
    package init(key: [UInt8]) {
        keyed = HMAC<SHA256>(key: SymmetricKey(data: key))
        pool = Self.hash("pool", kind: 0, keyed)
        nobody = Self.hash("", kind: 1, keyed)
    }

    /// The tenant of a request with these header fields. Requests without a credential share one tenant of their own.
    package func tenant(of fields: HTTPFields) -> TenantID {
        tenant(credential: Self.credential(in: fields))
    }

    /// The tenant of this credential.
    package func tenant(credential: String) -> TenantID { credential.isEmpty ? nobody : Self.hash(credential, kind: 1, keyed) }

    /// The tenant of a client that was given a key under this name. It stays the same when the key changes.
    package func tenant(client name: String) -> TenantID {
        clients.known.withLock { known in
            if let tenant = known[name] { return tenant }
            let tenant = Self.hash(name, kind: 2, keyed)
            known[name] = tenant
            return tenant
        }
    }

    /// The tenants of the configuration's clients, worked out once.
    private final class Clients: Sendable {
        let known = Mutex<[String: TenantID]>([:])
    }

    private let clients = Clients()

    /// Everything that says on whose behalf a request is made: the credentials that the providers' clients send, those of gateways that may stand before a
    /// provider, and the account fields that change whose data a call may see. One alone is itself; several are one together, with their names.
    private static func credential(in fields: HTTPFields) -> String {
        var found: [(name: String, value: String)] = []
        for field in fields where credentialNames.contains(field.name) { found.append((field.name.canonicalName, field.value)) }
        if found.count <= 1, found.first.map({ keyNames.contains($0.name) }) ?? true { return found.first?.value ?? "" }
        return found.sorted { ($0.name, $0.value) < ($1.name, $1.value) }.map { "\($0.name)\u{0}\($0.value)" }.joined(separator: "\u{0}")
    }

    /// Those of the fields that say on whose behalf a request is made.
    package static func credentialFields(of fields: HTTPFields) -> HTTPFields {
        var found = HTTPFields()
        for field in fields where credentialNames.contains(field.name) { found.append(field) }
        return found
    }

    /// The fields that are a provider's key by themselves.
    private static let keyNames: Set<String> = ["authorization", "x-api-key", "api-key"]
    // The names are valid tokens, so they cannot fail to be made.
    private static let credentialNames = FieldNames(
        keyNames.union([
            "openai-organization", "openai-project", "x-goog-api-key", "ocp-apim-subscription-key", "x-litellm-api-key", "x-bf-vk",
            "x-portkey-api-key", "x-portkey-virtual-key", "x-portkey-provider", "cf-aig-authorization", "helicone-auth",
        ]).map { HTTPField.Name($0)! })

    private static func hash(_ text: String, kind: UInt8, _ keyed: HMAC<SHA256>) -> TenantID {
        var code = keyed
        code.update(data: [kind] + text.utf8)
        guard let digest = code.finalize().withUnsafeBytes({ Digest256($0) }) else { preconditionFailure("HMAC-SHA256 gives 32 bytes") }
        return TenantID(digest)
    }
}

extension HTTPField.Name {
    // The names are valid tokens, so they cannot fail to be made.
    package static let xRequestID = Self("X-Request-Id")!
    package static let cacheStatus = Self("Cache-Status")!
    package static let xCache = Self("X-Cache")!
    package static let xCacheMatch = Self("X-Cache-Match")!
    package static let xCacheTier = Self("X-Cache-Tier")!
    package static let xCacheSimilarity = Self("X-Cache-Similarity")!
    package static let xCacheEntry = Self("X-Cache-Entry")!
    package static let xCacheReason = Self("X-Cache-Reason")!
}
