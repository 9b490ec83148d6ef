import SemanticCache
import TestSupport
import Testing

struct SharedTierTests {
    @Test("the double keeps the contract that the engines are held to", arguments: SharedTierConformance.checks.map(\.name))
    func conforms(_ name: String) async throws {
        let engine = MemorySharedTier.Engine(clock: RealClock())
        let pair = SharedTierConformance.Pair(one: MemorySharedTier(engine), other: MemorySharedTier(engine))
        try await SharedTierConformance.open(pair)
        let check = try #require(SharedTierConformance.checks.first { $0.name == name })
        let wrong = try await check.run(pair)
        #expect(wrong == nil, "\(wrong ?? "")")
    }

    @Test("what a journal of few events has forgotten is a gap")
    func gap() async throws {
        let tier = MemorySharedTier(MemorySharedTier.Engine(clock: RealClock(), journalLimit: 3))
        _ = try await tier.open(SharedTierConformance.identity)
        for number in 1...5 { _ = try await tier.append([UInt8(number)]) }
        #expect(try await tier.events(after: 1, limit: 10).hasGap)
        let rest = try await tier.events(after: 2, limit: 10)
        #expect(!rest.hasGap && rest.events.map(\.number) == [3, 4, 5])
    }
}
