import HTTPTypes
@testable import Proxy
import SemanticCache
import Synchronization
import TestSupport
import Testing

struct FlightTests {
    private let head = Flight.Head(status: .ok, fields: [:])

    private func read(_ subscription: Flight.Subscription) async throws -> [UInt8] {
        try await subscription.body.collect(upTo: .max) ?? []
    }

    @Test func everyoneGetsEveryByte() async throws {
        let flight = Flight(limit: 1 << 20)
        let early = try #require(flight.subscribe())
        async let first = read(early)
        flight.resolve(.success(head))
        await flight.bring([1, 2])
        let late = try #require(flight.subscribe())
        async let second = read(late)
        await flight.bring([3])
        flight.finish()
        #expect(try await first == [1, 2, 3])
        #expect(try await second == [1, 2, 3])
        #expect(flight.subscribe() == nil)
    }

    @Test func theFirstMayLeave() async throws {
        let flight = Flight(limit: 1 << 20)
        var leader = flight.subscribe()
        let follower = try #require(flight.subscribe())
        await flight.bring([1])
        #expect(leader != nil)
        leader = nil
        await flight.bring([2])
        flight.finish()
        #expect(try await read(follower) == [1, 2])
    }

    @Test func theLastToLeaveCancelsTheCall() async throws {
        let flight = Flight(limit: 1 << 20)
        var only = flight.subscribe()
        #expect(only != nil)
        await confirmation { cancelled in
            let (done, signal) = AsyncStream<Void>.makeStream()
            flight.launch {
                do { try await Task.sleep(for: .seconds(30)) } catch { cancelled() }
                signal.finish()
            }
            only = nil
            for await _ in done {}
        }
        #expect(flight.subscribe() == nil)
    }

    @Test func aBreakReachesEveryone() async throws {
        let flight = Flight(limit: 1 << 20)
        let one = try #require(flight.subscribe())
        let two = try #require(flight.subscribe())
        await flight.bring([1])
        flight.fail(UpstreamError.broken("reset"))
        await #expect(throws: UpstreamError.self) { try await read(one) }
        await #expect(throws: UpstreamError.self) { try await read(two) }
    }

    @Test func aFailureBeforeTheHeadIsTold() async throws {
        let flight = Flight(limit: 1 << 20)
        let one = try #require(flight.subscribe())
        async let head = one.head()
        flight.resolve(.failure(.unreachable("refused")))
        guard case .failure(.unreachable) = await head else {
            Issue.record("expected the failure")
            return
        }
    }

    /// The pump stops a window ahead of the fastest reader and goes on when it reads.
    @Test func aSlowReaderHoldsThePumpBack() async throws {
        let flight = Flight(window: 1000, limit: 10_000)
        let subscription = try #require(flight.subscribe())
        let brought = Counter()
        flight.launch {
            for _ in 0..<100 {
                await flight.bring([UInt8](repeating: 7, count: 100))
                brought.increment()
            }
            flight.finish()
        }
        try await Task.sleep(for: .milliseconds(100))
        #expect(brought.value <= 10)
        #expect(try await read(subscription).count == 10_000)
    }

    /// Beyond the limit nobody can join, but who is there still gets everything.
    @Test func longAnswersAreNotHeldForJoiners() async throws {
        let flight = Flight(window: 1000, limit: 2000)
        let subscription = try #require(flight.subscribe())
        flight.launch {
            for value in 0..<100 { await flight.bring([UInt8](repeating: UInt8(value), count: 100)) }
            flight.finish()
        }
        #expect(try await read(subscription) == (0..<100).flatMap { [UInt8](repeating: UInt8($0), count: 100) })
        #expect(flight.subscribe() == nil)
    }

    @Test func cancellingAReaderFreesIt() async throws {
        let flight = Flight(limit: 1 << 20)
        let one = try #require(flight.subscribe())
        let keeper = try #require(flight.subscribe())
        let reading = Task { try await read(one) }
        try await Task.sleep(for: .milliseconds(20))
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        flight.finish()
        #expect(try await read(keeper).isEmpty)
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func increment() { count.withLock { $0 += 1 } }
}
