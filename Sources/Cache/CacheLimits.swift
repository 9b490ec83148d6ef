/// How much the cache may hold.
package struct CacheLimits: Sendable {
    /// Entries in memory and on disk.
    package var entries: Int
    /// Memory for everything, in bytes: vectors, graphs, keys, texts and answers.
    package var memoryBytes: Int
    /// Bytes in the store.
    package var diskBytes: Int
    /// How long an entry is kept when its time to live is over, for the case that the upstream fails.
    package var staleWindow: Duration
    /// Whether the store keeps answers that are not in memory; otherwise room is made by removing entries.
    package var keepsAnswersOnDisk: Bool

    package init(entries: Int, memoryBytes: Int, diskBytes: Int, staleWindow: Duration, keepsAnswersOnDisk: Bool) {
        self.entries = max(1, entries)
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.staleWindow = staleWindow
        self.keepsAnswersOnDisk = keepsAnswersOnDisk
    }
}
