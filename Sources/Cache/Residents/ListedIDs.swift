import SemanticCache

/// In which order entries are listed. Their ids tell: larger is younger.
package enum EntryOrder: String, CaseIterable, Sendable {
    case oldest
    case newest

    /// Whether `first` comes before `second`.
    func puts(_ first: EntryID, before second: EntryID) -> Bool { self == .oldest ? first < second : first > second }
}

/// One page of a listing: of all ids that are offered, those that come first behind a cursor.
///
/// Never holds more than twice what it is asked for, so that a page out of a million entries sorts no million ids.
struct ListedIDs {
    private let order: EntryOrder
    private let cursor: EntryID?
    private let limit: Int
    private var ids: [EntryID] = []
    /// The last of the page as it is known so far; `nil` while the page has room.
    private var last: EntryID?

    /// - Parameter cursor: nothing at or before it is listed; `nil` begins at the beginning.
    init(_ order: EntryOrder, after cursor: EntryID?, limit: Int) {
        self.order = order
        self.cursor = cursor
        self.limit = limit
    }

    /// Whether the id may still be part of the page.
    func wants(_ id: EntryID) -> Bool {
        if let cursor, !order.puts(cursor, before: id) { return false }
        return last.map { order.puts(id, before: $0) } ?? true
    }

    /// Takes an id that is wanted.
    ///
    /// - Complexity: O(log `limit`) on average.
    mutating func add(_ id: EntryID) {
        ids.append(id)
        guard ids.count / 2 >= limit else { return }
        ids = page
        last = ids.last
    }

    /// The ids of the page, in order.
    var page: [EntryID] { Array(ids.sorted(by: order.puts(_:before:)).prefix(limit)) }
}
