package import SemanticCache

/// A decision that a person may want to look at: a rewording that was not served although near, or a hit that was disputed.
package struct NearMiss: Sendable {
    package enum Kind: String, Sendable {
        /// Near enough to be tempting, and forwarded.
        case nearMiss = "near-miss"
        /// Served, and said to be wrong.
        case disputed
        /// Forwarded to learn from, and the cached answer would have been wrong.
        case averted
    }

    package let kind: Kind
    package let at: Timestamp
    package let requestID: String
    package let entry: EntryID
    package let asked: String
    package let cached: String
    package let similarity: Float
    /// Why it was forwarded, or by whom it was disputed.
    package let reason: String
    /// What the guards saw.
    package let findings: [String]
    package let score: Double?
}

/// The last of some values, oldest first.
struct Ring<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var start = 0
    private let capacity: Int

    init(capacity: Int) { self.capacity = max(1, capacity) }

    mutating func append(_ element: Element) {
        if elements.count < capacity {
            elements.append(element)
        } else {
            elements[start] = element
            start = (start + 1) % capacity
        }
    }

    var all: [Element] { Array(elements[start...] + elements[..<start]) }

    mutating func removeAll() { self = Ring(capacity: capacity) }
}
