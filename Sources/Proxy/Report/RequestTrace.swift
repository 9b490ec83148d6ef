import HTTPTypes
import SemanticCache
import Synchronization

/// Follows one request until the last byte of its response, gathering what observers are told then.
///
/// Told exactly once: at the end of the body, when it breaks, or when the client leaves.
final class RequestTrace: Sendable {
    let requestID: String
    let started: ContinuousClock.Instant
    private let observers: [any RequestObserver]
    /// `nil` once the observers were told.
    private let record: Mutex<RequestRecord?>

    init(_ request: ProxyRequest, at time: Timestamp, started: ContinuousClock.Instant, observers: [any RequestObserver]) {
        requestID = request.id
        self.started = started
        self.observers = observers
        guard !observers.isEmpty else {
            record = Mutex(nil)
            return
        }
        var record = RequestRecord(
            id: request.id, method: request.method, path: String(request.pathWithoutQuery),
            traceID: TraceParent.traceID(request.fields.value(of: .traceParent)), time: time)
        if case .bytes(let bytes) = request.body { record.body = bytes }
        self.record = Mutex(record)
    }

    /// Changes what is known; does nothing once the observers were told, or when there are none.
    func update(_ change: (inout RequestRecord) -> Void) {
        record.withLock { $0?.apply(change) }
    }

    /// The same response, followed to its end.
    func follow(_ response: ProxyResponse) -> ProxyResponse {
        guard !observers.isEmpty else { return response }
        let status = response.status.code
        switch response.body {
        case .bytes(let bytes):
            end(status: status, bytes: bytes.count, isBroken: false)
            return response
        case .stream(let stream):
            var followed = response
            let length = response.fields[.contentLength].flatMap { Int($0) }
            followed.body = .stream(follow(stream, status: status, length: length))
            return followed
        }
    }

    private func follow(_ stream: ByteStream, status: Int, length: Int?) -> ByteStream {
        let passage = Passage(stream)
        return ByteStream(
            next: { [self] in
                do {
                    if let chunk = try await passage.next() { return chunk }
                    end(status: status, bytes: passage.bytes, isBroken: false)
                    return nil
                } catch {
                    end(status: status, bytes: passage.bytes, isBroken: passage.bytes != length)
                    throw error
                }
            },
            cancel: { [self] in end(status: status, bytes: passage.bytes, isBroken: passage.bytes != length) })
    }

    private func end(status: Int, bytes: Int, isBroken: Bool) {
        guard var told = record.withLock({ $0.take() }) else { return }
        told.status = status
        told.responseBytes = bytes
        // Who has read all that was said may leave without waiting for the connection's end.
        told.isBroken = isBroken && !told.isAnswerComplete
        told.duration = ContinuousClock.now - started
        for observer in observers { observer.observe(told) }
    }
}

extension RequestRecord {
    fileprivate mutating func apply(_ change: (inout RequestRecord) -> Void) { change(&self) }

    /// Whether the upstream's answer was seen to its end, kept or not.
    fileprivate var isAnswerComplete: Bool {
        switch notStored {
        case nil: answer != nil
        case .abandoned, .truncated: false
        case .some: true
        }
    }
}

/// A stream on its way, and how much of it has passed.
///
/// No state of the single consumer's own: the count is read by whoever sees the stream dropped, too.
private final class Passage: Sendable {
    private let stream: ByteStream
    private let read = Atomic<Int>(0)

    init(_ stream: ByteStream) { self.stream = stream }

    var bytes: Int { read.load(ordering: .relaxed) }

    func next() async throws -> [UInt8]? {
        let chunk = try await stream.next()
        if let chunk { read.add(chunk.count, ordering: .relaxed) }
        return chunk
    }
}
