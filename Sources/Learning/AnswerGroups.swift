import SemanticCache

/// Which entries turned out to have the same answer, and how right each answer was for other wordings.
///
/// Every forwarded request leaves an entry with its own fresh answer. Where that answer is the same as an older entry's, the new wording is an alias
/// of the older one: the two count as one answer when neighbours are looked at.
struct AnswerGroups: Sendable {
    /// The most alias wordings of one answer.
    static let aliasLimit = 64
    /// The most entries that are remembered; the oldest are forgotten first.
    static let capacity = 200_000

    private struct Record {
        var right = 0
        var wrong = 0
        var aliases = 0
        /// How often the answer was served by meaning since it was last compared with a fresh one.
        var unverified = 0
    }

    private var roots: [EntryID: EntryID] = [:]
    private var records: [EntryID: Record] = [:]
    private(set) var isChanged = false

    /// The entry whose answer this one's is the same as.
    func root(of id: EntryID) -> EntryID { roots[id] ?? id }

    func history(of id: EntryID) -> (right: Int, wrong: Int) {
        let record = records[root(of: id)]
        return (record?.right ?? 0, record?.wrong ?? 0)
    }

    /// Makes `id` an alias of `answer`; refused when that one has enough, and when `id` stands for, or is, an alias already.
    mutating func join(_ id: EntryID, to answer: EntryID) {
        let root = root(of: answer)
        guard root != id, roots[id] == nil, records[id]?.aliases ?? 0 == 0, records[root]?.aliases ?? 0 < Self.aliasLimit else { return }
        roots[id] = root
        records[root, default: Record()].aliases += 1
        isChanged = true
        trim()
    }

    mutating func note(_ id: EntryID, isRight: Bool) {
        let root = root(of: id)
        if isRight { records[root, default: Record()].right += 1 } else { records[root, default: Record()].wrong += 1 }
        records[root, default: Record()].unverified = 0
        trim()
    }

    /// Notes that the answer was served by meaning.
    mutating func noteServed(_ id: EntryID) { records[root(of: id), default: Record()].unverified += 1 }

    /// How often the answer was since it was last compared.
    func unverified(_ id: EntryID) -> Int { records[root(of: id)]?.unverified ?? 0 }

    /// Every alias with its answer, for keeping; clears ``isChanged``.
    mutating func takePairs() -> [(alias: EntryID, answer: EntryID)] {
        isChanged = false
        return roots.map { ($0.key, $0.value) }
    }

    /// Has the aliases kept once more: they could not be.
    mutating func keepAgain() { isChanged = true }

    mutating func restore(_ pairs: [(alias: EntryID, answer: EntryID)]) {
        for (alias, answer) in pairs { join(alias, to: answer) }
        isChanged = false
    }

    mutating func removeAll() {
        self = AnswerGroups()
        isChanged = true
    }

    private mutating func trim() {
        if roots.count > Self.capacity { for id in roots.keys.sorted().prefix(Self.capacity / 10) { roots[id] = nil } }
        if records.count > Self.capacity { for id in records.keys.sorted().prefix(Self.capacity / 10) { records[id] = nil } }
    }
}
