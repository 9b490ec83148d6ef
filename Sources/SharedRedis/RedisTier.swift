package import SemanticCache
import Synchronization

/// A shared tier in Redis or Valkey with a search module, over RESP3.
///
/// Three connections, so that nothing stands before what a request waits for: one for look-ups, one for all that nobody waits for, one that listens for the
/// journal. Each is made when it is needed and again by the next call after it broke; to ask again, and when, is the caller's.
///
/// What an entry says is sealed by whoever puts it. In the clear are what it is found by: digests, marks, times, the vector. What is under our names and
/// cannot be read as ours is passed over. Layout: ``RedisNames``, ``RedisEntry``. Left out: clusters of several nodes, sentinels, RESP2.
package final class RedisTier: SharedTier {
    /// Events that the journal keeps, about.
    private static let journalLength = 10_000
    /// For calls without a deadline of their own.
    static let patience = Duration.seconds(10)

    /// What was found when the tier was opened.
    struct Opened: Sendable {
        let identity: SharedIdentity
        let lineage: String
        let vectors: RedisVectors?
        let index: RedisIndex
        let server: String
    }

    private struct State {
        var opened: Opened?
        var isClosed = false
    }

    let configuration: RedisConfiguration
    let names: RedisNames
    /// For what a request waits for.
    let lookups: RedisLink
    /// For batches, sweeps, pages and the journal.
    let bulk: RedisLink
    private let listener: RedisListener
    private let state = Mutex(State())

    package init(_ configuration: RedisConfiguration) {
        self.configuration = configuration
        names = RedisNames(prefix: configuration.prefix)
        lookups = RedisLink(configuration)
        bulk = RedisLink(configuration)
        listener = RedisListener(configuration, channel: names.journal)
    }

    /// What was opened; throws before that, and once the tier was closed.
    func opened() throws(SharedTierError) -> Opened {
        let (opened, isClosed) = state.withLock { ($0.opened, $0.isClosed) }
        guard !isClosed else { throw .unreachable("closed") }
        guard let opened else { throw .unreachable("it was not opened") }
        return opened
    }

    func setOpened(_ opened: Opened) { state.withLock { $0.opened = opened } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The end of the journal as a pipeline's answer to ``headCommand`` tells it.
    ///
    /// The lineage is empty where the tier was emptied: then whoever reads it opens the tier again.
    func head(_ answer: RESPValue) throws(SharedTierError) -> SharedPosition {
        guard let fields = try answer.orThrow().items, fields.count == 2 else { throw .garbled("no fields of '\(names.meta)'") }
        return SharedPosition(lineage: fields[0].text ?? "", number: fields[1].number ?? 0)
    }

    var headCommand: [RedisCommands.Word] { ["HMGET", .text(names.meta), "lineage", "number"] }

    func bulk(_ commands: RedisCommands) async throws(SharedTierError) -> [RESPValue] {
        try await bulk.call(commands, until: .now + Self.patience)
    }

    // MARK: Journal

    package func append(_ event: [UInt8]) async throws(SharedTierError) -> SharedPosition {
        let opened = try opened()
        let script = RedisScript.append
        let answers = try await bulk(
            RedisCommands(
                script.load,
                script.run([names.meta, names.journal], [.text(opened.lineage), .bytes(event), .number(Self.journalLength)]),
                // Apart from the script: where this user may not publish, the event is there all the same, and found by asking.
                ["PUBLISH", .text(names.journal), ""]))
        guard let number = try answers[1].orThrow().number else { throw .garbled("an event without number") }
        guard number != RedisScript.otherLineage else { throw Self.emptied }
        return SharedPosition(lineage: opened.lineage, number: number)
    }

    package func events(after number: Int64, limit: Int) async throws(SharedTierError) -> SharedEvents {
        _ = try opened()
        let start = number == .max ? "(\(number)-0" : "\(number + 1)-0"
        // The end first: what is appended between the two is read, and nothing that was not is missed.
        let answers = try await bulk(
            RedisCommands(headCommand, ["XRANGE", .text(names.journal), .text(start), "+", "COUNT", .number(max(1, limit))]))
        var head = try head(answers[0])
        guard let items = try answers[1].orThrow().items else { throw .garbled("the journal is no stream") }
        var events: [(number: Int64, bytes: [UInt8])] = []
        for item in items {
            guard let parts = item.items, parts.count == 2, let id = parts[0].text, let eventNumber = Int64(id.prefix { $0 != "-" }),
                let fields = parts[1].items, fields.count == 2, let bytes = fields[1].bytes
            else { throw .wrongLayout(found: "an event of another form", expected: "\(SharedIdentity.layout)") }
            events.append((eventNumber, bytes))
        }
        head = SharedPosition(lineage: head.lineage, number: max(head.number, events.last?.number ?? 0))
        // A number that the journal never reached is one of another time.
        let hasGap = number > head.number || number < head.number && events.first?.number != number + 1
        return SharedEvents(events: Array(events.prefix(limit)), hasGap: hasGap, head: head)
    }

    package func hints() -> AsyncStream<Void> { listener.hints() }

    /// The tier is there and is not the one that was opened. Passes when it is opened again.
    static let emptied = SharedTierError.starting("it was emptied since it was opened, and is to be opened again")

    package func close() async {
        state.withLock { $0.isClosed = true }
        await listener.close()
        await lookups.close()
        await bulk.close()
    }
}
