import Foundation

/// How far a warm-up of one file has come, kept beside it so that `--resume` can go on from there.
struct WarmProgress: Codable, Equatable, Sendable {
    /// All records that end at or before this byte of the file are done.
    var bytes: Int
    /// How many records those are.
    var records: Int

    static func path(for file: String) -> String { file + ".reprise-progress" }

    /// What a former run left; `nil` when there is nothing, or nothing readable.
    static func load(for file: String) -> WarmProgress? {
        FileManager.default.contents(atPath: path(for: file)).flatMap { try? JSONDecoder().decode(WarmProgress.self, from: $0) }
    }

    /// Writes it, whole or not at all.
    func save(for file: String) throws {
        try JSONEncoder().encode(self).write(to: URL(fileURLWithPath: Self.path(for: file)), options: .atomic)
    }

    static func remove(for file: String) { try? FileManager.default.removeItem(atPath: path(for: file)) }
}

/// Batches end in any order; this tells up to which one all are done.
struct Watermark: Sendable {
    private var finished: [Int: WarmProgress] = [:]
    private var next = 0

    /// Notes that the batch with this number (0, 1, 2 ...) is done, which reaches up to `progress`. Gives the new mark where it moved.
    mutating func finish(_ number: Int, reaching progress: WarmProgress) -> WarmProgress? {
        finished[number] = progress
        var mark: WarmProgress?
        while let reached = finished.removeValue(forKey: next) {
            mark = reached
            next += 1
        }
        return mark
    }
}
