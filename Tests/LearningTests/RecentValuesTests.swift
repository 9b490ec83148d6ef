@testable import Learning
import Testing

/// What the learner remembers of the hits it served.
struct RecentValuesTests {
    @Test func theOldestGoAndTheYoungestStay() {
        var recent = RecentValues<Int, String>(capacity: 100)
        for number in 0..<1000 {
            recent.set(number, to: "value \(number)")
            #expect(recent.count == min(number + 1, 100))
            #expect(recent[number] == "value \(number)")
            #expect(recent[number - 100] == nil && (number < 99 || recent[number - 99] != nil))
        }
    }

    /// A key that is set again is young again; the place that it had before takes nothing with it.
    @Test func settingAgainMakesYoung() {
        var recent = RecentValues<String, Int>(capacity: 3)
        for (value, key) in ["a", "b", "a", "c"].enumerated() { recent.set(key, to: value) }
        #expect(recent["a"] == 2 && recent["b"] == 1 && recent["c"] == 3)
        recent.set("d", to: 4)
        #expect(recent["a"] == 2 && recent["b"] == nil && recent["c"] == 3 && recent["d"] == 4)
        recent.set("e", to: 5)
        #expect(recent["a"] == nil && recent["c"] == 3 && recent.count == 3)
    }

    @Test func aChangeMakesNothingYoungerAndReachesOnlyWhatIsThere() {
        var recent = RecentValues<String, Int>(capacity: 2)
        recent.set("a", to: 1)
        recent.set("b", to: 2)
        recent.update("a") { $0 += 10 }
        recent.update("z") { $0 += 10 }
        #expect(recent["a"] == 11 && recent["z"] == nil && recent.count == 2)
        recent.set("c", to: 3)
        #expect(recent["a"] == nil && recent["b"] == 2 && recent["c"] == 3)
    }

    @Test func whatIsRemovedDoesNotComeBackAndTakesNothingWithItLater() {
        var recent = RecentValues<Int, Int>(capacity: 4)
        for number in 1...4 { recent.set(number, to: number) }
        recent.removeAll { $0 % 2 == 0 }
        #expect(recent[1] == 1 && recent[2] == nil && recent[3] == 3 && recent.count == 2)
        // Under the key again: what is left of its former place does not reach it.
        recent.set(2, to: 20)
        recent.set(5, to: 5)
        #expect(recent[2] == 20 && recent[5] == 5 && recent[1] == nil && recent[3] == 3)
        recent.removeAll()
        #expect(recent.count == 0 && recent[2] == nil)
    }
}
