import HTTPTypes
@testable import Proxy
import SemanticCache
import Testing

/// What a client is told of where its answer was kept.
struct OutcomeFieldsTests {
    @Test(arguments: Outcome.Tier.allCases, [false, true])
    func aHitNamesItsTier(tier: Outcome.Tier, isStale: Bool) {
        for match in [Outcome.Match.exact, .semantic(similarity: 0.97)] {
            let hit = Outcome.Hit(match, tier: tier, entry: EntryID(rawValue: 1), age: .seconds(1), remaining: .seconds(1), isStale: isStale)
            var (fields, elsewhere) = (HTTPFields(), HTTPFields())
            Outcome.hit(hit).write(to: &fields)
            #expect(fields[.xCacheTier] == tier.rawValue)
            // Nothing else tells tiers apart: `Cache-Status` is what it was before there were several.
            Outcome.hit(.init(match, entry: hit.entry, age: hit.age, remaining: hit.remaining, isStale: isStale)).write(to: &elsewhere)
            fields[.xCacheTier] = nil
            elsewhere[.xCacheTier] = nil
            #expect(fields == elsewhere)
        }
    }

    @Test func whatIsNoHitNamesNone() {
        for outcome in [Outcome.miss(.emptyScope), .bypass(.path), .partial(known: 1, count: 2), .onlyIfCached(.miss(.emptyScope)), .refused] {
            var fields = HTTPFields()
            outcome.write(to: &fields)
            #expect(fields[.xCacheTier] == nil, "\(outcome)")
        }
    }
}
