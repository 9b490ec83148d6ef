import SemanticCache
import TestSupport
import Testing

@Suite(.enabled(if: Engine.isThere, Engine.reason))
struct PostgresConformanceTests {
    @Test("PostgreSQL does what every shared tier must do", arguments: SharedTierConformance.checks.map(\.name))
    func conforms(_ name: String) async throws {
        let check = try #require(SharedTierConformance.checks.first { $0.name == name })
        try await Engine.withPair { pair, _ in
            try await SharedTierConformance.open(pair)
            let wrong = try await check.run(pair)
            #expect(wrong == nil, "\(wrong ?? "")")
        }
    }
}
