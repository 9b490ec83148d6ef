/// Which entries a flush, a listing or an export means. Members combine with AND; a selector without any selects nothing.
package struct EntrySelector: Sendable {
    /// Selects every entry, when it stands alone.
    package var all = false
    package var id: EntryID?
    /// The tenant's id as shown in listings (16 hexadecimal digits), or a longer prefix of its digest.
    package var tenant: String?
    package var namespace: String?
    package var model: String?
    package var tag: String?
    /// Entries created longer ago than this.
    package var olderThan: Duration?
    /// A regular expression that must be found in the query text.
    package var matching: String?
    /// Entries whose query is at least `threshold` similar to this text; resolved by the proxy, which has the embedder.
    package var similarTo: String?
    /// Cosine similarity in 0...1, a condition on `similarTo`; ``defaultThreshold`` where it is `nil`.
    package var threshold: Float?

    /// What counts as similar where nothing is said.
    package static let defaultThreshold: Float = 0.9

    package init() {}

    /// Whether nothing was asked for: neither `all` nor any condition.
    package var isEmpty: Bool { !all && !hasConditions }

    /// Whether any condition beside `all` stands.
    package var hasConditions: Bool {
        id != nil || tenant != nil || namespace != nil || model != nil || tag != nil || olderThan != nil || matching != nil || similarTo != nil
    }
}

/// A selector made ready: its regular expression compiled.
package struct CompiledSelector {
    private let selector: EntrySelector
    private let regex: Regex<AnyRegexOutput>?

    /// Throws ``SelectorError`` when the regular expression cannot be read.
    package init(_ selector: EntrySelector) throws(SelectorError) {
        self.selector = selector
        guard let pattern = selector.matching else {
            regex = nil
            return
        }
        do { regex = try Regex(pattern) } catch { throw SelectorError.badRegularExpression(pattern, reason: "\(error)") }
    }

    /// Whether the entry is meant, as far as its own members tell (`similarTo` aside).
    package func selects(_ entry: Entry, at now: Timestamp) -> Bool { selects(entry.metadata, at: now) }

    /// Whether the entry with this metadata is meant, as far as that tells (`similarTo` aside).
    package func selects(_ entry: EntryMetadata, at now: Timestamp) -> Bool {
        guard !selector.isEmpty else { return false }
        if let id = selector.id, entry.id != id { return false }
        if let tenant = selector.tenant, tenant.count < 16 || !entry.tenant.digest.hex.hasPrefix(tenant) { return false }
        if let namespace = selector.namespace, entry.namespace != namespace { return false }
        if let model = selector.model, entry.model != model { return false }
        if let tag = selector.tag, !entry.tags.contains(tag) { return false }
        if let age = selector.olderThan, now - entry.createdAt <= age { return false }
        if let regex, entry.query.firstMatch(of: regex) == nil { return false }
        return true
    }
}

/// A selector that cannot be used.
package enum SelectorError: Error, Sendable, CustomStringConvertible {
    case badRegularExpression(String, reason: String)

    package var description: String {
        switch self {
        case .badRegularExpression(let pattern, let reason): "'\(pattern)' is not a regular expression: \(reason)"
        }
    }
}
