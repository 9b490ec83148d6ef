import SemanticCache

/// The events of the journal as far as they were read: what an entry from the engine is judged by before it is served.
///
/// An entry bears the number of the last event that its proxy had applied when it was put, and that event's mark. A later event that means it makes it
/// dead, wherever it is met: nothing has to be removed from the engine in time. Where the two do not fit, or go back further than this history does,
/// the entry is of another time, and dead too.
struct JournalHistory: Sendable {
    /// What became of an entry.
    enum Verdict: Sendable {
        case alive
        /// It may answer exact repeats alone.
        case outOfReach
        case dead
    }

    private struct Flush {
        let number: Int64
        let flush: JournalEvent.Flush
        let at: Timestamp
    }

    /// More events than an engine's journal keeps.
    private static let limit = 1 << 16

    /// The number of the last event that was read.
    private(set) var last: Int64
    /// The last event of which is not known what it said; what was put before it cannot be judged.
    private var floor: Int64
    private var marks: [Int64: UInt64] = [:]
    /// In the order of their numbers.
    private var flushes: [Flush] = []
    private var removed: [CacheKey: Int64] = [:]
    private var unreached: [CacheKey: (number: Int64, id: EntryID)] = [:]

    /// Knows of nothing up to `number`, which is 0 where there was nothing.
    init(after number: Int64 = 0) {
        last = number
        floor = number
    }

    /// What an entry must bear that is put now.
    var sinceMark: UInt64 { marks[last] ?? 0 }

    /// Takes in the next event.
    ///
    /// - Parameters:
    ///   - event: `nil` where it cannot be read: it may have meant everything.
    ///   - mark: told from its bytes.
    mutating func note(_ event: JournalEvent?, mark: UInt64, number: Int64) {
        last = number
        marks[number] = mark
        if marks.count > Self.limit, let oldest = marks.keys.min() { forget(through: oldest + Int64(Self.limit / 2)) }
        guard let event else { return forget(through: number) }
        note(event, number: number)
    }

    /// Judges by an event before it is carried out; ``note(_:mark:number:)`` follows. What is put in between does not count as later.
    mutating func anticipate(_ event: JournalEvent?, number: Int64) {
        guard let event else { return }
        note(event, number: number)
    }

    private mutating func note(_ event: JournalEvent, number: Int64) {
        switch event.kind {
        case .flush(let flush):
            if !flush.selector.hasConditions { return forget(through: number) }
            // Anticipated already.
            if flushes.last?.number != number { flushes.append(Flush(number: number, flush: flush, at: event.at)) }
        case .unreach(let names): for name in names { unreached[name.key] = (number, name.id) }
        case .remove(let names): for name in names { removed[name.key] = number }
        }
    }

    /// What was put before `number` is dead, whatever it is.
    private mutating func forget(through number: Int64) {
        floor = number
        marks = marks.filter { $0.key >= number }
        flushes.removeAll { $0.number <= number }
        removed = removed.filter { $0.value > number }
        unreached = unreached.filter { $0.value.number > number }
    }

    /// Events that the journal no longer has: what they said is not known from now on.
    mutating func skip(through number: Int64) {
        last = number
        forget(through: number)
    }

    /// The flushes that may mean an entry; whether they do is looked at outside of any lock, for a regular expression may take its time.
    struct Question: Sendable {
        fileprivate let isKnown: Bool
        fileprivate let isRemoved: Bool
        fileprivate let isOutOfReach: Bool
        fileprivate let flushes: [(flush: JournalEvent.Flush, at: Timestamp)]
    }

    /// - Complexity: O(n) in the flushes since the entry was put.
    func question(_ entry: SharedSealing.Opened, since: Int64) -> Question {
        // An entry that was put right after the floor was put by somebody who had applied it.
        let isKnown = since <= last && since >= floor && (since == 0 ? entry.sinceMark == 0 : marks[since] == entry.sinceMark)
        let key = entry.metadata.key
        let start = flushes.firstIndex { $0.number > since } ?? flushes.endIndex
        return Question(
            isKnown: isKnown, isRemoved: (removed[key] ?? -1) > since,
            isOutOfReach: unreached[key].map { $0.number > since && $0.id == entry.metadata.id } ?? false,
            flushes: isKnown ? flushes[start...].map { ($0.flush, $0.at) } : [])
    }
}

extension JournalHistory.Question {
    func verdict(on entry: SharedSealing.Opened) -> JournalHistory.Verdict {
        guard isKnown, !isRemoved, !flushes.contains(where: { $0.flush.means(entry.metadata, entry.embedding, at: $0.at) }) else { return .dead }
        return isOutOfReach ? .outOfReach : .alive
    }
}

extension JournalEvent.Flush {
    /// - Parameter at: when the flush was said; ages are counted from there.
    func means(_ metadata: EntryMetadata, _ embedding: StoredEmbedding?, at: Timestamp) -> Bool {
        // One that cannot be made ready was refused where it was said.
        guard (try? CompiledSelector(selector))?.selects(metadata, at: at) ?? false else { return false }
        return likeness.map { $0.means(embedding) } ?? true
    }
}
