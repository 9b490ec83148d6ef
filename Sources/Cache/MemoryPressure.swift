package import Logging
import ServiceLifecycle
import Synchronization

/// How close the process is to its memory ceiling; read on every request, set by ``MemoryWatch``.
package final class MemoryPressure: Sendable {
    /// What has to give way.
    package enum Level: UInt8, Comparable, Sendable {
        case none
        /// The cache stops working for new answers: nothing is embedded or recorded, entries leave. Hits are served, requests forwarded.
        case shedsCacheWork
        /// New requests are refused as well.
        case shedsRequests

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    private let raw = Atomic<UInt8>(0)

    package init() {}

    package var level: Level { Level(rawValue: raw.load(ordering: .relaxed)) ?? .none }

    package func set(_ level: Level) { raw.store(level.rawValue, ordering: .relaxed) }

    /// The level at which `used` of `limit` bytes are in use: cache work is shed from nine tenths on, requests at the whole.
    package static func level(used: Int, limit: Int) -> Level {
        used >= limit ? .shedsRequests : used >= limit / 10 * 9 ? .shedsCacheWork : .none
    }
}

/// Looks at the process's memory every `interval`, and lets go of entries while there is too little: first those kept as stand-ins, then those that
/// are least worth their room, a twentieth at a time.
package struct MemoryWatch: Service {
    private let pressure: MemoryPressure
    private let limit: Int
    private let cache: AnswerCache
    private let interval: Duration
    private let used: @Sendable () -> Int
    private let logger: Logger

    /// - Parameters:
    ///   - limit: the ceiling, in bytes.
    ///   - used: the process's resident memory, in bytes.
    package init(
        pressure: MemoryPressure, limit: Int, cache: AnswerCache, interval: Duration = .milliseconds(250), logger: Logger,
        used: @escaping @Sendable () -> Int
    ) {
        self.pressure = pressure
        self.limit = limit
        self.cache = cache
        self.interval = interval
        self.logger = logger
        self.used = used
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                look()
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// One look.
    package func look() {
        let used = used()
        let level = MemoryPressure.level(used: used, limit: limit)
        let before = pressure.level
        pressure.set(level)
        if level != before {
            let facts: Logger.Metadata = ["used": "\(used)", "limit": "\(limit)"]
            switch level {
            case .none: logger.notice("memory is at hand again", metadata: facts)
            case .shedsCacheWork: logger.warning("memory is short: nothing new is cached", metadata: facts)
            case .shedsRequests: logger.error("memory is short: new requests are refused", metadata: facts)
            }
        }
        guard level > .none else { return }
        cache.forgetRetired()
        cache.evict(max(1, cache.count / 20))
    }
}
