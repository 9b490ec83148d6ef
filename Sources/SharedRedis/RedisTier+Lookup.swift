package import SemanticCache

extension RedisTier {
    package func peek(
        _ key: CacheKey, in scope: Scope?, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedPeek {
        let opened = try opened()
        var commands = RedisCommands(headCommand, read(key, opened))
        let asked = opened.vectors == nil ? nil : scope
        if let asked { commands.append(opened.index.anyVector(in: asked, within: deadline - .now)) }
        let answers = try await lookups.call(commands, until: deadline)
        let head = try head(answers[0])
        let entry = try entry(key, answers[1], opened)
        guard asked != nil else { return SharedPeek(entry: entry, hasVectors: false, head: head) }
        if answers[2].meansNoIndex {
            // What an index that has yet to be filled would say is no answer.
            try await remake(opened.index, in: opened, head, until: deadline)
            return SharedPeek(entry: entry, hasVectors: head.lineage == opened.lineage, head: head)
        }
        guard let found = try answers[2].orThrow()["results"]?.items else {
            throw .garbled("an aggregation is answered in a form that is not RESP3's")
        }
        return SharedPeek(entry: entry, hasVectors: !found.isEmpty, head: head)
    }

    package func entry(_ name: SharedName, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedEntry? {
        let opened = try opened()
        switch name {
        case .key(let key):
            let answers = try await lookups.call(RedisCommands(read(key, opened)), until: deadline)
            return try entry(key, answers[0], opened)
        case .id(let id):
            let answer = try await lookups.call(RedisCommands(["GET", .text(names.id(id))]), until: deadline)[0]
            guard !answer.meansWrongType, let key = try answer.orThrow().text.flatMap({ names.key(of: $0) }) else { return nil }
            let answers = try await lookups.call(RedisCommands(read(key, opened)), until: deadline)
            // It may have been replaced between the two.
            return try entry(key, answers[0], opened).flatMap { $0.id == id ? $0 : nil }
        }
    }

    // MARK: Fields

    /// The fields of an entry in the order in which they are asked for.
    private static func fields(_ opened: Opened, withAnswers: Bool) -> [String] {
        RedisEntry.fields + (withAnswers ? [RedisEntry.answerField] : []) + (withAnswers ? opened.vectors.map { [$0.field] } ?? [] : [])
    }

    func read(_ key: CacheKey, _ opened: Opened, withAnswer: Bool = true) -> [RedisCommands.Word] {
        ["HMGET", .text(names.entry(key))] + Self.fields(opened, withAnswers: withAnswer).map { .text($0) }
    }

    /// What ``read(_:_:withAnswer:)`` was answered with; `nil` where nothing of ours is there.
    func entry(_ key: CacheKey, _ answer: RESPValue, _ opened: Opened, withAnswer: Bool = true) throws(SharedTierError) -> SharedEntry? {
        if answer.meansWrongType { return nil }
        let fields = Self.fields(opened, withAnswers: withAnswer)
        guard let values = try answer.orThrow().items, values.count == fields.count else { throw .garbled("HMGET is answered by other fields") }
        // A key that is not there, which is what most are asked for, has none.
        if case .null = values[0] { return nil }
        return RedisEntry.entry(key, lineage: opened.lineage, vectors: opened.vectors) { name in
            fields.firstIndex(of: name).flatMap { values[$0].bytes }
        }
    }

    // MARK: Nearest

    package func nearest(
        to vector: UnitVector, in scope: Scope, count: Int, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedNeighbours {
        let opened = try opened()
        guard let vectors = opened.vectors, count > 0 else {
            return SharedNeighbours(found: [], head: try self.head(try await lookups.call(RedisCommands(headCommand), until: deadline)[0]))
        }
        guard vector.dimension == vectors.dimension else { throw .wrongDimension(found: vectors.dimension, expected: vector.dimension) }
        func ask(_ first: RedisCommands) async throws(SharedTierError) -> (answers: [RESPValue], head: SharedPosition) {
            var commands = first
            commands.append(headCommand)
            commands.append(["TIME"])
            commands.append(
                opened.index.nearest(vector, in: scope, count: count, fields: RedisEntry.fields, within: max(deadline - .now, .milliseconds(1))))
            let answers = Array(try await lookups.call(commands, until: deadline).suffix(3))
            return (answers, try self.head(answers[0]))
        }
        var (answers, head) = try await ask(RedisCommands())
        if answers[2].meansNoIndex {
            guard head.lineage == opened.lineage else { return SharedNeighbours(found: [], head: head) }
            try await remake(opened.index, in: opened, head, until: deadline)
            (answers, head) = try await ask(RedisCommands())
            if answers[2].meansNoIndex { throw .starting("its index is being made") }
        }
        var found = try neighbours(answers, in: scope, opened)
        // A search finds what is over for as long as the engine has not noticed; a look at it makes it notice.
        if !found.over.isEmpty, found.living.count + found.over.count >= count {
            (answers, head) = try await ask(RedisCommands(["EXISTS"] + found.over.map { .text($0) }))
            found = try neighbours(answers, in: scope, opened)
        }
        return SharedNeighbours(found: found.living, head: head)
    }

    private func neighbours(
        _ answers: [RESPValue], in scope: Scope, _ opened: Opened
    ) throws(SharedTierError) -> (living: [(entry: SharedEntry, similarity: Float)], over: [String]) {
        guard let results = try answers[2].orThrow()["results"]?.items else { throw .garbled("a search is answered in a form that is not RESP3's") }
        // The engine's clock says what is over. A user who may not ask it is served by the engine's word alone.
        let now = answers[1].items.flatMap { time in time.count == 2 ? time[0].number.map { Timestamp(milliseconds: $0 * 1000) } : nil }
        var living: [(entry: SharedEntry, similarity: Float)] = []
        var over: [String] = []
        for result in results {
            guard let name = result["id"]?.text, let key = names.key(of: name) else { continue }
            guard case .map(let pairs)? = result["extra_attributes"] else {
                over.append(name)
                continue
            }
            let fields = pairs.reduce(into: [String: [UInt8]](minimumCapacity: pairs.count)) { fields, pair in
                if let field = pair.key.text { fields[field] = pair.value.bytes }
            }
            guard let distance = fields["d"].flatMap({ Float(String(decoding: $0, as: UTF8.self)) }),
                let entry = RedisEntry.entry(key, lineage: opened.lineage, vectors: nil, { fields[$0] }), entry.scope == scope,
                now.map({ entry.expiresAt > $0 }) ?? true
            else { continue }
            living.append((entry, 1 - distance))
        }
        return (living, over)
    }
}
