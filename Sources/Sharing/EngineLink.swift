import SemanticCache
import Synchronization

/// The way to the engine: nothing waits there beyond its limit, and nobody is let through while the breaker is open.
final class EngineLink: Sendable {
    private let tier: any SharedTier
    private let breaker = Mutex(EngineBreaker())
    private let patience: Duration
    private let instant: @Sendable () -> ContinuousClock.Instant

    /// - Parameters:
    ///   - patience: how long calls may take that no request waits for.
    ///   - instant: reads the clock that the breaker goes by.
    init(_ tier: any SharedTier, patience: Duration, instant: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.tier = tier
        self.patience = patience
        self.instant = instant
    }

    var isClosed: Bool { breaker.withLock { $0.isClosed } }

    var mayTry: Bool { breaker.withLock { $0.mayTry(at: instant()) } }

    /// Makes a call that some look-up waits for. Deadlines are of the machine's own clock, whatever the breaker goes by.
    func ask<Value: Sendable>(
        until deadline: ContinuousClock.Instant,
        _ body: @escaping @Sendable (any SharedTier, ContinuousClock.Instant) async throws(SharedTierError) -> Value
    ) async throws(SharedTierError) -> Value {
        guard isClosed else { throw .unreachable("it failed before and is left alone for now") }
        return try await call(until: deadline, body)
    }

    /// Makes a call that nobody waits for.
    ///
    /// - Parameter isTrial: whether it is to find out how the engine does, so that an open breaker lets it through.
    func call<Value: Sendable>(
        isTrial: Bool = false, _ body: @escaping @Sendable (any SharedTier, ContinuousClock.Instant) async throws(SharedTierError) -> Value
    ) async throws(SharedTierError) -> Value {
        guard isTrial || isClosed else { throw .unreachable("it failed before and is left alone for now") }
        return try await call(until: .now + patience, body)
    }

    private func call<Value: Sendable>(
        until deadline: ContinuousClock.Instant,
        _ body: @escaping @Sendable (any SharedTier, ContinuousClock.Instant) async throws(SharedTierError) -> Value
    ) async throws(SharedTierError) -> Value {
        do throws(SharedTierError) {
            let value = try await race(until: deadline) { [tier] () throws(SharedTierError) in try await body(tier, deadline) }
            breaker.withLock { $0.succeed() }
            return value
        } catch {
            // Whoever went away says nothing about the engine.
            if !Task.isCancelled { note(error) }
            throw error
        }
    }

    private func note(_ error: SharedTierError) {
        let (now, chance) = (instant(), Double.random(in: 0..<1))
        breaker.withLock { breaker in
            switch error {
            case .timedOut: _ = breaker.timeOut(at: now, chance: chance)
            // It answers: what is there can be read.
            case .full, .readOnly: breaker.succeed()
            case _ where error.isPassing: _ = breaker.fail(at: now, chance: chance)
            default: if breaker.isClosed { breaker.open(at: now, chance: chance, isLasting: true) }
            }
        }
    }

    /// All is well: the engine was tried from the beginning.
    func close() { breaker.withLock { $0.close() } }

    /// A trial came to nothing.
    func open(after error: SharedTierError) {
        breaker.withLock { $0.open(at: instant(), chance: .random(in: 0..<1), isLasting: !error.isPassing) }
    }

    func hints() -> AsyncStream<Void> { tier.hints() }

    func end() async { await tier.close() }
}
