@testable import Cache
import Testing

struct DiskAllowanceTests {
    private let limit = 1_000_000

    @Test func whatFitsChangesNothing() {
        var allowance = DiskAllowance(limit: limit)
        for (estimated, measured) in [(0, 60_000), (10_000, 100_000), (500_000, 900_000), (900_000, 1_000_000), (5, 0)] {
            allowance.note(estimated: estimated, measured: measured)
            #expect(allowance.bytes == limit)
        }
    }

    /// Entries take `factor` times what was thought, and `fixed` bytes are there that no entry has: measured again and again, it ends at the limit.
    @Test(arguments: [1.0, 1.3, 3], [0, 200_000, 600_000])
    func whatIsMeasuredComesToTheLimit(factor: Double, fixed: Int) {
        var allowance = DiskAllowance(limit: limit)
        var measured = 0
        for _ in 0..<60 {
            let estimated = allowance.bytes
            measured = Int(Double(estimated) * factor) + fixed
            allowance.note(estimated: estimated, measured: measured)
        }
        #expect((limit / 100 * 99...limit / 100 * 101).contains(measured))
    }

    @Test func itGrowsAgainWhenThereIsRoom() {
        var allowance = DiskAllowance(limit: limit)
        allowance.note(estimated: 1_000_000, measured: 2_000_000)
        #expect(allowance.bytes == 875_000, "one step of several")
        for _ in 0..<10 { allowance.note(estimated: allowance.bytes, measured: allowance.bytes * 2) }
        #expect(allowance.bytes == 500_000)
        allowance.note(estimated: 1000, measured: 60_000)
        #expect(allowance.bytes == 500_000, "an empty store says little")
        allowance.note(estimated: 500_000, measured: 600_000)
        #expect((833_000...834_000).contains(allowance.bytes))
        allowance.note(estimated: 800_000, measured: 700_000)
        #expect(allowance.bytes == limit)
    }

    @Test func whatNoEntryHasDoesNotEmptyTheCache() {
        var allowance = DiskAllowance(limit: limit)
        for _ in 0..<40 { allowance.note(estimated: allowance.bytes, measured: 90_000_000) }
        #expect(allowance.bytes == limit / 16)
    }
}
