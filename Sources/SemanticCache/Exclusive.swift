import Synchronization

/// A value that tasks use one after another, never two at once: what the single consumer of a stream, or the single writer of a response, works on.
///
/// `@unchecked Sendable`: no lock guards the value. Whoever makes one answers for two things: that the value handed over is used through this object
/// alone, and that a use begins only after the one before has ended. A ``ByteStream`` sees to the second by its contract. Builds for tests check it.
package final class Exclusive<Value>: @unchecked Sendable {
    private var value: Value
    private let isInUse = Atomic(false)

    package init(_ value: Value) { self.value = value }

    /// Uses the value. It may be changed, also across suspensions.
    package func use<Result>(_ body: (inout Value) async throws -> Result) async rethrows -> Result {
        assert(!isInUse.exchange(true, ordering: .acquiring), "two tasks use one \(Value.self) at a time")
        defer { assert(isInUse.exchange(false, ordering: .releasing)) }
        return try await body(&value)
    }
}
