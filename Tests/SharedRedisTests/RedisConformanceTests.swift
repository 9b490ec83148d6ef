import Foundation
import SemanticCache
import SharedRedis
import TestSupport
import Testing

/// The contract, held by real engines. Each check has a prefix of its own.
@Suite(.enabled(if: Engines.redis != nil, "REPRISE_TEST_REDIS_URL is not set: Scripts/test sets it"))
struct RedisConformanceTests {
    @Test("Redis keeps the contract", arguments: SharedTierConformance.checks.map(\.name))
    func redis(_ name: String) async throws {
        try await Engines.check(name, try #require(Engines.redis), index: .flat)
    }

    @Test("Redis keeps the contract with a graph for an index", arguments: SharedTierConformance.checks.map(\.name))
    func graph(_ name: String) async throws {
        try await Engines.check(name, try #require(Engines.redis), index: .hnsw)
    }
}

@Suite(.enabled(if: Engines.valkey != nil, "REPRISE_TEST_VALKEY_URL is not set: Scripts/test sets it"))
struct ValkeyConformanceTests {
    @Test("Valkey keeps the contract", arguments: SharedTierConformance.checks.map(\.name))
    func valkey(_ name: String) async throws {
        try await Engines.check(name, try #require(Engines.valkey), index: .flat)
    }
}
