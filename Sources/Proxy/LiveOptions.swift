import Synchronization

/// The pipeline's options, which a reload of the configuration may exchange while requests are under way.
package final class LiveOptions: Sendable {
    private let value: Mutex<PipelineOptions>

    package init(_ options: PipelineOptions) { value = Mutex(options) }

    package var current: PipelineOptions { value.withLock { $0 } }

    package func exchange(for options: PipelineOptions) { value.withLock { $0 = options } }
}
