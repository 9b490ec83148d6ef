import HTTPTypes
import SemanticCache
import WireFormats

/// Step 8: carries one answer from the upstream into a flight, noting every chunk on its way.
///
/// The answer is kept as soon as its protocol's end is there and before the chunk with that end goes on, so that a client which repeats its request
/// at once finds the entry, also one that leaves at `[DONE]` without waiting for the connection's end. An answer that breaks off is not kept,
/// whoever broke it off.
struct ResponseRecorder: Sendable {
    let forwarder: Forwarder
    let flight: Flight
    /// The most that is recorded, in bytes.
    let limit: Int

    /// Makes the call and sees it to its end.
    ///
    /// - Parameters:
    ///   - refusal: why the answer will not be kept, as far as the request tells. It may take its time: it is asked while the upstream works.
    ///   - completed: told once: what was recorded, or why nothing was; and the refusal.
    func run(
        _ request: ProxyRequest, content: CacheableRequest, refusal: @escaping @Sendable () -> NotStoredReason?,
        completed: (Result<RecordedAnswer, NotStoredReason>, NotStoredReason?) async -> Void
    ) async {
        async let early = refusal()
        let response: UpstreamResponse
        do throws(UpstreamError) { response = try await forwarder.send(recordable: request) } catch {
            flight.resolve(.failure(error))
            flight.fail(error)
            return
        }
        let refused = await early
        var recorder: AnswerRecorder? = AnswerRecorder(request: content, status: response.status.code, fields: response.fields, limit: limit)
        var received = 0
        func keep() async {
            guard var finished = recorder else { return }
            recorder = nil
            await RequestExecutor.away(reading: received) { await completed(finished.finish(), refused) }
        }
        let length = response.fields[.contentLength].flatMap { Int($0) }
        flight.resolve(.success(Flight.Head(status: response.status, fields: response.fields, refusal: refused ?? recorder?.refusal)))
        do {
            var started: ContinuousClock.Instant?
            for try await chunk in response.body {
                let now = ContinuousClock.now
                started = started ?? now
                received += chunk.count
                recorder?.append(chunk, milliseconds: UInt32(clamping: (now - (started ?? now)).wholeMilliseconds))
                if received == length || recorder?.isComplete == true { await keep() }
                await flight.bring(chunk)
                try Task.checkCancellation()
            }
            await keep()
            flight.finish()
        } catch {
            if recorder != nil { await completed(.failure(Task.isCancelled ? .abandoned : .truncated), refused) }
            flight.fail(error)
        }
    }
}
