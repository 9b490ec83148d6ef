package import SemanticCache

/// Bounds the calls that one upstream has to answer at a time. A call is out until its answer's last byte was read, or the reader left.
package struct LimitedUpstream: Upstream {
    private let upstream: any Upstream
    private let queue: CallQueue

    /// - Parameters:
    ///   - limit: calls out at once.
    ///   - waitingLimit: the most that wait for their turn; further ones fail with ``UpstreamError/overloaded(retryAfter:)``.
    ///   - patience: the longest wait, after which a call fails likewise.
    package init(
        _ upstream: any Upstream, limit: Int, waitingLimit: Int, patience: Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.upstream = upstream
        queue = CallQueue(limit: limit, waitingLimit: waitingLimit, patience: patience, sleep: sleep)
    }

    /// The calls that are out, and those that wait for their turn.
    package var depth: (out: Int, waiting: Int) { queue.depth }

    package func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        let place: CallQueue.Place
        switch await queue.enter() {
        case .admitted(let admitted): place = admitted
        case .full, .waitedTooLong: throw .overloaded(retryAfter: .seconds(1))
        case .cancelled: throw .cancelled
        }
        var response: UpstreamResponse
        do throws(UpstreamError) { response = try await upstream.send(request) } catch {
            place.release()
            throw error
        }
        // The stream holds the place: whoever lets go of it early gives the place back, too.
        let body = response.body
        response.body = ByteStream(next: {
            do {
                if let chunk = try await body.next() { return chunk }
            } catch {
                place.release()
                throw error
            }
            place.release()
            return nil
        })
        return response
    }
}
