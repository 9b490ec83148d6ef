import Logging
import Sealing
import SemanticCache
import Synchronization

/// The events that this proxy said: those that the journal does not have yet, and the last that it had.
///
/// What waits is kept in the store before it is carried out, so that an engine that was away learns of it whatever happens meanwhile. What was appended
/// is kept for a while, for an engine that loses its journal.
final class OwnEvents: Sendable {
    struct Own: Sendable {
        let event: JournalEvent
        /// `nil` while the journal does not have it.
        var position: SharedPosition?
        /// Whether the local cache and its store are rid of what it means.
        var isDone: Bool
        /// Whether the engine was rid of it, too.
        var isSwept = false
    }

    private static let name = "shared-events"
    private static let limit = 1024
    private static let age = Duration.seconds(3600)

    private let store: any CacheStore
    private let sealing: SharedSealing
    private let clock: any WallClock
    private let logger: Logger
    private let all = Mutex<[Own]>([])
    /// Writes are made one after the other, each of what there is then.
    private let gate: EventGate

    init(store: any CacheStore, sealing: SharedSealing, clock: any WallClock, logger: Logger) {
        self.store = store
        self.sealing = sealing
        self.clock = clock
        self.logger = logger
        gate = EventGate()
    }

    /// Reads what an earlier run left.
    func load() async {
        guard let bytes = try? await store.state(named: Self.name) else { return }
        var reader = ByteReader(bytes)
        let events = try? reader.readEach { (reader) throws(DamagedBytes) -> Own? in
            let sealed = try reader.readBytes()
            let position = try reader.readOptional { (reader) throws(DamagedBytes) in
                SharedPosition(lineage: try reader.readText(), number: try reader.read())
            }
            let (isDone, isSwept) = (try reader.readBool(), try reader.readBool())
            return sealing.event(sealed).map { Own(event: $0, position: position, isDone: isDone, isSwept: isSwept) }
        }
        guard let events else { return logger.error("the events that wait for the shared tier cannot be read") }
        all.withLock { $0 = events.compactMap { $0 } + $0 }
    }

    /// Those that the journal does not have, oldest first.
    var waiting: [Own] { all.withLock { $0.filter { $0.position == nil } } }

    /// Those that the engine has not been rid of.
    var unswept: [Own] { all.withLock { $0.filter { $0.position != nil && !$0.isSwept } } }

    /// Adds an event.
    func add(_ event: JournalEvent, at position: SharedPosition?) {
        all.withLock { all in
            all.append(Own(event: event, position: position, isDone: false))
            forgetOld(&all)
        }
    }

    /// Notes what has become of an event, if it is still known.
    func note(_ event: JournalEvent, _ change: (inout Own) -> Void) {
        all.withLock { all in
            if let place = all.firstIndex(where: { $0.event.mark == event.mark }) { change(&all[place]) }
        }
    }

    /// Lets those wait again that the journal has lost, since it is another or ends before them.
    func putBack(unless isThere: (SharedPosition) -> Bool) {
        all.withLock { all in
            for place in all.indices {
                guard let position = all[place].position, !isThere(position) else { continue }
                all[place].position = nil
                all[place].isSwept = false
            }
        }
    }

    /// What waits is never forgotten.
    private func forgetOld(_ all: inout [Own]) {
        let oldest = clock.now() + (.zero - Self.age)
        all.removeAll { $0.position != nil && $0.isSwept && $0.event.at < oldest }
        while all.count > Self.limit, let place = all.firstIndex(where: { $0.position != nil }) { all.remove(at: place) }
    }

    /// Brings them to the store; whether that was done.
    @discardableResult
    func keep() async -> Bool {
        await gate.pass { [self] in
            var writer = ByteWriter()
            writer.write(each: all.withLock { $0 }) { writer, own in
                writer.write(sealing.seal(own.event))
                writer.write(own.position) { writer, position in
                    writer.write(position.lineage)
                    writer.write(position.number)
                }
                writer.write(own.isDone)
                writer.write(own.isSwept)
            }
            do throws(StoreError) {
                try await store.setState(writer.bytes, named: Self.name)
                return true
            } catch {
                logger.error(
                    "events for the shared tier cannot be kept; they are told to the other proxies unless this one ends before",
                    metadata: ["reason": "\(error)"])
                return false
            }
        }
    }
}
