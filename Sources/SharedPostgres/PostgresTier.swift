package import SemanticCache
import Synchronization

/// PostgreSQL with pgvector as a shared tier.
///
/// Searches are exact within their scope, over a btree. Time is the engine's: an entry ends by its clock, and goes with one of the next additions or
/// leases, a few at a time. Behind a pooler that lends connections for a transaction nothing is heard of the journal, which is then read from time to
/// time alone.
package final class PostgresTier: SharedTier {
    /// What ``open(_:)`` found.
    struct Opened {
        let tables: Tables
        /// The number of this proxy's model; `nil` without an embedder.
        let embedder: Int32?
        let dimension: Int?
    }

    private struct State {
        var opened: Opened?
        var isClosed = false
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextListener = 0
    }

    /// How long work behind the requests may take.
    static let patience = Duration.seconds(10)

    let configuration: PostgresConfiguration
    let transport: PostgresTransport
    private let state: Listeners

    /// Shared with the transport's thread, which knows nothing of the tier.
    private final class Listeners: Sendable {
        let state = Mutex(State())

        func tell() {
            for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
        }
    }

    /// Connects to nothing yet.
    package init(_ configuration: PostgresConfiguration) {
        self.configuration = configuration
        let listeners = Listeners()
        state = listeners
        transport = PostgresTransport(configuration, onNotice: { listeners.tell() })
    }

    // MARK: Look-ups

    package func peek(
        _ key: CacheKey, in scope: Scope?, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedPeek {
        let opened = try opened()
        let rows = try await look(
            Statement(sql: opened.tables.peek, parameters: [.int(opened.embedder), .digest(key.digest), .digest(scope?.digest)]), until: deadline)
        let entry = rows.isNull(0, 3) ? nil : try SharedEntry(rows, row: 0, from: 3)
        return SharedPeek(entry: entry, hasVectors: rows.bool(0, 2) ?? false, head: try SharedPosition(rows))
    }

    package func nearest(
        to vector: UnitVector, in scope: Scope, count: Int, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedNeighbours {
        let opened = try opened()
        if let dimension = opened.dimension, dimension != vector.dimension { throw .wrongDimension(found: dimension, expected: vector.dimension) }
        let rows = try await look(
            Statement(
                sql: opened.tables.nearest(dimension: vector.dimension, count: count),
                parameters: [.int(opened.embedder), .digest(scope.digest), .vector(vector)]), until: deadline)
        var found: [(entry: SharedEntry, similarity: Float)] = []
        // Where nothing was found one row says where the journal ends.
        for row in 0..<rows.count where !rows.isNull(row, 3) {
            guard let distance = rows.double(row, 2) else { throw .garbled("a neighbour without a distance") }
            // The operator gives the negative inner product, so that the nearest is the least.
            found.append((try SharedEntry(rows, row: row, from: 3), Float(-distance)))
        }
        return SharedNeighbours(found: found, head: try SharedPosition(rows))
    }

    package func entry(_ name: SharedName, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> SharedEntry? {
        let opened = try opened()
        let statement =
            switch name {
            case .key(let key): Statement(sql: opened.tables.entry(by: "key"), parameters: [.int(opened.embedder), .digest(key.digest)])
            case .id(let id): Statement(sql: opened.tables.entry(by: "id"), parameters: [.int(opened.embedder), .int(id.rawValue)])
            }
        let rows = try await look(statement, until: deadline)
        return rows.count == 0 ? nil : try SharedEntry(rows, row: 0, from: 0)
    }

    // MARK: Hints and the end

    package func hints() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { [state, transport] continuation in
            let number = state.state.withLock { state -> Int? in
                guard !state.isClosed else { return nil }
                state.nextListener += 1
                state.listeners[state.nextListener] = continuation
                return state.nextListener
            }
            guard let number else { return continuation.finish() }
            continuation.onTermination = { _ in _ = state.state.withLock { $0.listeners.removeValue(forKey: number) } }
            transport.listen()
        }
    }

    package func close() async {
        let listeners = state.state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
        await transport.close()
    }

    // MARK: Calls

    func opened() throws(SharedTierError) -> Opened {
        let (opened, isClosed) = state.state.withLock { ($0.opened, $0.isClosed) }
        if isClosed { throw .unreachable("closed") }
        guard let opened else { throw .unreachable("not opened") }
        return opened
    }

    func setOpened(_ opened: Opened) { state.state.withLock { $0.opened = opened } }

    private func look(_ statement: Statement, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> ResultRows {
        do throws(PostgresFault) {
            guard let rows = try await transport.run([statement], on: .look, until: deadline).first else { throw .noResult }
            return rows
        } catch {
            throw error.error
        }
    }

    /// What the last of these gives; all of them are one transaction. Done again when another transaction was in the way.
    @discardableResult
    func run(
        _ statements: [Statement], on lane: PostgresTransport.Lane = .bulk, until deadline: ContinuousClock.Instant = .now + PostgresTier.patience
    ) async throws(SharedTierError) -> ResultRows {
        var attempts = 3
        while true {
            do throws(PostgresFault) {
                guard let rows = try await transport.run(statements, on: lane, until: deadline).last else { throw .noResult }
                return rows
            } catch {
                attempts -= 1
                guard error.isCollision, attempts > 0 else { throw error.error }
            }
        }
    }
}

extension SharedPosition {
    /// Of a row that begins with the lineage and the last number.
    init(_ rows: ResultRows) throws(SharedTierError) {
        // A tier that somebody emptied while it was in use; opening it again lays it out anew.
        guard rows.count > 0 else { throw .engine("the row of reprise_meta is gone") }
        guard let lineage = rows.text(0, 0), let number = rows.int(0, 1) else { throw .garbled("a position without its number") }
        self.init(lineage: lineage, number: number)
    }
}

extension SharedEntry {
    /// Of the columns from `first` on, as ``Tables/columns(of:answer:vector:)`` names them.
    init(_ rows: ResultRows, row: Int, from first: Int) throws(SharedTierError) {
        guard let key = rows.digest(row, first), let id = rows.int(row, first + 1), let tenant = rows.word(row, first + 3),
            let namespace = rows.word(row, first + 4), let model = rows.word(row, first + 5), let tags = rows.words(row, first + 6),
            let createdAt = rows.time(row, first + 7), let expiresAt = rows.time(row, first + 8), let since = rows.int(row, first + 9),
            let metadata = rows.bytes(row, first + 11)
        else { throw .garbled("a row of reprise_entry that no proxy wrote") }
        self.init(
            key: CacheKey(key), id: EntryID(rawValue: id), scope: rows.digest(row, first + 2).map { Scope($0) },
            marks: SharedMarks(tenant: tenant, namespace: namespace, model: model, tags: tags), createdAt: createdAt, expiresAt: expiresAt,
            since: since, vector: rows.vector(row, first + 10), metadata: metadata, answer: rows.bytes(row, first + 12))
    }
}
