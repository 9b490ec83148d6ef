import Foundation
package import SemanticCache

extension PostgresTier {
    package func append(_ event: [UInt8]) async throws(SharedTierError) -> SharedPosition {
        let tables = try opened().tables
        return try SharedPosition(
            await run([Statement(sql: tables.append, parameters: [.bytes(event), .text(configuration.schema)])], on: .journal))
    }

    package func events(after number: Int64, limit: Int) async throws(SharedTierError) -> SharedEvents {
        let tables = try opened().tables
        let rows = try await run([Statement(sql: tables.events(limit: max(1, limit)), parameters: [.int(number)])], on: .journal)
        let head = try SharedPosition(rows)
        var events: [(number: Int64, bytes: [UInt8])] = []
        for row in 0..<rows.count where !rows.isNull(row, 2) {
            guard let number = rows.int(row, 2), let event = rows.bytes(row, 3) else { throw .garbled("an event that no proxy wrote") }
            events.append((number, event))
        }
        // A number that the journal never reached is one of another time.
        let hasGap = number > head.number || number < head.number && events.first?.number != number + 1
        return SharedEvents(events: events, hasGap: hasGap, head: head)
    }

    package func setEvidence(_ bytes: [UInt8]?, named name: String, of node: Int) async throws(SharedTierError) {
        let tables = try opened().tables
        let place: [Parameter] = [.text(name), .int(Int32(clamping: node))]
        guard let bytes else {
            try await run([Statement(sql: "delete from \(tables.evidence) where name = $1 and node = $2", parameters: place)])
            return
        }
        let sql = """
            insert into \(tables.evidence) (name, node, bytes) values ($1, $2, $3) on conflict (name, node) do update set bytes = excluded.bytes
            """
        try await run([Statement(sql: sql, parameters: place + [.bytes(bytes)])])
    }

    package func evidence(named name: String) async throws(SharedTierError) -> [Int: [UInt8]] {
        let tables = try opened().tables
        let rows = try await run([Statement(sql: "select node, bytes from \(tables.evidence) where name = $1", parameters: [.text(name)])])
        var evidence: [Int: [UInt8]] = [:]
        for row in 0..<rows.count {
            guard let node = rows.int(row, 0), let bytes = rows.bytes(row, 1) else { throw .garbled("a row of reprise_evidence that no proxy wrote") }
            evidence[Int(node)] = bytes
        }
        return evidence
    }

    package func lease(for owner: String, held: Int?) async throws(SharedTierError) -> Int {
        let tables = try opened().tables
        let numbers = EntryIDSource.Node.numbers
        // The number that was chosen may be taken before it is written; then no row is, and the next one is tried.
        let sql = """
            with free as (
                select n.number from generate_series(\(numbers.lowerBound), \(numbers.upperBound)) n(number)
                left join \(tables.node) t on t.number = n.number
                where t.number is null or t.until <= now() or t.owner = $1 order by n.number = $2 desc, n.number limit 1),
            taken as (
                insert into \(tables.node) as t (number, owner, until) select number, $1, now() + interval '60 seconds' from free
                on conflict (number) do update set owner = excluded.owner, until = excluded.until where t.until <= now() or t.owner = excluded.owner
                returning number)
            select (select number from free), (select number from taken)
            """
        let held = held.flatMap { numbers.contains($0) ? Int32($0) : nil } ?? 0
        let statements = [Statement(sql: tables.expiry(limit: 500)), Statement(sql: sql, parameters: [.text(owner), .int(held)])]
        let deadline = ContinuousClock.now + Self.patience
        while true {
            let rows = try await run(statements, until: deadline)
            if let number = rows.int(0, 1) { return Int(number) }
            if rows.isNull(0, 0) { throw .full("all \(numbers.count) numbers are taken") }
        }
    }

    package func describe() async throws(SharedTierError) -> SharedDescription {
        let tables = try opened().tables
        let sql = """
            select current_setting('server_version'), (select extversion from pg_extension where extname = 'vector'),
                (select count(*) from \(tables.entry) where expires_at > now()),
                (select count(v) from \(tables.entry) where expires_at > now()), pg_total_relation_size($1::text::regclass),
                clock_timestamp()
            """
        let before = ContinuousClock.now
        let rows = try await run([Statement(sql: sql, parameters: [.text(tables.entry)])])
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) + (.zero - (ContinuousClock.now - before) / 2)
        guard let version = rows.text(0, 0), let entries = rows.int(0, 2), let searchable = rows.int(0, 3), let clock = rows.time(0, 5) else {
            throw .garbled("a description without its parts")
        }
        // Packagers add their own words to the version.
        let engine = "PostgreSQL \(version.prefix { $0 != " " }), pgvector \(rows.text(0, 1) ?? "none")"
        return SharedDescription(
            engine: engine, entries: Int(entries), searchable: Int(searchable), bytes: rows.int(0, 4).map { Int($0) }, clockSkew: clock - now)
    }
}
