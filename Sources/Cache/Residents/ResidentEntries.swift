import Eviction
import SemanticCache

/// The entries that the cache knows, found by key or id and queued by expiry: their metadata always, their answers while there is room.
///
/// A plain value without a lock; ``AnswerCache`` owns it under one. All calls are O(1), expiry O(log n) an entry. Nothing here grows by copying more
/// than a few thousand entries at once.
struct ResidentEntries: Sendable {
    /// An entry as far as it is in memory.
    struct Resident {
        let metadata: EntryMetadata
        /// `nil` while the answer is in the store only.
        var answer: Answer?

        /// The entry, if all of it is here.
        var entry: Entry? { answer.map { Entry(metadata, answer: $0) } }
    }

    private struct Slot {
        var resident: Resident
        var hits: UInt64 = 0
        /// The room that the entry takes in the store.
        let storedBytes: Int
        /// Its place in `hot`; -1 while the answer is not in memory.
        var hotPlace = -1
        /// The number of touches and insertions before its last one.
        var lastUse: UInt64
        /// Whether its time is over, and it stays only to stand in for a failing upstream.
        var isRetired = false
        /// `nil` until it is certain that the entry stays.
        var sharing: EntrySharing?

        mutating func use(at time: UInt64) {
            hits += 1
            lastUse = time
        }
    }

    private static let chunkShift = 12

    private var chunks: [[Slot?]] = []
    private var slotCount = 0
    private var free: [Int] = []
    private var byKey = SlotTable()
    private var byID = SlotTable()
    private var expiries = ExpiryQueue()
    /// The slots whose answers are in memory.
    private var hot: [Int32] = []
    private var eviction: ValueEviction
    /// Draws the answers of which one leaves memory.
    private var sample = LeastOfSample()
    private var clock: UInt64 = 0
    private var metadataBytes = 0
    private var answerBytes = 0
    private(set) var count = 0
    private var retiredCount = 0
    /// Entries in the order in which their time ended; may name some that are gone.
    private var retiredIDs: [EntryID] = []
    private let staleWindow: Duration
    /// An estimate of what the entries take in the store, in bytes.
    private(set) var storedBytes = 0
    /// Entries that the shared tier has not taken.
    private(set) var waitingCount = 0

    /// - Parameters:
    ///   - capacity: about how many entries there will be.
    ///   - staleWindow: how long an entry whose time is over is kept all the same.
    init(capacity: Int = 1024, staleWindow: Duration = .zero) {
        eviction = ValueEviction(capacity: min(capacity, 1 << 20))
        self.staleWindow = staleWindow
    }

    /// The number of entries without those whose time is over.
    var liveCount: Int { count - retiredCount }

    /// An estimate of the memory held, in bytes. The record of what is asked for how often stays when there are no entries.
    var memoryBytes: Int {
        let slots = chunks.count * (MemoryLayout<Slot?>.stride - MemoryLayout<EntryMetadata>.stride) << Self.chunkShift
        let lists = (free.capacity + retiredIDs.capacity) * 8 + hot.capacity * 4
        let tables = (byKey.capacity + byID.capacity) * 8 + lists + expiries.memoryBytes
        return eviction.memoryBytes + (count == 0 ? 0 : metadataBytes + answerBytes + slots + tables)
    }

    /// The number of entries whose answer is in memory.
    var hotCount: Int { hot.count }

    /// The entry with this id, without counting as use.
    func resident(_ id: EntryID) -> Resident? { slot(of: id).flatMap { self[$0]?.resident } }

    /// The entry with this key, without counting as use.
    func resident(for key: CacheKey) -> Resident? { slot(of: key).flatMap { self[$0]?.resident } }

    /// How often the entry was served since it became resident.
    func hits(_ id: EntryID) -> UInt64 { slot(of: id).flatMap { self[$0]?.hits } ?? 0 }

    /// Counts a request for this key, whether it is there or not.
    mutating func request(_ key: CacheKey) { eviction.request(key.digest.prefix) }

