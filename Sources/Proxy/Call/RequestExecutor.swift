/// Where a request's tasks run.
///
/// A request that only hands bytes over does so on its connection's own thread: each change of threads costs more than what there is to do. What keeps a
/// processor for long goes elsewhere, for that thread serves other connections too.
package enum RequestExecutor {
    /// The executor of the request's connection; `nil` where it has none, and the global one is used.
    @TaskLocal package static var current: (any TaskExecutor)?

    /// What is read on a connection's thread at most, in bytes.
    package static let smallBytes = 64 << 10

    /// Runs `operation` where it keeps no connection waiting.
    ///
    /// - Parameter bytes: how much it reads; a small piece is not worth the way.
    package static func away<Value>(reading bytes: Int = .max, _ operation: () async throws -> Value) async rethrows -> Value {
        guard current != nil, bytes > smallBytes else { return try await operation() }
        return try await $current.withValue(nil) { try await withTaskExecutorPreference(globalConcurrentExecutor) { try await operation() } }
    }
}
