package import Crypto
package import Foundation
package import SemanticCache

/// Encrypts what people wrote and what models answered, value by value: AES-256 in Galois counter mode, a random nonce each.
///
/// A sealed value is: the first four bytes of the key's SHA-256, which name the key; the nonce (12), the text, the tag (16). The row's id and the
/// column's name are authenticated with it, so that a value moved to another row is damaged.
package struct RowCipher: Sendable {
    /// What a value belongs to.
    package enum Column: UInt8 {
        case query = 1
        case answer = 2
        case vector = 3
        /// A piece of a snapshot of the index; its number stands for the row.
        case snapshot = 4
    }

    /// What is sealed: a secret gives each a key of its own.
    package enum Use: String, Sendable {
        case rows = "rows at rest 1"
        /// What goes to the other proxies.
        case shared = "shared entries 1"
    }

    private let current: SymmetricKey
    private let currentName: [UInt8]
    private let keys: [[UInt8]: SymmetricKey]

    /// - Parameters:
    ///   - secret: seals new values; any text of at least 16 bytes, of which the key is derived.
    ///   - former: secrets that may have sealed older values.
    package init(secret: String, former: [String] = [], use: Use = .rows) {
        current = Self.key(of: secret, use)
        currentName = Self.name(of: current)
        keys = Dictionary(([current] + former.map { Self.key(of: $0, use) }).map { (Self.name(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter context: what else the value is bound to.
    package func seal(_ bytes: some DataProtocol, _ column: Column, of id: EntryID, context: [UInt8] = []) -> Data {
        seal(bytes, authenticating: Self.place(column, id) + context)
    }

    /// The same, bound to a place that the caller names.
    package func seal(_ bytes: some DataProtocol, authenticating place: [UInt8]) -> Data {
        guard let box = try? AES.GCM.seal(bytes, using: current, authenticating: place), let combined = box.combined else {
            preconditionFailure("AES-GCM seals any text under 64 GiB with a 256-bit key and a 12-byte nonce")
        }
        return Data(currentName) + combined
    }

    /// The text; `nil` when it was sealed with a key that is not at hand, or changed since.
    package func open(_ sealed: Data, _ column: Column, of id: EntryID, context: [UInt8] = []) -> [UInt8]? {
        open(sealed, authenticating: Self.place(column, id) + context)
    }

    /// The same, of what was bound to a place that the caller names.
    package func open(_ sealed: Data, authenticating place: [UInt8]) -> [UInt8]? {
        guard let key = keys[Array(sealed.prefix(4))], let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst(4)) else { return nil }
        return (try? AES.GCM.open(box, using: key, authenticating: place)).map { Array($0) }
    }

    /// Whether the value was sealed with the current secret.
    package func isCurrent(_ sealed: Data) -> Bool { sealed.starts(with: currentName) }

    private static func place(_ column: Column, _ id: EntryID) -> [UInt8] {
        var place = [column.rawValue]
        withUnsafeBytes(of: id.rawValue.littleEndian) { place += $0 }
        return place
    }

    private static func key(of secret: String, _ use: Use) -> SymmetricKey { SymmetricKey(derivedFrom: Array(secret.utf8), for: use.rawValue) }

    private static func name(of key: SymmetricKey) -> [UInt8] { key.withUnsafeBytes { Array(SHA256.hash(data: Data($0)).prefix(4)) } }
}

extension SymmetricKey {
    /// The key that a secret gives for one use: HKDF with SHA-256 (RFC 5869), 256 bits.
    package init(derivedFrom secret: [UInt8], for use: String) {
        self = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), salt: Array("reprise".utf8), info: Array(use.utf8), outputByteCount: 32)
    }
}
