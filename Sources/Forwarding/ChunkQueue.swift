import DequeModule

/// Chunks of bytes on their way from one side to another, and how many bytes they are.
struct ChunkQueue {
    private var chunks: Deque<[UInt8]> = []
    /// How much of the first chunk was taken already.
    private var offset = 0
    private(set) var byteCount = 0

    mutating func append(_ chunk: [UInt8]) {
        chunks.append(chunk)
        byteCount += chunk.count
    }

    /// The first chunk, or what is left of it; `nil` when there is none.
    ///
    /// - Complexity: O(1) for a chunk that nothing was taken of.
    mutating func popFirst() -> [UInt8]? {
        guard let chunk = chunks.popFirst() else { return nil }
        defer { offset = 0 }
        byteCount -= chunk.count - offset
        return offset == 0 ? chunk : Array(chunk[offset...])
    }

    /// At most `limit` bytes of the first chunk; `nil` when there is none. The rest of it comes next.
    ///
    /// - Complexity: O(1).
    mutating func popFirst(atMost limit: Int) -> ArraySlice<UInt8>? {
        guard let chunk = chunks.first else { return nil }
        let end = offset + min(limit, chunk.count - offset)
        let bytes = chunk[offset..<end]
        byteCount -= bytes.count
        offset = end
        if offset == chunk.count {
            chunks.removeFirst()
            offset = 0
        }
        return bytes
    }

    /// Lets go of everything.
    mutating func removeAll() { self = ChunkQueue() }
}
