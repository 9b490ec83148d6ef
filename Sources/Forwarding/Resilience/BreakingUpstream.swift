import HTTPTypes
package import SemanticCache
import Synchronization

/// Puts a ``CircuitBreaker`` in front of an upstream.
///
/// Failures are connection faults, time limits and the statuses 500, 502, 503, 504 and 529. A refusal of one client (401, 429) says nothing about the
/// upstream's health.
package final class BreakingUpstream: Upstream {
    /// What is worth telling an operator.
    package enum Transition: Sendable {
        /// Calls are refused for this long, because of this.
        case opened(Duration, reason: String)
        case closed
    }

    private let upstream: any Upstream
    private let breaker: Mutex<CircuitBreaker>
    private let coolDown: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let onTransition: @Sendable (Transition) -> Void

    /// - Parameters:
    ///   - limit: the failures in a row that open the circuit; zero never does.
    ///   - coolDown: how long it stays open.
    package init(
        _ upstream: any Upstream, limit: Int, coolDown: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        onTransition: @escaping @Sendable (Transition) -> Void = { _ in }
    ) {
        self.upstream = upstream
        self.coolDown = coolDown
        breaker = Mutex(CircuitBreaker(limit: limit, coolDown: coolDown))
        self.now = now
        self.onTransition = onTransition
    }

    /// What a call would meet now.
    package var condition: CircuitCondition { breaker.withLock { $0.condition(at: now()) } }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        if case .refuse(let time) = breaker.withLock({ $0.admit(at: now()) }) { throw .circuitOpen(retryAfter: time) }
        do throws(UpstreamError) {
            let response = try await upstream.send(request)
            if Self.failing.contains(response.status.code) { fail("status \(response.status.code)") } else { succeed() }
            return response
        } catch {
            switch error {
            case .unreachable, .tls, .timedOut, .broken: fail(error.description)
            case .requestBody, .cancelled, .closed, .overloaded, .circuitOpen: breaker.withLock { $0.abandon(at: now()) }
            }
            throw error
        }
    }

    private static let failing: Set<Int> = [500, 502, 503, 504, 529]

    private func fail(_ reason: String) {
        if breaker.withLock({ $0.fail(at: now()) }) { onTransition(.opened(coolDown, reason: reason)) }
    }

    private func succeed() {
        let wasOpen = breaker.withLock { breaker in
            defer { breaker.succeed() }
            if case .closed = breaker.state { return false }
            return true
        }
        if wasOpen { onTransition(.closed) }
    }
}
