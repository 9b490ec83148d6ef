import Foundation
import SemanticCache
import SharedRedis
import TestSupport
import Testing

/// The engines that `Scripts/test` starts, and names in them that nobody else uses.
enum Engines {
    static let redis = url("REPRISE_TEST_REDIS_URL")
    static let valkey = url("REPRISE_TEST_VALKEY_URL")

    private static func url(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Below `rp`, which is all that the least of users may touch.
    static func prefix() -> String { "rp:test-\(UInt64.random(in: 0...UInt64.max))" }

    static func check(_ name: String, _ url: String, index: RedisConfiguration.Index) async throws {
        let configuration = try RedisConfiguration(url: url, prefix: prefix(), index: index)
        let pair = SharedTierConformance.Pair(one: RedisTier(configuration), other: RedisTier(configuration))
        try await SharedTierConformance.open(pair)
        let check = try #require(SharedTierConformance.checks.first { $0.name == name })
        let wrong = try await check.run(pair)
        #expect(wrong == nil, "\(wrong ?? "")")
        await pair.one.close()
        await pair.other.close()
    }
}
