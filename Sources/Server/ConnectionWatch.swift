import NIOCore
import NIOHTTPTypes

/// Watches one connection from inside its pipeline: tells when the client leaves, and ends a request whose body stops coming.
///
/// The clock for a body runs only while the server wants more of it (`read` went out and nothing came back), so an upload that the upstream
/// slows down is not blamed on the client.
final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let presences: ClientPresences
    private let presence = ClientPresence()
    private let bodyTimeout: TimeAmount
    private var isInBody = false
    /// Since when the server waits for a piece of a body; `nil` while it does not.
    private var waitingSince: NIODeadline?
    private var timer: RepeatedTask?

    init(presences: ClientPresences, bodyTimeout: TimeAmount) {
        self.presences = presences
        self.bodyTimeout = bodyTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        presences.add(presence, for: context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isInBody = true
            startTimer(context: context)
        case .body:
            break
        case .end:
            isInBody = false
        }
        waitingSince = nil
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if isInBody, waitingSince == nil { waitingSince = .now() }
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { presence.leave() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context: context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(context: context)
    }

    private func end(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        presences.remove(context.channel)
        presence.leave()
    }

    /// One coarse timer a connection, started with its first request: cheaper than one a request.
    private func startTimer(context: ChannelHandlerContext) {
        guard timer == nil else { return }
        let interval = TimeAmount.nanoseconds(max(bodyTimeout.nanoseconds / 4, 1_000_000))
        let channel = context.channel
        // The handler lives on this event loop, as does the task.
        let watch = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let watch = watch.value
            guard watch.isInBody, let since = watch.waitingSince, .now() - since > watch.bodyTimeout else { return }
            channel.close(promise: nil)
        }
    }
}
