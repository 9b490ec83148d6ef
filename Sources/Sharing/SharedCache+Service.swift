import Cache
import SemanticCache
import ServiceLifecycle
import Synchronization
import Telemetry

// What goes on behind the requests.

extension SharedCache {
    /// How often the journal is read where nobody says that there is something to read.
    private static let interval = Duration.milliseconds(500)
    /// The pause after each batch where an engine gets everything anew: 200 entries a second.
    private static let refillPause = Duration.milliseconds(500)

    /// Comes together with the engine before the first request, if that takes no longer than `limit`.
    package func begin(for limit: Duration) async {
        _ = try? await race(until: .now + limit) { [self] () throws(SharedTierError) in await turn() }
    }

    /// Works until shutdown, then gives the engine what still waits, for some seconds at the most.
    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup { group in
                group.addTask { [self] in
                    for await _ in link.hints() { bell.continuation.yield() }
                }
                group.addTask { [bell] in
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Self.interval)
                        bell.continuation.yield()
                    }
                }
                group.addTask { [self] in
                    for await _ in bell.stream {
                        await turn()
                        if state.withLock({ $0.isRefilling && $0.isOpen }) { try? await Task.sleep(for: Self.refillPause) }
                    }
                }
            }
        }
        await finish()
    }

    /// The last of it.
    private func finish() async {
        _ = try? await race(until: .now + options.callTimeout) { [self] () throws(SharedTierError) in
            if isAsked { try await putWaiting() }
            await keepPosition()
        }
        await link.end()
    }

    /// Does once what is to be done.
    package func turn() async {
        await turnGate.pass { [self] in
            metrics.setWaiting(cache.waitingCount)
            if !isAsked {
                guard link.mayTry else { return }
                await connect()
            }
            if isAsked {
                do throws(SharedTierError) { try await work() } catch { leaveIfBroken(error) }
            }
            await keepPosition()
            metrics.setWaiting(cache.waitingCount)
        }
    }

    private func work() async throws(SharedTierError) {
        do throws(JournalReader.Break) { try await reader.catchUp() } catch {
            if case .engine(let fault) = error { throw fault }
            return leave(because: error.fault)
        }
        try await renewLease()
        try await putWaiting()
        if await bringOver() { bell.continuation.yield() }
        try await putWaiting()
        for event in own.unswept { if let number = event.position?.number { await sweep(event.event, before: number) } }
        for heard in reader.takeHeard() { schedule(heard.event, before: heard.number, after: .seconds(Double.random(in: 60...120))) }
        let now = instant()
        let due = state.withLock { state in
            defer { state.sweeps.removeAll { $0.due <= now } }
            return state.sweeps.filter { $0.due <= now }
        }
        for sweep in due { _ = try await sweepOnce(sweep.event, before: sweep.number, isTrial: false) }
    }
}
