import Dispatch
import Synchronization
import Testing
@testable import Embedding

struct InferenceThreadTests {
    private struct Failed: Error {}

    /// A thread that notes what it ran, and waits at 0 until it is let go.
    private final class Bench: Sendable {
        let gate = DispatchSemaphore(value: 0)
        private let started = DispatchSemaphore(value: 0)
        let thread: InferenceThread<Int, Int, Failed>

        init(place: InferencePlace = .behindRequests) {
            let (gate, started, noted) = (gate, started, Noted())
            self.noted = noted
            thread = InferenceThread(
                name: "test", place: place, closed: Failed(), cancelled: Failed(),
                run: { input in
                    if input == 0 {
                        started.signal()
                        gate.wait()
                    }
                    noted.values.withLock { $0.append(input) }
                    return .success(input)
                }, unload: {})
        }

        /// Queues the job that stands at the gate, and returns when it does.
        func begin() -> Pending<Int, Failed> {
            let first = thread.submit(0)
            started.wait()
            return first
        }

        private final class Noted: Sendable { let values = Mutex<[Int]>([]) }
        private let noted: Noted
        var order: [Int] { noted.values.withLock { $0 } }
    }

    @Test(arguments: [InferencePlace.behindRequests, .idleTime]) func jobsAreRunInTheirOrder(place: InferencePlace) async throws {
        let bench = Bench(place: place)
        let pending = [bench.begin()] + (1...3).map { bench.thread.submit($0) }
        bench.gate.signal()
        for (number, job) in pending.enumerated() { #expect(try await job.value().get() == number) }
        #expect(bench.order == [0, 1, 2, 3])
        await bench.thread.close()
    }

    /// A job that two threads have is run by the one that comes to it first.
    @Test func whatAnotherThreadDidIsPassedOver() async throws {
        let (busy, free) = (Bench(place: .idleTime), Bench())
        let first = busy.begin()
        let shared = busy.thread.submit(1)
        let later = busy.thread.submit(2)
        free.thread.submit(1, for: shared)
        #expect(try await shared.value().get() == 1)
        busy.gate.signal()
        for job in [first, later] { _ = try await job.value().get() }
        #expect(busy.order == [0, 2] && free.order == [1])
        await busy.thread.close()
        await free.thread.close()
    }

    @Test func aThreadWhoseJobDoesNotEndIsStarved() async throws {
        let bench = Bench()
        #expect(!bench.thread.isStarved(after: .zero))
        let first = bench.begin()
        #expect(bench.thread.isStarved(at: .now + .seconds(2)) && !bench.thread.isStarved(at: .now - .seconds(600)))
        bench.gate.signal()
        _ = try await first.value().get()
        _ = try await bench.thread.submit(1).value().get()
        await bench.thread.close()
        #expect(!bench.thread.isStarved(at: .now + .seconds(600)))
    }

    @Test func closingFailsWhatWaits() async {
        let bench = Bench()
        _ = bench.begin()
        let (waiting, later) = (bench.thread.submit(1), bench.thread.submit(2))
        async let closed: Void = bench.thread.close()
        // The job at the gate ends after the closing began, or before: what waits behind it is not run either way once the thread has seen it.
        while case .success = await bench.thread.submit(9).probe() {}
        bench.gate.signal()
        await closed
        for job in [waiting, later] { #expect(throws: Failed.self) { try job.wait().get() } }
    }
}

extension Pending {
    /// The outcome if it is there, else a success of nothing.
    fileprivate func probe() async -> Result<Bool, any Error> {
        guard isResolved else { return .success(true) }
        do {
            _ = try await value().get()
            return .success(true)
        } catch { return .failure(error) }
    }
}
