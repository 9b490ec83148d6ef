@testable import Sharing
import Testing

struct EngineBreakerTests {
    private let start = ContinuousClock.now

    @Test func threeFailuresInARowOpenIt() {
        var breaker = EngineBreaker()
        #expect(!breaker.fail(at: start, chance: 0.5) && !breaker.fail(at: start, chance: 0.5))
        breaker.succeed()
        #expect(!breaker.fail(at: start, chance: 0.5) && !breaker.fail(at: start, chance: 0.5))
        #expect(breaker.isClosed && breaker.fail(at: start, chance: 0.5) && !breaker.isClosed)
    }

    @Test func tenTimeoutsWithinTenSecondsOpenIt() {
        var breaker = EngineBreaker()
        for second in 0..<40 {
            #expect(!breaker.timeOut(at: start + .seconds(second * 2), chance: 0.5))
            breaker.succeed()
        }
        var last = false
        for number in 0..<9 { last = breaker.timeOut(at: start + .seconds(100) + .milliseconds(number), chance: 0.5) }
        #expect(!last && breaker.timeOut(at: start + .seconds(101), chance: 0.5))
    }

    @Test func itIsTriedAfterLongerAndLonger() {
        var breaker = EngineBreaker()
        var now = start
        var delays: [Duration] = []
        for _ in 0..<9 {
            breaker.open(at: now, chance: 0.5)
            guard case .open(let end) = breaker.state else { return Issue.record("not open") }
            #expect(!breaker.mayTry(at: end - .milliseconds(1)) && breaker.mayTry(at: end))
            delays.append(end - now)
            now = end
        }
        #expect(delays.prefix(4) == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4)])
        #expect(delays.last == .seconds(30))
        breaker.close()
        breaker.open(at: now, chance: 0)
        #expect(breaker.state == .open(until: now + .milliseconds(375)))
    }

    @Test func whatSomebodyMustSeeToIsTriedSeldom() {
        var breaker = EngineBreaker()
        breaker.open(at: start, chance: 0.5, isLasting: true)
        #expect(breaker.state == .open(until: start + .seconds(30)))
    }
}
