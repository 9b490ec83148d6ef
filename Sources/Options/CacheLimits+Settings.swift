package import Cache
package import Settings

extension CacheLimits {
    /// How much the cache may hold, after the settings.
    ///
    /// - Parameter keepsAnswersOnDisk: whether the store keeps answers that are not in memory.
    package init(_ settings: Settings.Cache, keepsAnswersOnDisk: Bool) {
        self.init(
            entries: settings.maxEntries, memoryBytes: settings.maxMemory.bytes,
            // Free pages, the write-ahead log and the tree above the rows take the rest.
            diskBytes: settings.maxDisk.bytes / 5 * 4,
            staleWindow: settings.staleWindow, keepsAnswersOnDisk: keepsAnswersOnDisk)
    }
}
