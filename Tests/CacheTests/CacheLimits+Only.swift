import Cache

extension CacheLimits {
    /// No limits but those that a test names: what ships is more than a test fills.
    static func only(
        entries: Int, memoryBytes: Int = .max, diskBytes: Int = .max, staleWindow: Duration = .zero, keepsAnswersOnDisk: Bool = false
    ) -> Self {
        Self(
            entries: entries, memoryBytes: memoryBytes, diskBytes: diskBytes, staleWindow: staleWindow, keepsAnswersOnDisk: keepsAnswersOnDisk)
    }
}
