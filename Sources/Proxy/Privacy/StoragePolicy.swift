/// Which requests are never stored: those that match a pattern of the operator's, or hold something sensitive.
package struct StoragePolicy: Sendable {
    /// Regular expressions; one that cannot be compiled matches everything, which stores nothing.
    package var patterns: [String] = []
    package var kinds: Set<SensitiveText.Kind> = []

    package init() {}

    /// Whether a request with this body may be stored.
    ///
    /// Looks at the body as it stands: escapes are not undone, so a pattern meets `\n` and `\"` where the text has a break and a quote.
    package func allowsStoring(_ body: [UInt8]) -> Bool {
        if !kinds.isEmpty, SensitiveText.find(kinds, in: body) != nil { return false }
        guard !patterns.isEmpty else { return true }
        let text = String(decoding: body, as: UTF8.self)
        return patterns.allSatisfy { pattern in
            // Compiled each time, as expressions cannot be shared between threads; only misses pay for it.
            guard let expression = try? Regex(pattern) else { return false }
            do { return try expression.firstMatch(in: text) == nil } catch { return false }
        }
    }
}
