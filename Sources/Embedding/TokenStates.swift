import Synchronization

/// What the embedding model computed of a text, token by token: what the verifier goes on from.
struct TokenStates: Equatable, Sendable {
    /// `[CLS]` and `[SEP]` included.
    let tokenCount: Int
    /// `tokenCount` rows of as many bytes as the model has dimensions.
    let bytes: [UInt8]
}

/// The states of texts that were read lately, by their token ids; bounded in bytes.
///
/// Two generations: what is used moves into the young one, and when that has taken half of the memory, the old one goes and it becomes the old one.
/// So whatever was used lately is kept without a list of who was when.
final class TokenStatesCache: Sendable {
    private struct Generations {
        var young: [[Int64]: TokenStates] = [:]
        var old: [[Int64]: TokenStates] = [:]
        var youngBytes = 0
    }

    private let generations = Mutex(Generations())
    private let limit: Int

    /// Texts of more tokens are not kept: a verifier that reads them beside another has no room for both.
    static let longestText = 96

    /// - Parameter limit: the most bytes that all states take, roughly.
    init(limit: Int) { self.limit = limit }

    func states(of ids: [Int64]) -> TokenStates? {
        generations.withLock { generations in
            if let states = generations.young[ids] { return states }
            guard let states = generations.old.removeValue(forKey: ids) else { return nil }
            insert(states, ids, into: &generations)
            return states
        }
    }

    func keep(_ states: TokenStates, of ids: [Int64]) {
        guard states.tokenCount <= Self.longestText else { return }
        generations.withLock { generations in
            generations.old.removeValue(forKey: ids)
            if generations.young[ids] == nil { insert(states, ids, into: &generations) }
        }
    }

    func removeAll() { generations.withLock { $0 = Generations() } }

    private func insert(_ states: TokenStates, _ ids: [Int64], into generations: inout Generations) {
        let bytes = states.bytes.count + ids.count * MemoryLayout<Int64>.stride + Self.overhead
        if generations.youngBytes + bytes > limit / 2 {
            generations.old = generations.young
            generations.young = [:]
            generations.youngBytes = 0
        }
        guard bytes <= limit / 2 else { return }
        generations.young[ids] = states
        generations.youngBytes += bytes
    }

    /// The objects and the place in the table of one text, roughly.
    private static let overhead = 160
}
