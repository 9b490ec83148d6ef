import Crypto
import SemanticCache

extension Digest256 {
    /// SHA-256 of some bytes, which has 32 of them.
    static func sha256(_ bytes: [UInt8]) -> Digest256 { Digest256(bytes: SHA256.hash(data: bytes))! }
}
