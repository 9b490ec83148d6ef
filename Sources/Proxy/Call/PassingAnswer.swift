import SemanticCache
import Synchronization
import WireFormats

/// An answer on its way to the clients, recorded as it passes. Who takes the recorder first, and nobody else, says what becomes of it.
final class PassingAnswer: Sendable {
    /// What is known once a chunk has been recorded.
    enum Stage {
        case underway
        /// All was said, and what may still follow changes nothing: the connection has its end, or the answer cannot be kept.
        case settled
        /// The stream's last event has come with this chunk. What follows until the connection ends belongs to the recording.
        case ended
    }

    private struct State {
        var recorder: AnswerRecorder?
        var received = 0
        var lastByte: ContinuousClock.Instant?
        var hasEnded = false
    }

    private let state: Mutex<State>
    private let length: Int?
    /// Whether another upstream gives it than the one that was meant.
    let isStandIn: Bool

    /// - Parameter length: of the body, in bytes, where the response says it.
    init(_ recorder: AnswerRecorder, length: Int?, isStandIn: Bool) {
        state = Mutex(State(recorder: recorder))
        self.length = length
        self.isStandIn = isStandIn
    }

    /// The bytes that came so far.
    var received: Int { state.withLock { $0.received } }

    /// When the last of them came.
    var lastByte: ContinuousClock.Instant? { state.withLock { $0.lastByte } }

    /// Takes the next chunk, which came at this moment, so long after the first one.
    func append(_ chunk: [UInt8], at moment: ContinuousClock.Instant, milliseconds: UInt32) -> Stage {
        state.withLock { state in
            state.received += chunk.count
            state.lastByte = moment
            guard state.recorder != nil else { return .underway }
            state.recorder?.append(chunk, milliseconds: milliseconds)
            if state.received == length { return .settled }
            guard !state.hasEnded, state.recorder?.isComplete == true else { return .underway }
            state.hasEnded = true
            return state.recorder?.fault == nil ? .ended : .settled
        }
    }

    /// The recorder, once: for whoever ends the recording.
    func take() -> AnswerRecorder? { state.withLock { $0.recorder.take() } }

    /// What would be recorded if nothing followed any more; `nil` when the recording was ended.
    var soFar: Result<RecordedAnswer, NotStoredReason>? { state.withLock { $0.recorder }?.soFar }
}
