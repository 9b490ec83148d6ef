import Matching
import SemanticCache
import Synchronization
import WireFormats

/// What answers say, each read once: its claims and its vector stay beside its entry, in memory.
///
/// An answer in the cache is held against many others, and reading one takes the embedder tens of milliseconds. Two generations of at most half the capacity
/// each: what was not used while the younger one filled up is forgotten with the older one.
struct AnswerReadings: Sendable {
    /// One answer.
    struct Reading: Sendable {
        let text: String
        let claims: AnswerClaims
        let vector: UnitVector?
    }

    /// An answer may be replaced under its entry.
    private struct Key: Hashable {
        let entry: EntryID
        let bytes: Int
        let text: Int
    }

    private struct Generations {
        var young: [Key: Reading] = [:]
        var old: [Key: Reading] = [:]
    }

    private final class Held: Sendable { let generations = Mutex(Generations()) }

    /// As much of an answer is read.
    static let readLimit = 4000
    /// What fits the embedder's window of some 250 tokens in most languages, in characters; less is tried where it does not.
    private static let windows = [700, 350, 120]
    private static let capacity = 2048

    private let embedder: any Embedder
    private let held = Held()

    init(embedder: any Embedder) { self.embedder = embedder }

    /// The reading, made now when it is not held.
    func reading(of entry: Entry) async -> Reading {
        let text = AnswerText.preview(entry.answer, endpoint: entry.endpoint, limit: Self.readLimit)
        let key = Key(entry: entry.id, bytes: text.utf8.count, text: text.hashValue)
        if let known = held.generations.withLock({ $0.young[key] ?? $0.old[key] }) { return known }
        let made = Reading(text: text, claims: AnswerClaims(text), vector: await vector(of: text))
        held.generations.withLock { generations in
            if generations.young.count >= Self.capacity / 2 { generations = Generations(old: generations.young) }
            generations.young[key] = made
        }
        return made
    }

    func removeAll() { held.generations.withLock { $0 = Generations() } }

    func remove(_ entries: Set<EntryID>) {
        held.generations.withLock { generations in
            generations.young = generations.young.filter { !entries.contains($0.key.entry) }
            generations.old = generations.old.filter { !entries.contains($0.key.entry) }
        }
    }

    private func vector(of text: String) async -> UnitVector? {
        guard !text.isEmpty else { return nil }
        for window in Self.windows {
            guard let outcome = try? await embedder.embedInBackground([Self.beginning(text, window)], keepsReading: false).first else { return nil }
            if let vector = try? outcome.get() { return vector }
        }
        return nil
    }

    /// The beginning, cut between words.
    private static func beginning(_ text: String, _ limit: Int) -> String {
        guard text.count > limit else { return text }
        let head = text.prefix(limit)
        return String(head.lastIndex(of: " ").map { head[..<$0] } ?? head)
    }
}
