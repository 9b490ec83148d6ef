package import Logging
import Sealing
package import SemanticCache
import ServiceLifecycle
import Synchronization

/// Keeps ``ServedTurns`` in the store, a segment at a time, and brings them back at the start.
package final class ServedTurnsUpkeep: Service, Sendable {
    private let turns: ServedTurns
    private let store: any CacheStore
    private let interval: Duration
    private let logger: Logger

    /// - Parameter interval: the longest time that a crash takes.
    package init(_ turns: ServedTurns, store: any CacheStore, interval: Duration, logger: Logger) {
        self.turns = turns
        self.store = store
        self.interval = interval
        self.logger = logger
    }

    private static func name(of segment: Int) -> String { "served-turns/\(segment)" }

    /// Reads what an earlier run left; what cannot be read is begun anew.
    package func restore() async {
        for segment in 0..<turns.limit / ServedTurns.segmentSize {
            guard let bytes = (try? await store.state(named: Self.name(of: segment))) ?? nil else { return }
            turns.restore(bytes, segment: segment)
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                if !Task.isCancelled { await save() }
            }
        }
        await save()
    }

    /// Writes what has changed.
    package func save() async {
        for (segment, bytes) in turns.takeChanged() {
            do throws(StoreError) { try await store.setState(bytes, named: Self.name(of: segment)) } catch {
                turns.markChanged(segment)
                logger.warning("turns of conversations could not be kept", metadata: ["reason": "\(error)"])
                return
            }
        }
    }
}

extension ServedTurns {
    private static let version: UInt8 = 1

    /// The segments that the store does not have, as it keeps them; those without a record as `nil`.
    func takeChanged() -> [(segment: Int, bytes: [UInt8]?)] {
        state.withLock { state in
            defer { state.changed = [] }
            return state.changed.sorted().map { segment in
                let start = segment * Self.segmentSize
                guard start < state.ring.count else { return (segment, nil) }
                var writer = ByteWriter()
                writer.write(Self.version)
                // So that the oldest make room after a restart, too.
                writer.write(state.written)
                writer.write(each: Array(state.ring[start..<min(start + Self.segmentSize, state.ring.count)])) { writer, record in
                    writer.write(record.mark.high)
                    writer.write(record.mark.low)
                    writer.write(record.entry)
                    writer.write(record.parent)
                    writer.write(record.answer)
                    writer.write(record.kind.rawValue)
                }
                return (segment, writer.bytes)
            }
        }
    }

    func markChanged(_ segment: Int) { state.withLock { _ = $0.changed.insert(segment) } }

    /// Takes over a segment behind those before it; one that is damaged is left out.
    func restore(_ bytes: [UInt8], segment: Int) {
        guard let (written, records) = try? Self.read(bytes) else { return }
        state.withLock { state in
            guard state.ring.count == segment * Self.segmentSize else { return }
            for record in records {
                if record.kind == .served { state.places[record.mark.low] = UInt32(state.ring.count) }
                state.ring.append(record)
            }
            // The segment that was written last knows best.
            state.written = max(state.written, written)
        }
    }

    private static func read(_ bytes: [UInt8]) throws(DamagedBytes) -> (written: UInt64, records: [Record]) {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == version else { throw DamagedBytes() }
        let written = try reader.read(UInt64.self)
        let records = try reader.readEach { (reader) throws(DamagedBytes) in
            let mark = TurnMark(high: try reader.read(), low: try reader.read())
            let (entry, parent, answer) = (try reader.read(Int64.self), try reader.read(UInt64.self), try reader.read(UInt32.self))
            guard let kind = Record.Kind(rawValue: try reader.read()) else { throw DamagedBytes() }
            return Record(mark: mark, entry: entry, parent: parent, answer: answer, kind: kind)
        }
        guard reader.isAtEnd, records.count <= segmentSize else { throw DamagedBytes() }
        return (written, records)
    }
}
