@testable import Sharing
import Testing

struct EngineBreakerTests {
    private let start = ContinuousClock.now

    @Test func threeFailuresInARowOpenIt() {
        var breaker = EngineBreaker()
        var opened: [Bool] = []
        for _ in 0..<2 { opened.append(breaker.fail(at: start, chance: 0.5)) }
        breaker.succeed()
        for _ in 0..<3 { opened.append(breaker.fail(at: start, chance: 0.5)) }
        #expect(opened == [false, false, false, false, true] && !breaker.isClosed)
    }

    @Test func tenTimeoutsWithinTenSecondsOpenIt() {
        var breaker = EngineBreaker()
        for second in 0..<40 {
            let opened = breaker.timeOut(at: start + .seconds(second * 2), chance: 0.5)
            breaker.succeed()
            #expect(!opened)
        }
        let opened = (0..<10).map { number in breaker.timeOut(at: start + .seconds(100) + .milliseconds(number), chance: 0.5) }
        #expect(opened.lastIndex(of: false) == 8 && !breaker.isClosed)
    }

    @Test func itIsTriedAfterLongerAndLonger() {
        var breaker = EngineBreaker()
        var now = start
        var delays: [Duration] = []
        for _ in 0..<9 {
            breaker.open(at: now, chance: 0.5)
            guard case .open(let end) = breaker.state else {
                Issue.record("not open")
                return
            }
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
