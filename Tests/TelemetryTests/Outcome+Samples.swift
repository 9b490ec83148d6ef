import SemanticCache

/// One of each kind of hit, for tests that only count them.
extension Outcome {
    static let exactHit = hit(Hit(.exact, entry: EntryID(rawValue: 1), age: .seconds(1), remaining: .seconds(1)))
    static let semanticHit = hit(Hit(.semantic(similarity: 0.9), entry: EntryID(rawValue: 1), age: .seconds(1), remaining: .seconds(1)))
    static let stale = hit(Hit(.exact, entry: EntryID(rawValue: 1), age: .seconds(2), remaining: .seconds(-1), isStale: true))
}
