package import Logging
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
    private static let recordBytes = 37

    /// The segments that the store does not have, as it keeps them; those without a record as `nil`.
    func takeChanged() -> [(segment: Int, bytes: [UInt8]?)] {
        state.withLock { state in
            defer { state.changed = [] }
            return state.changed.sorted().map { segment in
                let start = segment * Self.segmentSize
                guard start < state.ring.count else { return (segment, nil) }
                let records = state.ring[start..<min(start + Self.segmentSize, state.ring.count)]
                var bytes: [UInt8] = [Self.version]
                bytes.reserveCapacity(9 + records.count * Self.recordBytes)
                // So that the oldest make room after a restart, too.
                Self.append(state.written, to: &bytes)
                for record in records {
                    Self.append(record.mark.high, to: &bytes)
                    Self.append(record.mark.low, to: &bytes)
                    Self.append(UInt64(bitPattern: record.entry), to: &bytes)
                    Self.append(record.parent, to: &bytes)
                    Self.append(record.answer, to: &bytes)
                    bytes.append(record.kind.rawValue)
                }
                return (segment, bytes)
            }
        }
    }

    func markChanged(_ segment: Int) { state.withLock { _ = $0.changed.insert(segment) } }

    /// Takes over a segment behind those before it.
    func restore(_ bytes: [UInt8], segment: Int) {
        guard bytes.first == Self.version, bytes.count >= 9, (bytes.count - 9) % Self.recordBytes == 0 else { return }
        state.withLock { state in
            guard state.ring.count == segment * Self.segmentSize else { return }
            var position = 1
            func next<Value: FixedWidthInteger>(_: Value.Type) -> Value {
                defer { position += MemoryLayout<Value>.size }
                return bytes[position..<position + MemoryLayout<Value>.size].reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
            }
            let written = next(UInt64.self)
            while position < bytes.count {
                var record = Record()
                record.mark = TurnMark(high: next(UInt64.self), low: next(UInt64.self))
                record.entry = Int64(bitPattern: next(UInt64.self))
                record.parent = next(UInt64.self)
                record.answer = next(UInt32.self)
                record.kind = Record.Kind(rawValue: next(UInt8.self)) ?? .none
                if record.kind == .served { state.places[record.mark.low] = UInt32(state.ring.count) }
                state.ring.append(record)
            }
            // The segment that was written last knows best.
            state.written = max(state.written, written)
        }
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
