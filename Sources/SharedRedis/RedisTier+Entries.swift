package import SemanticCache

extension RedisTier {
    /// What an entry may have in bytes, far below what servers take as one word.
    static let largestEntry = 64 << 20
    /// Beyond this moment, in milliseconds, the engine is told no end.
    private static let endOfTime: Int64 = 1 << 48

    package func put(_ entries: [SharedEntry]) async throws(SharedTierError) -> [SharedPutOutcome] {
        let opened = try opened()
        let script = RedisScript.put
        var commands = RedisCommands(script.load)
        var outcomes = [SharedPutOutcome](repeating: .tooLarge, count: entries.count)
        var sent: [Int] = []
        for (place, entry) in entries.enumerated() where entry.metadata.count + (entry.answer?.count ?? 0) <= Self.largestEntry {
            // The engine would take it in silence and never find it.
            if let vectors = opened.vectors, let vector = entry.vector, vector.dimension != vectors.dimension {
                throw .wrongDimension(found: vectors.dimension, expected: vector.dimension)
            }
            let expiry = entry.expiresAt.milliseconds
            let words: [RedisCommands.Word] = [
                .text(opened.lineage), expiry < Self.endOfTime ? .number(max(1, expiry)) : "", .text(names.ids),
            ]
            commands.append(
                script.run([names.entry(entry.key), names.id(entry.id), names.meta], words + RedisEntry.words(entry, opened.vectors)))
            sent.append(place)
        }
        guard !sent.isEmpty else { return outcomes }
        let answers = try await bulk(commands)
        for (place, answer) in zip(sent, answers.dropFirst()) {
            switch try answer.orThrow().number {
            case 0: outcomes[place] = .stored
            case 1: outcomes[place] = .idTaken
            case RedisScript.otherLineage: throw Self.emptied
            default: throw .garbled("an entry was stored or not")
            }
        }
        return outcomes
    }

    package func remove(_ keys: [CacheKey]) async throws(SharedTierError) {
        _ = try opened()
        for answer in try await run(.remove, on: keys.map { names.entry($0) }, [.text(names.ids), ""]) { _ = try answer.orThrow() }
    }

    package func unreach(_ keys: [CacheKey]) async throws(SharedTierError) {
        _ = try opened()
        for answer in try await run(.unreach, on: keys.map { names.entry($0) }, []) { _ = try answer.orThrow() }
    }

    /// Runs a script once for each key, in one round trip.
    private func run(_ script: RedisScript, on keys: [String], _ words: [RedisCommands.Word]) async throws(SharedTierError) -> [RESPValue] {
        guard !keys.isEmpty else { return [] }
        var commands = RedisCommands(script.load)
        for key in keys { commands.append(script.run([key], words)) }
        return Array(try await bulk(commands).dropFirst())
    }

    // MARK: Selections

    package func sweep(_ selection: SharedSelection, before number: Int64, limit: Int) async throws(SharedTierError) -> Int {
        let opened = try opened()
        let query = RedisIndex.query(selection, before: number)
        var removed = 0
        var foreign = 0
        // What a search found and the script did not take is over, or newer than the flush: neither is found again.
        while removed < limit {
            let wanted = limit - removed
            let found = try await find(query, skipping: foreign, limit: wanted, opened)
            let ours = found.names.filter { names.key(of: $0) != nil }
            foreign += found.names.count - ours.count
            for answer in try await run(.remove, on: ours, [.text(names.ids), .number(number)]) where try answer.orThrow().number == 1 {
                removed += 1
            }
            if found.names.count < wanted { break }
        }
        return removed
    }

    /// Searches the index, which has to be whole: what it does not know yet would be taken for gone.
    private func find(
        _ query: String, skipping skipped: Int = 0, limit: Int, _ opened: Opened
    ) async throws(SharedTierError) -> RedisFinds {
        let answers = try await bulk(RedisCommands(headCommand, opened.index.info, opened.index.names(query, skipping: skipped, limit: limit)))
        let head = try head(answers[0])
        guard head.lineage == opened.lineage else { throw Self.emptied }
        if answers[2].meansNoIndex {
            try await remake(opened.index, in: opened, head, until: .now + Self.patience)
            throw .starting("its index was gone and is being filled")
        }
        if answers[1]["indexing"]?.number == 1 { throw .starting("its index is being filled") }
        return try RedisFinds(answers[2])
    }

    package func page(
        _ selection: SharedSelection, after cursor: SharedCursor?, limit: Int, withAnswers: Bool
    ) async throws(SharedTierError) -> SharedPage {
        let opened = try opened()
        guard var place = RedisPlace(cursor) else { throw .engine("a page after '\(cursor?.text ?? "")', which is no place of this engine's") }
        let limit = max(1, limit)
        var entries: [SharedEntry] = []
        while entries.count < limit, !place.isEnd {
            // Some room, since the keys' digests are spread evenly but not exactly so.
            let found = try await find(RedisIndex.query(selection, at: place.window), limit: 4 * limit, opened)
            if found.total > found.names.count, place.narrow() { continue }
            let keys = found.names.compactMap { names.key(of: $0) }.map { ($0.digest.hex, $0) }.filter { $0.0 >= place.from }.sorted { $0.0 < $1.0 }
            let taken = keys.prefix(limit - entries.count)
            var commands = RedisCommands()
            for (_, key) in taken { commands.append(read(key, opened, withAnswer: withAnswers)) }
            if commands.count > 0 {
                for ((_, key), answer) in zip(taken, try await bulk(commands)) {
                    guard let entry = try entry(key, answer, opened, withAnswer: withAnswers), selection.means(entry) else { continue }
                    entries.append(entry)
                }
            }
            if keys.count > taken.count, let last = taken.last { place.move(behind: last.0) } else { place.moveOn(wider: keys.count < limit) }
        }
        return SharedPage(entries: entries, cursor: place.cursor)
    }

    // MARK: Numbers

    package func describe() async throws(SharedTierError) -> SharedDescription {
        let opened = try opened()
        var commands = RedisCommands(["TIME"], ["INFO", "memory"], opened.index.names("@at:[-inf +inf]", limit: 0))
        if let query = opened.index.anyVector { commands.append(opened.index.names(query, limit: 0)) }
        let answers = try await bulk(commands)
        let asked = RealTime.milliseconds()
        if answers[2].meansNoIndex { throw .starting("its index is being made") }
        let entries = try RedisFinds(answers[2]).total
        let searchable = answers.count > 3 ? try RedisFinds(answers[3]).total : 0
        // Both are for people, and not every user may ask.
        let skew = answers[0].items.flatMap { time -> Duration? in
            guard time.count == 2, let seconds = time[0].number, let microseconds = time[1].number else { return nil }
            return .milliseconds(seconds * 1000 + microseconds / 1000 - asked)
        }
        let bytes = answers[1].text?.split(separator: "\r\n").first { $0.hasPrefix("used_memory:") }.flatMap { Int($0.dropFirst(12)) }
        return SharedDescription(engine: opened.server, entries: entries, searchable: searchable, bytes: bytes, clockSkew: skew ?? .zero)
    }
}
