import HTTPTypes
package import SemanticCache

/// What every `CacheStore` must do, written once. Each check returns what was wrong, `nil` when all is well.
package enum CacheStoreConformance {
    /// All checks by name. Each wants a store of its own, empty.
    package static let checks: [(name: String, run: @Sendable (any CacheStore) async throws -> String?)] = [
        ("what goes in comes out", comesBack), ("the same key takes over", takesOver), ("removal removes", removes),
        ("pages cover everything once", pages),
        ("outlines tell everything but answer and vector", outlines),
        ("generations tell old from new", numbersGenerations), ("what the shared tier has is kept", keepsSharing),
        ("state is kept by name", keepsState), ("a closed store says so", closes),
    ]

    @Sendable private static func comesBack(_ store: any CacheStore) async throws -> String? {
        let vector = UnitVector(normalizing: [0.1, -0.2, 0.3])
        let now = Timestamp(milliseconds: 1_790_000_000_123)
        let stream = Entry(
            id: EntryID(rawValue: 2), key: CacheKey(Sample.digest(2)), scope: nil, tenant: TenantID(Sample.digest(9)), namespace: "team ä",
            endpoint: .chatCompletions,
            model: "m", tags: ["doc:42", "release 7"], query: "line one\nline two \u{1F600}\u{0}end",
            answer: Answer(
                recording: .events(
                    EventRecording(
                        bytes: Array("data: 1\n\ndata: [DONE]\n\n".utf8), marks: [.init(end: 9, milliseconds: 0), .init(end: 23, milliseconds: 70)])),
                fields: [.contentType: "text/event-stream; charset=utf-8", .contentLanguage: "de"], usage: nil, upstreamTime: .milliseconds(1234),
                tellsUsageRegardless: true, isStandIn: true),
            createdAt: now, expiresAt: now + .seconds(60))
        let plain = Sample.entry(1, tags: [], body: [0, 255, 10, 13])
        let billed = TokenUsage(prompt: 2048, completion: 7, cachedPrompt: 1920)
        let records = [
            CacheRecord(
                entry: Entry(
                    plain.metadata,
                    answer: Answer(recording: plain.answer.recording, fields: plain.answer.fields, usage: billed, upstreamTime: .milliseconds(900))),
                embedding: vector.map { StoredEmbedding(vector: $0, fingerprint: "model-a") }),
            CacheRecord(entry: stream, embedding: nil),
        ]
        try await store.insert(records)
        let found = try await store.records(after: nil, limit: 10)
        if found.count != 2 { return "\(found.count) records instead of 2" }
        for (record, original) in zip(found, records) {
            if "\(record)" != "\(original)" { return "read \(record), wrote \(original)" }
        }
        let byKey = try await store.record(for: stream.key)
        if byKey?.entry.id != stream.id { return "not found by key" }
        return try await store.record(for: CacheKey(Sample.digest(77))) == nil ? nil : "found what is not there"
    }

    @Sendable private static func takesOver(_ store: any CacheStore) async throws -> String? {
        try await store.insert([Sample.record(1)])
        let first = Sample.entry(1)
        let second = Entry(
            id: EntryID(rawValue: 50), key: first.key, scope: nil, tenant: first.tenant, namespace: "", endpoint: .chatCompletions, model: "new",
            query: "",
            answer: first.answer, createdAt: first.createdAt, expiresAt: first.expiresAt)
        try await store.insert([CacheRecord(entry: second, embedding: nil)])
        let all = try await store.records(after: nil, limit: 10)
        if all.map(\.entry.id) != [second.id] { return "after the takeover: \(all.map(\.entry.id))" }
        // The same id once more is a replacement too.
        try await store.insert([CacheRecord(entry: second, embedding: nil)])
        return try await store.records(after: nil, limit: 10).count == 1 ? nil : "an id stands twice"
    }

    @Sendable private static func removes(_ store: any CacheStore) async throws -> String? {
        try await store.insert((1...10).map { Sample.record($0) })
        try await store.remove([EntryID(rawValue: 3), EntryID(rawValue: 99)])
        if try await store.record(for: Sample.entry(3).key) != nil { return "3 is still there" }
        if try await store.records(after: nil, limit: 100).count != 9 { return "other entries went too" }
        try await store.removeAll()
        return try await store.records(after: nil, limit: 100).isEmpty ? nil : "something is left after removeAll"
    }

    @Sendable private static func pages(_ store: any CacheStore) async throws -> String? {
        if let last = try await store.lastID() { return "an empty store has a last id, \(last)" }
        try await store.insert((1...57).map { Sample.record($0) })
        var seen: [EntryID] = []
        while case let page = try await store.records(after: seen.last, limit: 10), !page.isEmpty {
            if page.count > 10 { return "a page of \(page.count)" }
            seen += page.map(\.entry.id)
        }
        if try await store.lastID() != seen.last { return "the last id is not the last page's" }
        return seen == (1...57).map { EntryID(rawValue: $0) } ? nil : "pages gave \(seen)"
    }

    @Sendable private static func outlines(_ store: any CacheStore) async throws -> String? {
        let vector = UnitVector(normalizing: [0.1, -0.2, 0.3])
        let full = CacheRecord(entry: Sample.entry(1), embedding: vector.map { StoredEmbedding(vector: $0, fingerprint: "model-a") })
        try await store.insert([full, Sample.record(2)])
        if try await store.count() != 2 { return "it counts \(try await store.count())" }
        let found = try await store.outlines(after: nil, limit: 10)
        let wanted = [EntryOutline(full, generation: 0), EntryOutline(Sample.record(2), generation: 0)]
        if found.count != 2 { return "\(found.count) outlines instead of 2" }
        for (outline, want) in zip(found, wanted) {
            if "\(outline.metadata)" != "\(want.metadata)" { return "read \(outline.metadata), wrote \(want.metadata)" }
            if outline.answerBytes != want.answerBytes || abs(outline.savedCost - want.savedCost) > 1e-6 || outline.fingerprint != want.fingerprint {
                return "read \(outline), wrote \(want)"
            }
        }
        let embeddings = try await store.embeddings(of: [EntryID(rawValue: 1), EntryID(rawValue: 99)])
        return embeddings == [EntryID(rawValue: 1): full.embedding] ? nil : "read the vectors \(embeddings)"
    }

    @Sendable private static func numbersGenerations(_ store: any CacheStore) async throws -> String? {
        try await store.insert([Sample.record(1), Sample.record(2)])
        let early = try await store.generation()
        if try await store.generation() != early { return "the generation changes by itself" }
        try await store.insert([Sample.record(2), Sample.record(3)])
        let late = try await store.generation()
        if late.lineage != early.lineage || late.number <= early.number { return "\(late) after \(early)" }
        let fresh = try await store.outlines(after: nil, limit: 10).filter { $0.generation > early.number }.map(\.metadata.id.rawValue)
        if fresh != [2, 3] { return "written since: \(fresh)" }
        try await store.removeAll()
        if try await store.generation().number < late.number { return "numbers come again after removeAll" }
        try await store.beginLineage()
        return try await store.generation().lineage != early.lineage ? nil : "the line goes on"
    }

    @Sendable private static func keepsSharing(_ store: any CacheStore) async throws -> String? {
        func sharing() async throws -> [EntrySharing] { try await store.outlines(after: nil, limit: 10).map(\.sharing) }
        let vector = UnitVector(normalizing: [0.1, -0.2, 0.3]).map { StoredEmbedding(vector: $0, fingerprint: "model-a") }
        let searchable = CacheRecord(entry: Sample.entry(2), embedding: vector)
        try await store.insert([Sample.record(1), searchable, Sample.record(3).with(.fetched), Sample.record(4).with(.taken)])
        if try await sharing() != [.waiting, .waiting, .fetched, .taken] { return "written: \(try await sharing())" }
        if try await store.record(for: Sample.entry(3).key)?.sharing != .fetched { return "a whole record says otherwise" }
        // One that came by its vector since is not what was taken.
        try await store.noteTaken([EntryID(rawValue: 1): false, EntryID(rawValue: 2): false, EntryID(rawValue: 3): false])
        if try await sharing() != [.taken, .waiting, .fetched, .taken] { return "without vectors: \(try await sharing())" }
        try await store.noteTaken([EntryID(rawValue: 2): true, EntryID(rawValue: 99): true])
        if try await sharing() != [.taken, .taken, .fetched, .taken] { return "with a vector: \(try await sharing())" }
        try await store.insert([searchable])
        if try await sharing() != [.taken, .waiting, .fetched, .taken] { return "written anew: \(try await sharing())" }
        try await store.forgetTaken()
        return try await sharing() == [.waiting, .waiting, .fetched, .waiting] ? nil : "forgotten: \(try await sharing())"
    }

    @Sendable private static func keepsState(_ store: any CacheStore) async throws -> String? {
        if try await store.state(named: "a") != nil { return "state before it was set" }
        try await store.setState([1, 2], named: "a")
        try await store.setState([], named: "b")
        try await store.setState([3], named: "a")
        if try await store.state(named: "a") != [3] { return "a is not [3]" }
        if try await store.state(named: "b") != [] { return "b is not empty" }
        try await store.setState(nil, named: "a")
        try await store.setState(nil, named: "never set")
        if try await store.state(named: "a") != nil { return "a is still there" }
        return try await store.state(named: "b") == [] ? nil : "b went with a"
    }

    @Sendable private static func closes(_ store: any CacheStore) async throws -> String? {
        try await store.close()
        do {
            _ = try await store.records(after: nil, limit: 1)
            return "a closed store answered"
        } catch StoreError.closed {
            return nil
        }
    }
}

extension CacheStore {
    /// At most `limit` whole records with ids above `cursor`, ascending. An empty result is the end.
    package func records(after cursor: EntryID?, limit: Int) async throws -> [CacheRecord] {
        var cursor = cursor
        while case let page = try await outlines(after: cursor, limit: limit), let last = page.last {
            var found: [CacheRecord] = []
            for outline in page { if let record = try await record(for: outline.metadata.key) { found.append(record) } }
            if !found.isEmpty { return found }
            cursor = last.metadata.id
        }
        return []
    }
}
