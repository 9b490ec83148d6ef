import NIOCore
import NIOHTTPTypes

/// Sends a response's head with the first piece of its body where both come in the same moment: one packet, and a client that is woken once.
final class HeldHead: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a head waits for its body.
    private let patience: TimeAmount
    private var isHolding = false
    /// Heads held so far, by which a timer knows its own.
    private var heads = 0

    init(patience: TimeAmount = .milliseconds(2)) { self.patience = patience }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = unwrapOutboundIn(data) {
            isHolding = true
            heads += 1
        } else {
            isHolding = false
        }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        guard isHolding else { return context.flush() }
        let head = heads
        context.eventLoop.assumeIsolated().scheduleTask(in: patience) { [self] in if heads == head { release(context) } }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        release(context)
        context.close(mode: mode, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) { isHolding = false }

    private func release(_ context: ChannelHandlerContext) {
        guard isHolding else { return }
        isHolding = false
        context.flush()
    }
}
