import Synchronization
import WireFormats

/// The last requests that were looked up or refused a look-up, for the dashboard: a ring in memory, newest last.
package final class RecentDecisions: RequestObserver, Sendable {
    /// A record without the parts that weigh: neither body nor answer is kept alive by it.
    package struct Item: Sendable {
        /// Counts from 1 and never repeats, so that a reader can ask for what is new.
        package let number: Int
        package let record: RequestRecord
        /// The beginning of the question; `nil` when there is none.
        package let query: String?
        /// The length of the whole question, in bytes of UTF-8.
        package let queryLength: Int
    }

    private struct State {
        var items: [Item] = []
        /// Where the next item goes once the ring is full.
        var next = 0
        var count = 0
    }

    private static let queryLimit = 300
    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: the most requests that are remembered.
    package init(capacity: Int = 200) { self.capacity = max(1, capacity) }

    package func observe(_ record: RequestRecord) {
        var light = record
        let query = record.content?.query
        light.body = []
        light.answer = nil
        light.content = nil
        // UTF-8 bounds the work: counting characters of a long prompt would cost more than the hit.
        let start = query.map { $0.utf8.count > Self.queryLimit * 4 ? String($0.prefix(Self.queryLimit)) : $0 }
        // What makes way is given up outside of the lock, which every request takes.
        _ = state.withLock { state -> Item? in
            state.count += 1
            var item = Item(number: state.count, record: light, query: start, queryLength: query?.utf8.count ?? 0)
            guard state.items.count == capacity else {
                state.items.append(item)
                return nil
            }
            swap(&state.items[state.next], &item)
            state.next = (state.next + 1) % capacity
            return item
        }
    }

    /// What came after the item with this number, oldest first; at most `limit` of the newest.
    package func items(after number: Int = 0, limit: Int = .max) -> [Item] {
        let all = state.withLock { $0.items[$0.next...] + $0.items[..<$0.next] }
        return Array(all.filter { $0.number > number }.suffix(limit))
    }
}
