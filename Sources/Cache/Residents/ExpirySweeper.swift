import ServiceLifecycle

/// Removes entries whose time to live is over, and those for which there is no room any more, every `interval`.
///
/// An expired entry is never served in between: look-ups compare the time themselves. Sweeping only gives the memory back.
package struct ExpirySweeper: Service {
    private let cache: AnswerCache
    private let interval: Duration

    package init(cache: AnswerCache, interval: Duration = .seconds(1)) {
        self.cache = cache
        self.interval = interval
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [cache, interval] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                _ = await cache.sweep()
                // Whoever inserts makes room; what grows between two insertions, or after the last, waits for nobody.
                await cache.keepWithinLimits()
            }
        }
    }
}
