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

        init(pause: Duration = .zero) {
            let (gate, started, noted) = (gate, started, Noted())
            self.noted = noted
            thread = InferenceThread(
                name: "test", closed: Failed(), cancelled: Failed(), pause: pause,
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

    @Test func whatARequestWaitsForGoesFirst() async throws {
        let bench = Bench()
        var pending = [bench.begin()]
        pending += (101...103).map { bench.thread.submit($0, inBackground: true) }
        pending += (1...3).map { bench.thread.submit($0) }
        bench.gate.signal()
        for job in pending { _ = try await job.value().get() }
        #expect(bench.order == [0, 1, 2, 3, 101, 102, 103])
        await bench.thread.close()
    }

    @Test func theBackgroundIsNotStarved() async throws {
        let bench = Bench()
        var pending = [bench.begin()]
        pending += (101...102).map { bench.thread.submit($0, inBackground: true) }
        pending += (1...20).map { bench.thread.submit($0) }
        bench.gate.signal()
        for job in pending { _ = try await job.value().get() }
        #expect(bench.order == [0] + (1...8) + [101] + (9...16) + [102] + (17...20))
        await bench.thread.close()
    }

    /// Right after a request the next is expected: what nobody waits for lets the moment pass.
    @Test func theBackgroundLeavesAMomentForTheNextRequest() async throws {
        let bench = Bench(pause: .seconds(600))
        let first = bench.begin()
        let patient = bench.thread.submit(101, inBackground: true)
        bench.gate.signal()
        _ = try await first.value().get()
        for number in 1...3 { _ = try await bench.thread.submit(number).value().get() }
        #expect(bench.order == [0, 1, 2, 3] && !patient.isResolved)
        await bench.thread.close()
        #expect(throws: Failed.self) { try patient.wait().get() }
    }

    @Test func closingFailsWhatWaits() async {
        let bench = Bench()
        _ = bench.begin()
        let (waiting, later) = (bench.thread.submit(1), bench.thread.submit(2, inBackground: true))
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
