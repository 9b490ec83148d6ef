/// Chunks of bytes that come over time, pulled one at a time by a single consumer.
///
/// The producer is asked for a chunk only when the consumer wants one: that is the back-pressure. When the last copy of the stream and its
/// iterators is gone before the end, `cancel` is called.
package struct ByteStream: AsyncSequence, Sendable {
    package typealias Element = [UInt8]

    fileprivate final class Source: Sendable {
        let next: @Sendable () async throws -> [UInt8]?
        let cancel: @Sendable () -> Void

        init(next: @escaping @Sendable () async throws -> [UInt8]?, cancel: @escaping @Sendable () -> Void) {
            self.next = next
            self.cancel = cancel
        }

        deinit { cancel() }
    }

    private let source: Source

    /// - Parameters:
    ///   - next: the next chunk, or `nil` at the end and ever after; throws when the stream breaks.
    ///   - cancel: told once that nobody listens any more; also after the end, where it must do nothing.
    package init(next: @escaping @Sendable () async throws -> [UInt8]?, cancel: @escaping @Sendable () -> Void = {}) {
        source = Source(next: next, cancel: cancel)
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let source: Source

        package mutating func next() async throws -> [UInt8]? { try await source.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }

    /// The next chunk, as an iterator gives it: for who hands the stream on as another one.
    package func next() async throws -> [UInt8]? { try await source.next() }
}

extension ByteStream {
    /// A stream made of what its consumer's calls of `next` leave in `state`, as `sequence(state:next:)` makes a sequence.
    ///
    /// - Parameters:
    ///   - state: used by `next` alone from here on.
    ///   - next: the next chunk, or `nil` at the end and ever after; throws when the stream breaks.
    package init<State>(state: State, next: @escaping @Sendable (inout State) async throws -> [UInt8]?) {
        let state = Exclusive(state)
        self.init(next: { try await state.use(next) })
    }

    /// A stream that gives these chunks and ends.
    package init(_ chunks: [[UInt8]]) {
        self.init(state: chunks.makeIterator()) { $0.next() }
    }

    /// All bytes to the end, at most `limit` of them; `nil` when there are more.
    package func collect(upTo limit: Int) async throws -> [UInt8]? {
        var result: [UInt8] = []
        for try await chunk in self {
            guard result.count + chunk.count <= limit else { return nil }
            result += chunk
        }
        return result
    }
}
