import Synchronization

/// The pipeline's options, which a reload of the configuration may exchange while requests are under way.
package final class LiveOptions: Sendable {
    /// Shared rather than copied: every request reads several of the options.
    final class Snapshot: Sendable {
        let options: PipelineOptions

        init(_ options: PipelineOptions) { self.options = options }
    }

    private let value: Mutex<Snapshot>

    package init(_ options: PipelineOptions) { value = Mutex(Snapshot(options)) }

    var snapshot: Snapshot { value.withLock { $0 } }

    package var current: PipelineOptions { snapshot.options }

    package func exchange(for options: PipelineOptions) {
        let snapshot = Snapshot(options)
        value.withLock { $0 = snapshot }
    }
}
