/// A 256-bit digest, compared and hashed by value.
package struct Digest256: Hashable, Sendable {
    /// The digest as four big-endian words, most significant first.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes in a digest.
    package static let byteCount = 32

    /// Reads a digest from exactly 32 bytes; `nil` for any other count.
    package init?(bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count = 0
        for byte in bytes {
            switch count / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            case 3: words.3 = words.3 << 8 | UInt64(byte)
            default: return nil
            }
            count += 1
        }
        guard count == Self.byteCount else { return nil }
        self.words = words
    }

    /// Reads a digest from exactly 32 bytes in memory; `nil` for any other count.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        func word(_ index: Int) -> UInt64 { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)) }
        words = (word(0), word(1), word(2), word(3))
    }

    /// Reads 64 hexadecimal digits; `nil` for anything else.
    package init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue.map { UInt8($0) } }
        guard digits.count == 2 * Self.byteCount, digits.count == text.utf8.count else { return nil }
        self.init(bytes: stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    /// The first eight bytes, as good as a hash.
    package var prefix: UInt64 { words.0 }

    /// The 32 bytes, most significant first.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Self.byteCount)
        withUnsafeBytes(of: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)) { result.append(contentsOf: $0) }
        return result
    }

    /// Lower-case hexadecimal, 64 characters.
    package var hex: String { Self.hex(words.0) + Self.hex(words.1) + Self.hex(words.2) + Self.hex(words.3) }

    /// The first 16 hexadecimal digits.
    package var shortHex: String { Self.hex(words.0) }

    /// A word as 16 lower-case hexadecimal digits.
    package static func hex(_ word: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { digits in
            for place in 0..<16 {
                let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * place)) & 15
                digits[place] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
            }
            return 16
        }
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.words.0 == b.words.0 && a.words.1 == b.words.1 && a.words.2 == b.words.2 && a.words.3 == b.words.3
    }

    package func hash(into hasher: inout Hasher) {
        // The digest is already uniform, one word of it is enough for a bucket.
        hasher.combine(words.0)
    }
}

/// Names one exact request of one tenant: equal keys, equal answers, word for word.
///
/// SHA-256 over the tenant, the namespace, the endpoint and the canonical body less what cannot change the answer.
package struct CacheKey: Hashable, Sendable {
    package let digest: Digest256

    package init(_ digest: Digest256) { self.digest = digest }
}

/// Everything in a ``CacheKey`` but the text of the last user message.
///
/// A semantic hit is only ever looked for among entries of an equal scope; ``VectorIndex`` cannot be searched without one.
package struct Scope: Hashable, Sendable {
    package let digest: Digest256

    package init(_ digest: Digest256) { self.digest = digest }
}

/// The owner of an entry: by default a keyed hash of the caller's credential, never the credential itself.
package struct TenantID: Hashable, Sendable, CustomStringConvertible {
    package let digest: Digest256

    package init(_ digest: Digest256) { self.digest = digest }

    /// The first 16 hexadecimal digits: what people and scripts see and select by.
    package var description: String { digest.shortHex }
}
