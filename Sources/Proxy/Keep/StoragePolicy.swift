package import SemanticCache
import WireFormats

/// Which requests are never stored: those that match a pattern of the operator's, or hold something sensitive.
package struct StoragePolicy: Sendable {
    /// Regular expressions; one that cannot be compiled matches everything, which stores nothing.
    package var patterns: [String]
    package var kinds: Set<SensitiveKind>

    package init(patterns: [String], kinds: Set<SensitiveKind>) {
        self.patterns = patterns
        self.kinds = kinds
    }

    /// Whether a request with this body may be stored.
    ///
    /// Looks at the body as it stands and, where it has escapes, as it reads without them: many clients write all but ASCII as `\u...`, and what is looked
    /// for is written as people read it.
    package func allowsStoring(_ body: [UInt8]) -> Bool {
        guard !kinds.isEmpty || !patterns.isEmpty else { return true }
        guard allows(body) else { return false }
        return !body.contains(UInt8(ascii: "\\")) || allows(JSONText.unescaped(body))
    }

    private func allows(_ bytes: [UInt8]) -> Bool {
        if !kinds.isEmpty, SensitiveText.find(kinds, in: bytes) != nil { return false }
        guard !patterns.isEmpty else { return true }
        let text = String(decoding: bytes, as: UTF8.self)
        return patterns.allSatisfy { pattern in
            // Compiled each time, as expressions cannot be shared between threads; only misses pay for it.
            guard let expression = try? Regex(pattern) else { return false }
            do { return try expression.firstMatch(in: text) == nil } catch { return false }
        }
    }
}
