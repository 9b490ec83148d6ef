import Cache

/// Lets one through at a time, in order of arrival.
struct EventGate: Sendable {
    private let gate = AsyncGate()

    func pass<Result: Sendable>(_ body: @Sendable () async -> Result) async -> Result {
        await gate.enter()
        defer { gate.leave() }
        return await body()
    }
}