    /// Adds the entry; returns the one whose key it takes over, if there was one.
    mutating func insert(_ entry: Entry) -> EntryMetadata? {
        insert(entry.metadata, answer: entry.answer, cost: entry.answer.savedCost, answerBytes: entry.answer.memoryBytes, sharing: .waiting)
    }

    /// Adds the entry; returns the one whose key it takes over, if there was one.
    ///
    /// - Parameters:
    ///   - answer: `nil` where it is to stay in the store.
    ///   - cost: ``Answer/savedCost``.
    ///   - answerBytes: ``Answer/memoryBytes``.
    ///   - sharing: `nil` where it is not certain yet that the entry stays.
    mutating func insert(
        _ entry: EntryMetadata, answer: Answer?, cost: Double, answerBytes: Int, sharing: EntrySharing?
    ) -> EntryMetadata? {
        let replaced = resident(for: entry.key)?.metadata
        if let replaced { remove(replaced.id) }
        remove(entry.id)
        let index = free.popLast() ?? slotCount
        if index == slotCount {
            if index >> Self.chunkShift == chunks.count {
                var chunk: [Slot?] = []
                chunk.reserveCapacity(1 << Self.chunkShift)
                chunks.append(chunk)
            }
            chunks[index >> Self.chunkShift].append(nil)
            slotCount += 1
        }
        clock += 1
        let stored = Self.storedBytes(entry, answerBytes: answerBytes)
        self[index] = Slot(resident: Resident(metadata: entry, answer: nil), storedBytes: stored, lastUse: clock, sharing: sharing)
        eviction.admit(index, Worth(hash: entry.key.digest.prefix, cost: cost, bytes: stored))
        byKey.insert(entry.key.digest.prefix, index)
        byID.insert(Self.hash(entry.id), index)
        metadataBytes += entry.memoryBytes
        storedBytes += stored
        count += 1
        if sharing == .waiting { waitingCount += 1 }
        if let answer { warm(index, answer) }
        queue(entry.id, at: entry.expiresAt)
        return replaced
    }

    /// What the shared tier has of the entry; `nil` when it is not there, or may not stay.
    func sharing(_ id: EntryID) -> EntrySharing? { slot(of: id).flatMap { self[$0]?.sharing } }

    /// Notes what the shared tier has of the entry; nothing when it is not there.
    mutating func setSharing(_ sharing: EntrySharing, of id: EntryID) {
        guard let index = slot(of: id), let former = self[index] else { return }
        waitingCount += (sharing == .waiting ? 1 : 0) - (former.sharing == .waiting ? 1 : 0)
        self[index]?.sharing = sharing
    }

    /// Lets everything wait that was made here.
    mutating func forgetTaken() {
        for number in chunks.indices {
            for place in chunks[number].indices where chunks[number][place]?.sharing == .taken {
                chunks[number][place]?.sharing = .waiting
                waitingCount += 1
            }
        }
    }

    /// The ids of part `number` of which the shared tier has that, in no order; `nil` when there is no such part.
    func ids(ofPart number: Int, _ sharing: EntrySharing) -> [EntryID]? {
        guard chunks.indices.contains(number) else { return nil }
        return chunks[number].compactMap { slot in slot.flatMap { $0.sharing == sharing ? $0.resident.metadata.id : nil } }
    }

    /// Brings the answer of an entry that is there back into memory.
    mutating func warm(_ id: EntryID, _ answer: Answer) {
        if let index = slot(of: id), self[index]?.hotPlace == -1 { warm(index, answer) }
    }

    /// Notes that the entry was served.
    mutating func touch(_ id: EntryID) {
        guard let index = slot(of: id) else { return }
        clock += 1
        let now = clock
        eviction.access(index)
        // In place: a copy that is put back counts every reference that the entry holds up and down, under the lock that all hits share.
        self[index]?.use(at: now)
    }

