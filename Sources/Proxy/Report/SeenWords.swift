import Synchronization

/// Words that were named in the log, so that each is named once.
///
/// Providers make them up, so no more than ``limit`` are held; whatever comes after these is as good as named.
final class SeenWords: Sendable {
    static let limit = 256

    private let words = Mutex<Set<String>>([])

    /// Whether a word comes for the first time.
    func isNew(_ word: String) -> Bool { words.withLock { $0.count < Self.limit && $0.insert(word).inserted } }
}
