import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Tells a client that holds its body back (`Expect: 100-continue`, RFC 9110, section 10.1.1) to send it: the event that ``ProtocolSwitch`` writes as
/// such.
///
/// It goes out when somebody asks for the body, so a request that is refused by its head gets its final status and sends nothing.
struct BodyInvitation: Sendable {
    /// A body before whose first piece the invitation goes out.
    private struct InvitedBody: AsyncSequence, Sendable {
        typealias Element = ByteBuffer

        struct AsyncIterator: AsyncIteratorProtocol {
            var body: RequestBody.AsyncIterator
            let invite: @Sendable () -> Void

            mutating func next() async throws -> ByteBuffer? {
                invite()
                return try await body.next()
            }
        }

        let body: RequestBody
        let invite: @Sendable () -> Void

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body.makeAsyncIterator(), invite: invite) }
    }

    /// Answers the request by `respond`, and sees to it that its client does not wait with its body in vain.
    static func respond(
        to request: Request, on channel: any Channel, _ respond: (Request) async throws -> Response
    ) async throws -> Response {
        guard request.headers.holdsBodyBack else { return try await respond(request) }
        let isInvited = Invitation()
        var invited = request
        invited.body = RequestBody(
            asyncSequence: InvitedBody(body: request.body) {
                if isInvited.send() { channel.triggerUserOutboundEvent(BodyInvitation(), promise: nil) }
            })
        let response = try await respond(invited)
        // Whether the body still comes is the client's to choose, so nothing that follows can be told from it.
        if !isInvited.wasSent { channel.triggerUserOutboundEvent(LastAnswer(), promise: nil) }
        return response
    }

    private final class Invitation: Sendable {
        private let state = Mutex(false)

        var wasSent: Bool { state.withLock { $0 } }

        /// Whether it is to be sent now, which it is once.
        func send() -> Bool {
            state.withLock { wasSent in
                defer { wasSent = true }
                return !wasSent
            }
        }
    }
}

extension HTTPFields {
    fileprivate var holdsBodyBack: Bool {
        guard let expectation = self[.expect], expectation.lowercased().contains("100-continue") else { return false }
        return contains(.transferEncoding) || self[.contentLength].map { $0 != "0" } ?? false
    }
}