    /// Removes the entry and returns what was known of it.
    @discardableResult
    mutating func remove(_ id: EntryID) -> EntryMetadata? {
        guard let index = slot(of: id), let slot = self[index] else { return nil }
        cool(index)
        let metadata = slot.resident.metadata
        byKey.remove(metadata.key.digest.prefix, index)
        byID.remove(Self.hash(id), index)
        metadataBytes -= metadata.memoryBytes
        storedBytes -= slot.storedBytes
        count -= 1
        if slot.isRetired { retiredCount -= 1 }
        if slot.sharing == .waiting { waitingCount -= 1 }
        self[index] = nil
        eviction.remove(index)
        free.append(index)
        return metadata
    }

    /// Removes everything and gives up the memory; what was asked for how often is remembered.
    mutating func removeAll() {
        var kept = eviction
        kept.removeAll()
        self = ResidentEntries(staleWindow: staleWindow)
        eviction = kept
    }

    /// What came to its end: entries to be taken out of the reach of likeness, and entries to be removed.
    struct Expired {
        /// Their time to live is over; they stay for the stale window.
        var retired: [EntryMetadata] = []
        /// They have no use any more; whether they were retired before is told beside each.
        var ended: [(id: EntryID, wasRetired: Bool)] = []

        var count: Int { retired.count + ended.count }
    }

    /// At most `limit` entries whose time to live or whose stale window was over at `now`, soonest first. Each is given once in either way.
    mutating func takeExpired(at now: Timestamp, limit: Int) -> Expired {
        var result = Expired()
        var seen = 0
        while result.count < limit, seen < 4096, let first = expiries.removeFirst(at: now) {
            seen += 1
            // The queue is not searched on removal, so it may still name entries that are gone.
            guard let index = slot(of: first.id), let slot = self[index], expiry(of: slot) == first.at else { continue }
            if slot.isRetired || staleWindow == .zero {
                result.ended.append((first.id, slot.isRetired))
            } else {
                self[index]?.isRetired = true
                retiredCount += 1
                if retiredIDs.count > 2 * retiredCount + 1024 { retiredIDs = retiredIDs.filter { isRetired($0) } }
                retiredIDs.append(first.id)
                queue(first.id, at: first.at + staleWindow)
                result.retired.append(slot.resident.metadata)
            }
        }
        return result
    }

    private mutating func queue(_ id: EntryID, at moment: Timestamp) {
        guard let long = expiries.insert(ExpiryQueue.Member(at: moment, id: id)) else { return }
        var seen: Set<EntryID> = []
        let standing = expiries.members(of: long).filter { member in
            guard let index = slot(of: member.id), let slot = self[index], expiry(of: slot) == member.at else { return false }
            return seen.insert(member.id).inserted
        }
        expiries.clean(long, keeping: standing)
    }

    /// When something is to be done about the entry next.
    private func expiry(of slot: Slot) -> Timestamp {
        slot.resident.metadata.expiresAt + (slot.isRetired ? staleWindow : .zero)
    }

    /// Removes at most `limit` of the entries that are kept past their time, the last to be retired first; returns what was known of them.
    mutating func removeRetired(limit: Int) -> [EntryMetadata] {
        var removed: [EntryMetadata] = []
        while removed.count < limit, let id = retiredIDs.popLast() {
            if isRetired(id), let metadata = remove(id) { removed.append(metadata) }
        }
        return removed
    }

    /// Whether the entry is there and its time is over, so that it was counted as expired.
    func isRetired(_ id: EntryID) -> Bool { slot(of: id).flatMap { self[$0]?.isRetired } ?? false }

    /// The metadata of all entries, in no order.
    var all: [EntryMetadata] { chunks.flatMap { $0.compactMap { $0?.resident.metadata } } }

    /// The number of parts that ``metadata(ofPart:where:)`` knows; younger entries are in later ones, as far as no place was free before.
    var partCount: Int { chunks.count }

