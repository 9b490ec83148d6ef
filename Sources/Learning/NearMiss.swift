import DequeModule
import Matching
package import SemanticCache

/// A decision that a person may want to look at: a rewording that was not served although near, or a hit that was disputed.
package struct NearMiss: Sendable {
    package enum Kind: String, Sendable {
        /// Near enough to be tempting, and forwarded.
        case nearMiss = "near-miss"
        /// Served, and said to be wrong.
        case disputed
        /// Forwarded to learn from, and the cached answer would have been wrong.
        case averted
    }

    package let kind: Kind
    package let at: Timestamp
    package let requestID: String
    package let entry: EntryID
    package let asked: String
    package let cached: String
    package let similarity: Float
    /// Why it was forwarded, or by whom it was disputed.
    package let reason: String
    /// What the guards saw.
    package let findings: [String]
    package let score: Double?
    /// The key of the request that was forwarded, under which its fresh answer is found; `nil` for a disputed hit.
    let key: CacheKey?
    /// What a verdict on the pair teaches; `nil` where nothing was weighed that a verdict could change: a guard forwarded it, or it was served.
    let lesson: Lesson?
    /// What a person said of the pair; `nil` until then.
    package fileprivate(set) var isSame: Bool?

    /// The look-up as it was weighed.
    struct Lesson: Sendable {
        let population: PopulationKey
        let features: FeatureVector
    }

    init(
        kind: Kind, at: Timestamp, requestID: String, entry: EntryID, asked: String, cached: String, similarity: Float, reason: String,
        findings: [String] = [], score: Double? = nil, key: CacheKey? = nil, lesson: Lesson? = nil
    ) {
        self.kind = kind
        self.at = at
        self.requestID = requestID
        self.entry = entry
        self.asked = asked
        self.cached = cached
        self.similarity = similarity
        self.reason = reason
        self.findings = findings
        self.score = score
        self.key = key
        self.lesson = lesson
    }

    /// Whether a person's verdict is still wanted.
    package var isOpen: Bool { lesson != nil && isSame == nil }
}

/// The last near misses, and the verdicts on them.
struct NearMisses: Sendable {
    private let capacity: Int
    private var misses = Deque<NearMiss>()

    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// The oldest first.
    var all: [NearMiss] { Array(misses) }

    /// The entries that were near.
    var entries: Set<EntryID> { Set(misses.lazy.map(\.entry)) }

    mutating func append(_ miss: NearMiss) {
        misses.append(miss)
        if misses.count > capacity { misses.removeFirst() }
    }

    mutating func removeAll() { misses = [] }

    mutating func removeAll(where isMeant: (NearMiss) -> Bool) { misses.removeAll(where: isMeant) }

    /// The latest pair of this request and this entry that was forwarded.
    func forwarded(requestID: String, entry: EntryID) -> NearMiss? { index(requestID, entry).map { misses[$0] } }

    /// Takes down what a person said; false where the pair is not there, or somebody spoke before.
    mutating func judge(requestID: String, entry: EntryID, isSame: Bool) -> Bool {
        guard let index = index(requestID, entry), misses[index].isOpen else { return false }
        misses[index].isSame = isSame
        return true
    }

    /// - Complexity: O(n) in what is remembered; people are slow.
    private func index(_ requestID: String, _ entry: EntryID) -> Int? {
        let fitting = misses.indices.filter { index in
            let miss = misses[index]
            return miss.requestID == requestID && miss.entry == entry && miss.kind != .disputed
        }
        return fitting.max { misses[$0].at < misses[$1].at }
    }
}
