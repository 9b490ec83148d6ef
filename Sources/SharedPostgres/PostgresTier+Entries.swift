package import SemanticCache

extension PostgresTier {
    /// What an entry may have in bytes: the engine takes messages of less than a gigabyte, and has each value in memory several times.
    private static let largest = 256 << 20
    /// Bytes that go in one transaction; a larger entry goes alone.
    private static let batch = 16 << 20

    package func put(_ entries: [SharedEntry]) async throws(SharedTierError) -> [SharedPutOutcome] {
        let opened = try opened()
        for case let vector? in entries.map(\.vector) {
            if let dimension = opened.dimension, dimension != vector.dimension {
                throw .wrongDimension(found: dimension, expected: vector.dimension)
            }
        }
        var outcomes = [SharedPutOutcome](repeating: .tooLarge, count: entries.count)
        var batch: [Int] = []
        var bytes = 0
        // In the order of their keys, so that two proxies that put the same never wait for each other in a circle; the same key twice keeps its order.
        for index in entries.indices.sorted(by: { (entries[$0].key.digest.hex, $0) < (entries[$1].key.digest.hex, $1) }) {
            let size = entries[index].metadata.count + (entries[index].answer?.count ?? 0)
            guard size <= Self.largest else { continue }
            if bytes + size > Self.batch, !batch.isEmpty {
                try await put(batch, of: entries, opened, into: &outcomes)
                batch = []
                bytes = 0
            }
            batch.append(index)
            bytes += size
        }
        if !batch.isEmpty { try await put(batch, of: entries, opened, into: &outcomes) }
        return outcomes
    }

    private func put(
        _ batch: [Int], of entries: [SharedEntry], _ opened: Opened, into outcomes: inout [SharedPutOutcome]
    ) async throws(SharedTierError) {
        let statements = batch.map { Self.statement(entries[$0], opened) }
        let deadline = ContinuousClock.now + Self.patience
        // Twice as many may go as come, so what is over never outgrows what is not.
        let expiry = Statement(sql: opened.tables.expiry(limit: 2 * batch.count + 16))
        do throws(PostgresFault) {
            let results = try await transport.run(statements + [expiry], on: .bulk, until: deadline)
            for (index, result) in zip(batch, results) { outcomes[index] = result.affected == 1 ? .stored : .idTaken }
        } catch {
            guard error.isOfOneEntry || error.isCollision else { throw error.error }
            // One of them failed, and the others with it.
            for (index, statement) in zip(batch, statements) { outcomes[index] = try await putAlone(statement, until: deadline) }
        }
    }

    private func putAlone(_ statement: Statement, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedPutOutcome {
        var attempts = 3
        while true {
            do throws(PostgresFault) {
                return try await transport.run([statement], on: .bulk, until: deadline).first?.affected == 1 ? .stored : .idTaken
            } catch {
                attempts -= 1
                switch error.state {
                // The id was taken between the look and the writing.
                case PostgresFault.duplicate: return .idTaken
                case PostgresFault.beyondLimits: return .tooLarge
                default: guard error.isCollision, attempts > 0 else { throw error.error }
                }
            }
        }
    }

    private static func statement(_ entry: SharedEntry, _ opened: Opened) -> Statement {
        // Without a model nobody could say what a vector means.
        let vector = opened.embedder == nil ? nil : entry.vector
        return Statement(
            sql: opened.tables.put,
            parameters: [
                .digest(entry.key.digest), .int(entry.id.rawValue), .digest(entry.scope?.digest), .word(entry.marks.tenant),
                .word(entry.marks.namespace), .word(entry.marks.model), .words(entry.marks.tags), .time(entry.createdAt), .time(entry.expiresAt),
                .int(entry.since), .int(vector == nil ? nil : opened.embedder), .vector(vector), .bytes(entry.metadata), .bytes(entry.answer),
            ])
    }

    package func remove(_ keys: [CacheKey]) async throws(SharedTierError) {
        let tables = try opened().tables
        guard !keys.isEmpty else { return }
        try await run([Statement(sql: "delete from \(tables.entry) where key = any($1)", parameters: [.digests(keys.map(\.digest))])])
    }

    package func unreach(_ keys: [CacheKey]) async throws(SharedTierError) {
        let tables = try opened().tables
        guard !keys.isEmpty else { return }
        try await run([
            Statement(sql: "update \(tables.entry) set v = null, embedder = null where key = any($1)", parameters: [.digests(keys.map(\.digest))])
        ])
    }

    package func sweep(_ selection: SharedSelection, before number: Int64, limit: Int) async throws(SharedTierError) -> Int {
        let tables = try opened().tables
        let (condition, values) = Self.condition(selection, from: 2)
        // Not past what others hold: a row that is locked may be one that stays, and fewer than the limit means that none is left.
        let sql = """
            delete from \(tables.entry) where key = any(array(
                select e.key from \(tables.entry) e where e.since < $1\(condition) limit \(max(1, limit)) for update))
            """
        return try await run([Statement(sql: sql, parameters: [.int(number)] + values)]).affected
    }

    package func page(
        _ selection: SharedSelection, after cursor: SharedCursor?, limit: Int, withAnswers: Bool
    ) async throws(SharedTierError) -> SharedPage {
        let opened = try opened()
        let (condition, values) = Self.condition(selection, from: 3)
        let limit = max(1, limit)
        let sql = """
            select \(opened.tables.columns(of: "e", answer: withAnswers)) from \(opened.tables.entry) e
            where e.key > $2 and e.expires_at > now()\(condition) order by e.key limit \(limit)
            """
        let after = cursor.flatMap { Digest256(hexadecimal: $0.text) }?.bytes ?? []
        let rows = try await run([Statement(sql: sql, parameters: [.int(opened.embedder), .bytes(after)] + values)])
        var entries: [SharedEntry] = []
        for row in 0..<rows.count { entries.append(try SharedEntry(rows, row: row, from: 0)) }
        return SharedPage(entries: entries, cursor: entries.count < limit ? nil : entries.last.map { SharedCursor($0.key.digest.hex) })
    }

    /// What `selection` asks of a row `e`, as conditions that follow others.
    private static func condition(_ selection: SharedSelection, from first: Int) -> (sql: String, values: [Parameter]) {
        var sql = ""
        var values: [Parameter] = []
        func add(_ condition: String, _ value: Parameter) {
            sql += " and e.\(condition) $\(first + values.count)"
            values.append(value)
        }
        if let tenant = selection.tenant { add("tenant =", .word(tenant)) }
        if let namespace = selection.namespace { add("namespace =", .word(namespace)) }
        if let model = selection.model { add("model =", .word(model)) }
        if let tag = selection.tag { add("tags @>", .words([tag])) }
        if let moment = selection.createdBefore { add("created_at <", .time(moment)) }
        return (sql, values)
    }
}

extension PostgresFault {
    static let duplicate = "23505"
    static let beyondLimits = "54000"

    /// Whether it says something of one entry alone, so that the others are to be put without it.
    fileprivate var isOfOneEntry: Bool { state == Self.duplicate || state == Self.beyondLimits }
}