    /// The metadata of the entries of part `number` whose ids are wanted, in no order; `nil` when there is no such part. An entry stays in its part.
    func metadata(ofPart number: Int, where isWanted: (EntryID) -> Bool = { _ in true }) -> [EntryMetadata]? {
        guard chunks.indices.contains(number) else { return nil }
        var found: [EntryMetadata] = []
        // The id is looked at in its place: most entries are not wanted, and a copy counts every reference that it holds.
        for place in chunks[number].indices {
            guard let id = chunks[number][place]?.resident.metadata.id, isWanted(id) else { continue }
            if let metadata = chunks[number][place]?.resident.metadata { found.append(metadata) }
        }
        return found
    }
}

// MARK: Making room

extension ResidentEntries {
    /// Takes the answer that is least worth its memory out of it; whether there was one.
    mutating func coolOne() -> Bool {
        // Drawn from a copy: the answers are looked at in their places meanwhile.
        var sample = sample
        let place = sample.index(among: hot.count) { place in
            guard let slot = self[Int(hot[place])], let answer = slot.resident.answer else { return nil }
            // Any answer can be had again from the store at the same price, so that only use and size count here.
            let density = eviction.density(slot.resident.metadata.key.digest.prefix, cost: 1, bytes: answer.memoryBytes)
            return density / Double(clock - slot.lastUse + 1)
        }
        self.sample = sample
        guard let place else { return false }
        cool(Int(hot[place]))
        return true
    }

    /// An entry that was removed for want of room.
    struct Victim {
        let entry: EntryMetadata
        /// Whether its time was over, so that it was counted as expired.
        let wasRetired: Bool
    }

    /// Removes at most `count` entries, those first that are least worth their room.
    ///
    /// - Parameter newcomer: the entry that the room is for, which goes itself if it is worth less than the one that would have to.
    mutating func evict(_ count: Int = 1, for newcomer: EntryID? = nil) -> [Victim] {
        eviction.evict(count, for: newcomer.flatMap { slot(of: $0) }).compactMap { index in
            guard let slot = self[index] else { return nil }
            return remove(slot.resident.metadata.id).map { Victim(entry: $0, wasRetired: slot.isRetired) }
        }
    }

    private mutating func warm(_ index: Int, _ answer: Answer) {
        let place = hot.count
        self[index]?.resident.answer = answer
        self[index]?.hotPlace = place
        hot.append(Int32(index))
        answerBytes += answer.memoryBytes
    }

    private mutating func cool(_ index: Int) {
        guard let slot = self[index], slot.hotPlace >= 0 else { return }
        answerBytes -= slot.resident.answer?.memoryBytes ?? 0
        let last = Int(hot.removeLast())
        if last != index {
            hot[slot.hotPlace] = Int32(last)
            self[last]?.hotPlace = slot.hotPlace
        }
        self[index]?.resident.answer = nil
        self[index]?.hotPlace = -1
    }

    /// What the entry takes in the store, roughly: its texts, its answer, the rows around them, a vector of 384 floats, and its part of the snapshot
    /// of the index.
    private static func storedBytes(_ entry: EntryMetadata, answerBytes: Int) -> Int {
        400 + entry.query.utf8.count + answerBytes + (entry.scope == nil ? 0 : 1536 + 768)
    }

    private func slot(of id: EntryID) -> Int? { byID.find(Self.hash(id)) { self[$0]?.resident.metadata.id == id } }

    private func slot(of key: CacheKey) -> Int? { byKey.find(key.digest.prefix) { self[$0]?.resident.metadata.key == key } }

    private static func hash(_ id: EntryID) -> UInt64 {
        var value = UInt64(bitPattern: id.rawValue) &* 0x9E37_79B9_7F4A_7C15
        value ^= value >> 29
        return value &* 0xBF58_476D_1CE4_E5B9
    }

    private subscript(index: Int) -> Slot? {
        get { chunks[index >> Self.chunkShift][index & ((1 << Self.chunkShift) - 1)] }
        _modify { yield &chunks[index >> Self.chunkShift][index & ((1 << Self.chunkShift) - 1)] }
    }
}
