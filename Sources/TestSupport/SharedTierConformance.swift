package import SemanticCache

/// What every `SharedTier` must do, written once. Each check returns what was wrong, `nil` when all is well.
package enum SharedTierConformance {
    /// Two proxies at one engine, which nobody else uses.
    package struct Pair: Sendable {
        package let one: any SharedTier
        package let other: any SharedTier

        package init(one: any SharedTier, other: any SharedTier) {
            self.one = one
            self.other = other
        }
    }

    /// All checks by name. Each wants an engine of its own, empty, which ``open(_:)`` has opened.
    package static let checks: [(name: String, run: @Sendable (Pair) async throws -> String?)] = [
        ("what one puts the other finds, byte for byte", comesAcross), ("the same key takes over, an id stays one entry's", takesOver),
        ("no search leaves its scope", staysInScope), ("searches are exact and in order", findsNearest), ("what is over is not found", expires),
        ("what is out of reach answers exact repeats alone", unreaches), ("removal removes", removes),
        ("the journal counts without gaps", countsEvents), ("others are told", tellsOthers), ("a sweep spares what came later", sweeps),
        ("selections mean what they say", selects), ("pages cover everything once", pages), ("evidence is each node's own", keepsEvidence),
        ("two owners have two numbers", leases), ("other keys and dimensions are refused", refusesOthers),
        ("a deadline that is over is kept", keepsDeadlines), ("a closed tier says so", closes),
    ]

    /// Of vectors of eight components.
    package static let identity = SharedIdentity(dimension: 8, fingerprint: "model-a", tenancyCheck: "t1", encryptionCheck: "e1")

    package static func open(_ pair: Pair) async throws {
        let first = try await pair.one.open(identity)
        let second = try await pair.other.open(identity)
        guard first == second else { throw SharedTierError.garbled("\(first) and \(second)") }
    }

    private static var soon: ContinuousClock.Instant { .now + .seconds(20) }

    /// When the checks began: what they put ends long after they do.
    private static let now = RealClock().now()

    private static func vector(_ number: Int) -> UnitVector {
        var generator = SeededGenerator(seed: UInt64(number))
        return UnitVector(normalizing: (0..<8).map { _ in Float.random(in: -1...1, using: &generator) })!
    }

    static func entry(
        _ number: Int, id: Int? = nil, scope: Int? = 1, marks: SharedMarks = SharedMarks(tenant: 1, namespace: 2, model: 3, tags: []),
        age: Duration = .zero, life: Duration = .seconds(3600), since: Int64 = 0, vector: UnitVector?? = .none, answer: [UInt8]? = nil
    ) -> SharedEntry {
        let created = now + (.zero - age)
        return SharedEntry(
            key: CacheKey(Sample.digest(number)), id: EntryID(rawValue: Int64(id ?? number)), scope: scope.map { Scope(Sample.digest(1000 + $0)) },
            marks: marks, createdAt: created, expiresAt: now + life, since: since, vector: vector ?? (scope == nil ? nil : Self.vector(number)),
            metadata: Array("metadata \(number)".utf8), answer: answer ?? Array("answer \(number)".utf8))
    }

    // MARK: Entries

    @Sendable private static func comesAcross(_ pair: Pair) async throws -> String? {
        let awkward: [UInt8] = [0, 255, 13, 10, 36, 42, 0x5C, 0x27] + Array("\u{1F600}".utf8)
        let large = entry(
            2, id: 1 << 61, scope: nil, marks: SharedMarks(tenant: .max, namespace: 0, model: 1 << 63, tags: [.max, 0, 7]), since: 0,
            answer: (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let entries = [entry(1, answer: awkward), large, entry(3, answer: [])]
        guard try await pair.one.put(entries) == [.stored, .stored, .stored] else { return "not stored" }
        for entry in entries {
            let found = try await pair.other.peek(entry.key, in: entry.scope, until: soon)
            if let wrong = difference(found.entry, entry) { return "by peek: \(wrong)" }
            if found.hasVectors != (entry.scope != nil) { return "vectors of \(entry.id): \(found.hasVectors)" }
            if let wrong = difference(try await pair.other.entry(.key(entry.key), until: soon), entry) { return "by key: \(wrong)" }
            if let wrong = difference(try await pair.other.entry(.id(entry.id), until: soon), entry) { return "by id: \(wrong)" }
        }
        let nothing = try await pair.one.peek(CacheKey(Sample.digest(77)), in: Scope(Sample.digest(78)), until: soon)
        if nothing.entry != nil || nothing.hasVectors { return "found what is not there" }
        return try await pair.one.entry(.id(EntryID(rawValue: 77)), until: soon) == nil ? nil : "found an id that is not there"
    }

    private static func difference(_ found: SharedEntry?, _ put: SharedEntry, answer: Bool = true) -> String? {
        guard let found else { return "\(put.id) is not there" }
        if found.key != put.key || found.id != put.id || found.scope != put.scope || found.since != put.since { return "\(found) for \(put)" }
        if found.marks.tenant != put.marks.tenant || found.marks.namespace != put.marks.namespace || found.marks.model != put.marks.model
            || Set(found.marks.tags) != Set(put.marks.tags)
        {
            return "\(found.marks) for \(put.marks)"
        }
        if found.createdAt != put.createdAt || found.expiresAt != put.expiresAt { return "times of \(put.id)" }
        if found.metadata != put.metadata { return "metadata of \(put.id)" }
        if answer, found.answer != put.answer { return "answer of \(put.id)" }
        return nil
    }

    @Sendable private static func takesOver(_ pair: Pair) async throws -> String? {
        _ = try await pair.one.put([entry(1)])
        let second = entry(1, id: 50, scope: nil, answer: Array("new".utf8))
        guard try await pair.other.put([second]) == [.stored] else { return "not replaced" }
        if let wrong = difference(try await pair.one.entry(.key(second.key), until: soon), second) { return wrong }
        if try await pair.one.entry(.id(EntryID(rawValue: 1)), until: soon) != nil { return "the former id is still there" }
        if try await pair.one.peek(second.key, in: entry(1).scope, until: soon).hasVectors { return "the former vector is still there" }
        guard try await pair.one.put([entry(2, id: 50)]) == [.idTaken] else { return "one id for two entries" }
        if try await pair.one.entry(.key(entry(2).key), until: soon) != nil { return "stored under a taken id" }
        // The same once more is a retry.
        guard try await pair.one.put([second]) == [.stored] else { return "a retry was refused" }
        return try await pair.one.describe().entries == 1 ? nil : "\(try await pair.one.describe().entries) entries"
    }

    @Sendable private static func removes(_ pair: Pair) async throws -> String? {
        _ = try await pair.one.put((1...5).map { entry($0) })
        try await pair.other.remove([entry(2).key, entry(99).key])
        if try await pair.one.peek(entry(2).key, in: nil, until: soon).entry != nil { return "2 is still there" }
        let found = try await pair.one.nearest(to: vector(2), in: entry(1).scope!, count: 8, until: soon)
        return found.found.map(\.entry.id.rawValue).sorted() == [1, 3, 4, 5] ? nil : "found \(found.found.map(\.entry.id))"
    }

    @Sendable private static func expires(_ pair: Pair) async throws -> String? {
        let over = entry(1, age: .seconds(100), life: .milliseconds(-1))
        _ = try await pair.one.put([over, entry(2)])
        if try await pair.other.peek(over.key, in: nil, until: soon).entry != nil { return "found by key" }
        if try await pair.other.entry(.id(over.id), until: soon) != nil { return "found by id" }
        let found = try await pair.other.nearest(to: vector(1), in: over.scope!, count: 8, until: soon)
        if found.found.map(\.entry.id.rawValue) != [2] { return "found by meaning" }
        return try await pair.other.page(SharedSelection(), after: nil, limit: 10, withAnswers: false).entries.map(\.id.rawValue) == [2]
            ? nil : "found in a page"
    }

    // MARK: Searches

    @Sendable private static func staysInScope(_ pair: Pair) async throws -> String? {
        let target = vector(5000)
        // The nearest are of other scopes.
        let others = (1...60).map { entry($0, scope: $0 % 6 + 2, vector: target) }
        let own = (101...103).map { entry($0, scope: 1) }
        _ = try await pair.one.put(others + own)
        let found = try await pair.other.nearest(to: target, in: own[0].scope!, count: 8, until: soon)
        return Set(found.found.map(\.entry.id)) == Set(own.map(\.id)) && found.found.allSatisfy { $0.entry.scope == own[0].scope }
            ? nil : "found \(found.found.map(\.entry.id))"
    }

    @Sendable private static func findsNearest(_ pair: Pair) async throws -> String? {
        let entries = (1...200).map { entry($0) }
        for part in stride(from: 0, to: 200, by: 50) { _ = try await pair.one.put(Array(entries[part..<part + 50])) }
        for target in (900...920).map(vector) {
            let expected = entries.map { ($0.id, target.similarity(to: $0.vector!)) }.sorted { $0.1 > $1.1 }.prefix(8)
            let found = try await pair.other.nearest(to: target, in: entries[0].scope!, count: 8, until: soon).found
            if found.map(\.entry.id) != expected.map(\.0) { return "found \(found.map(\.entry.id)), nearest are \(expected.map(\.0))" }
            if zip(found, expected).contains(where: { abs($0.similarity - $1.1) > 1e-4 }) { return "similarities \(found.map(\.similarity))" }
            if let wrong = zip(found, expected).compactMap({ pair in
                entries.first { $0.id == pair.1.0 }.flatMap { difference(pair.0.entry, $0, answer: false) }
            }).first {
                return wrong
            }
        }
        return nil
    }

    @Sendable private static func unreaches(_ pair: Pair) async throws -> String? {
        _ = try await pair.one.put([entry(1), entry(2, scope: 2)])
        try await pair.one.unreach([entry(1).key, entry(99).key])
        let peek = try await pair.other.peek(entry(1).key, in: entry(1).scope, until: soon)
        if peek.entry?.answer != entry(1).answer { return "no exact repeat any more" }
        if peek.hasVectors { return "the scope still has a vector" }
        if try await pair.other.entry(.key(entry(99).key), until: soon) != nil { return "made an entry of an unknown key" }
        let found = try await pair.other.nearest(to: vector(1), in: entry(1).scope!, count: 8, until: soon)
        if !found.found.isEmpty { return "still found" }
        let counts = try await pair.other.describe()
        return counts.entries == 2 && counts.searchable == 1 ? nil : "\(counts)"
    }

    // MARK: Journal

    @Sendable private static func countsEvents(_ pair: Pair) async throws -> String? {
        let start = try await pair.one.peek(entry(1).key, in: nil, until: soon).head
        if start.number != 0 { return "an empty journal ends at \(start.number)" }
        let positions = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 1...40 {
                group.addTask { try await (number.isMultiple(of: 2) ? pair.one : pair.other).append([UInt8(number), 0, 255]).number }
            }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        if positions != Set(1...40) { return "numbers \(positions.sorted())" }
        let all = try await pair.other.events(after: 0, limit: 100)
        if all.events.map(\.number) != Array(1...40) || all.hasGap || all.head.number != 40 { return "read \(all.events.map(\.number))" }
        if Set(all.events.map { $0.bytes.first }) != Set((1...40).map { UInt8($0) }) { return "the bytes are others" }
        let part = try await pair.one.events(after: 30, limit: 4)
        if part.events.map(\.number) != [31, 32, 33, 34] || part.hasGap { return "a part: \(part.events.map(\.number))" }
        let none = try await pair.one.events(after: 40, limit: 4)
        if !none.events.isEmpty || none.hasGap { return "after the end: \(none.events.map(\.number))" }
        if try await !pair.one.events(after: 41, limit: 4).hasGap { return "a number beyond the end is no gap" }
        let neighbours = try await pair.one.nearest(to: vector(1), in: entry(1).scope!, count: 1, until: soon)
        return neighbours.head == all.head && all.head.lineage == start.lineage ? nil : "heads \(neighbours.head) and \(all.head)"
    }

    @Sendable private static func tellsOthers(_ pair: Pair) async throws -> String? {
        let hints = pair.other.hints()
        // Whoever listens may not be connected yet: it is told at the latest of what comes after.
        let appending = Task {
            while !Task.isCancelled {
                _ = try? await pair.one.append([1])
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
        defer { appending.cancel() }
        let heard = try await withDeadline(.seconds(20)) {
            for await _ in hints { return true }
            return false
        }
        return heard == true ? nil : "nothing was heard"
    }

    @Sendable private static func sweeps(_ pair: Pair) async throws -> String? {
        let ours = SharedMarks(tenant: 7, namespace: 2, model: 3, tags: [])
        let flush = try await pair.one.append([1]).number
        _ = try await pair.one.put((1...25).map { entry($0, marks: ours, since: 0) } + [entry(90), entry(91, marks: ours, since: flush)])
        var selection = SharedSelection()
        selection.tenant = 7
        var counts: [Int] = []
        while counts.last ?? 10 == 10, counts.count < 10 { counts.append(try await pair.other.sweep(selection, before: flush, limit: 10)) }
        if counts != [10, 10, 5] { return "removed \(counts)" }
        if try await pair.one.describe().entries != 2 { return "\(try await pair.one.describe().entries) are left" }
        return try await pair.one.peek(entry(91).key, in: nil, until: soon).entry == nil ? "what came later went too" : nil
    }

    @Sendable private static func selects(_ pair: Pair) async throws -> String? {
        var entries: [SharedEntry] = []
        for number in 0..<32 {
            let marks = SharedMarks(
                tenant: UInt64(number & 1), namespace: UInt64(number >> 1 & 1), model: UInt64(number >> 2 & 1) | 1 << 63,
                tags: number & 8 == 0 ? [] : [5, .max])
            entries.append(entry(number + 1, marks: marks, age: number & 16 == 0 ? .seconds(1000) : .zero))
        }
        _ = try await pair.one.put(entries)
        var selections = [SharedSelection()]
        for change: (inout SharedSelection) -> Void in [
            { $0.tenant = 1 }, { $0.namespace = 0 }, { $0.model = 1 << 63 }, { $0.tag = .max }, { $0.tag = 6 },
            { $0.createdBefore = now + .seconds(-500) },
        ] {
            for before in selections {
                var next = before
                change(&next)
                selections.append(next)
            }
        }
        for selection in selections {
            let found = try await pair.other.page(selection, after: nil, limit: 100, withAnswers: false).entries.map(\.id)
            let meant = entries.filter(selection.means).map(\.id)
            if Set(found) != Set(meant) || found.count != meant.count { return "\(selection): \(found), not \(meant)" }
        }
        return nil
    }

    @Sendable private static func pages(_ pair: Pair) async throws -> String? {
        let entries = (1...57).map { entry($0) }
        _ = try await pair.one.put(entries)
        for withAnswers in [true, false] {
            var seen: [EntryID] = []
            var cursor: SharedCursor?
            repeat {
                let page = try await pair.other.page(SharedSelection(), after: cursor, limit: 10, withAnswers: withAnswers)
                if page.entries.count > 10 { return "a page of \(page.entries.count)" }
                for found in page.entries {
                    let original = entries.first { $0.id == found.id }!
                    if let wrong = difference(found, original, answer: withAnswers) { return wrong }
                    if !withAnswers, found.answer != nil { return "an answer that was not asked for" }
                    if withAnswers, found.vector != original.vector { return "the vector of \(found.id)" }
                }
                seen += page.entries.map(\.id)
                // What goes meanwhile takes nothing else along.
                if cursor == nil, withAnswers { try await pair.one.remove([page.entries[0].key]) }
                cursor = page.cursor
            } while cursor != nil && seen.count < 100
            let expected = withAnswers ? 57 : 56
            if Set(seen).count != expected || seen.count != expected { return "\(seen.count) of \(expected)" }
        }
        return nil
    }

    // MARK: The rest

    @Sendable private static func keepsEvidence(_ pair: Pair) async throws -> String? {
        try await pair.one.setEvidence([1, 0, 255], named: "population/a b", of: 3)
        try await pair.other.setEvidence([2], named: "population/a b", of: 4)
        try await pair.other.setEvidence([9], named: "other", of: 3)
        try await pair.one.setEvidence([1, 1], named: "population/a b", of: 3)
        if try await pair.other.evidence(named: "population/a b") != [3: [1, 1], 4: [2]] { return "two nodes" }
        try await pair.one.setEvidence(nil, named: "population/a b", of: 4)
        if try await pair.one.evidence(named: "population/a b") != [3: [1, 1]] { return "after removal" }
        return try await pair.one.evidence(named: "nobody's").isEmpty ? nil : "found what is not there"
    }

    @Sendable private static func leases(_ pair: Pair) async throws -> String? {
        let first = try await pair.one.lease(for: "a", held: nil)
        let second = try await pair.other.lease(for: "b", held: nil)
        if first == second { return "both have \(first)" }
        if !EntryIDSource.Node.numbers.contains(first) || !EntryIDSource.Node.numbers.contains(second) { return "\(first), \(second)" }
        if try await pair.one.lease(for: "a", held: first) != first { return "not renewed" }
        return try await pair.other.lease(for: "c", held: first) == first ? "taken from its holder" : nil
    }

    @Sendable private static func refusesOthers(_ pair: Pair) async throws -> String? {
        func fault(_ identity: SharedIdentity) async -> SharedTierError? {
            do throws(SharedTierError) { _ = try await pair.other.open(identity) } catch { return error }
            return nil
        }
        let tenancy = await fault(SharedIdentity(dimension: 8, fingerprint: "model-a", tenancyCheck: "t2", encryptionCheck: "e1"))
        if tenancy != .otherKey(setting: "tenancy.key_env") { return "another tenancy key: \(tenancy, default: "taken")" }
        let encryption = await fault(SharedIdentity(dimension: 8, fingerprint: "model-a", tenancyCheck: "t1", encryptionCheck: "e2"))
        if encryption != .otherKey(setting: "store.encryption_key_env") { return "another encryption key: \(encryption, default: "taken")" }
        let dimension = await fault(SharedIdentity(dimension: 9, fingerprint: "model-a", tenancyCheck: "t1", encryptionCheck: "e1"))
        if dimension != .wrongDimension(found: 8, expected: 9) { return "another dimension: \(dimension, default: "taken")" }
        // What was refused left everything as it was.
        if let fault = await fault(identity) { return "the right one is refused: \(fault)" }
        // Without an embedder exact repeats are shared all the same.
        if let fault = await fault(SharedIdentity(dimension: nil, fingerprint: nil, tenancyCheck: "t1", encryptionCheck: "e1")) { return "\(fault)" }
        return nil
    }

    @Sendable private static func keepsDeadlines(_ pair: Pair) async throws -> String? {
        _ = try await pair.one.put([entry(1)])
        do throws(SharedTierError) {
            _ = try await pair.one.nearest(to: vector(1), in: entry(1).scope!, count: 1, until: .now - .milliseconds(1))
            // An answer that was there at once is as good.
        } catch {
            if error != .timedOut { return "\(error)" }
        }
        // The tier goes on.
        return try await pair.one.peek(entry(1).key, in: nil, until: soon).entry == nil ? "nothing after it" : nil
    }

    @Sendable private static func closes(_ pair: Pair) async throws -> String? {
        await pair.one.close()
        do throws(SharedTierError) {
            _ = try await pair.one.peek(entry(1).key, in: nil, until: soon)
            return "a closed tier answers"
        } catch {
            guard case .unreachable = error else { return "\(error)" }
        }
        return try await pair.other.peek(entry(1).key, in: nil, until: soon).entry == nil ? nil : "found what is not there"
    }
}
