import Synchronization

/// Bytes on their way from a producer that cannot wait, such as an event loop, to a single consumer that does.
///
/// What has piled up is handed over at once. The producer is told when more than `limit` bytes have: it should then bring no more until there is room.
package final class BytePipe: Sendable {
    private typealias Reader = CheckedContinuation<[UInt8]?, any Error>

    private struct State {
        var bytes: [UInt8] = []
        var end: Result<Void, any Error>?
        var reader: Reader?
        /// Whether the producer waits for room.
        var isFull = false
        var onRoom: @Sendable () -> Void = {}
    }

    private let limit: Int
    private let state = Mutex(State())

    package init(limit: Int = 256 << 10) { self.limit = limit }

    /// Calls `action` from the consumer's side each time there is room again after ``write(_:)`` said that there is none.
    package func onRoom(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.onRoom = action } }

    /// Brings bytes; whether there is room for more. Does nothing once the pipe has ended.
    package func write(_ bytes: [UInt8]) -> Bool {
        let (reader, hasRoom) = state.withLock { state -> (Reader?, Bool) in
            guard state.end == nil else { return (nil, true) }
            if let reader = state.reader.take() { return (reader, true) }
            if state.bytes.isEmpty { state.bytes = bytes } else { state.bytes += bytes }
            state.isFull = state.bytes.count > limit
            return (nil, !state.isFull)
        }
        reader?.resume(returning: bytes)
        return hasRoom
    }

    /// Ends the pipe behind what was written. Only the first call counts.
    package func finish(_ end: Result<Void, any Error> = .success(())) {
        let reader = state.withLock { state -> Reader? in
            guard state.end == nil else { return nil }
            state.end = end
            return state.reader.take()
        }
        reader?.resume(with: end.map { nil })
    }

    /// What has come, as soon as anything has; `nil` at the end. To be called by one consumer at a time.
    package func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (result, onRoom) = state.withLock { state -> (Result<[UInt8]?, any Error>?, (@Sendable () -> Void)?) in
                    guard state.bytes.isEmpty else {
                        defer {
                            state.bytes = []
                            state.isFull = false
                        }
                        return (.success(state.bytes), state.isFull ? state.onRoom : nil)
                    }
                    if let end = state.end { return (end.map { nil }, nil) }
                    state.reader = continuation
                    return (nil, nil)
                }
                onRoom?()
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            finish(.failure(CancellationError()))
        }
    }

    /// The same as a stream.
    ///
    /// - Parameter cancel: told when nobody listens any more.
    package func stream(cancel: @escaping @Sendable () -> Void = {}) -> ByteStream {
        ByteStream(next: { [self] in try await next() }, cancel: cancel)
    }
}
