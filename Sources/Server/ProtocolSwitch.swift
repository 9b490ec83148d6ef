import HTTPTypes
import NIOCore
import SemanticCache

/// Takes a connection's bytes past HTTP once its client has asked for another protocol: they are then for whoever reads ``bytes``.
///
/// The parser above stops at such a request, whatever becomes of it. When the reader is behind, the socket is not read, and TCP slows the client down.
/// What the server says still goes through the encoder above, which hands on the body of a 101 as it is.
final class ProtocolSwitch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the client says after its request, to the end of its side.
    let bytes = BytePipe()
    /// How long a client that has said all may listen: one that is gone looks the same, and not every upstream ends a conversation with nobody.
    private let listening: TimeAmount
    private var isSwitched = false
    private var isFull = false
    private var timer: Scheduled<Void>?

    init(listening: TimeAmount) { self.listening = listening }

    func handlerAdded(context: ChannelHandlerContext) {
        let (this, eventLoop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
        bytes.onRoom { eventLoop.execute { this.value.0.goOn(this.value.1) } }
    }

    /// Keeps what comes from here on from the parser. On the event loop.
    func takeOver() { isSwitched = true }

    private func goOn(_ context: ChannelHandlerContext) {
        isFull = false
        if context.channel.isActive { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isSwitched else { return context.fireChannelRead(data) }
        isFull = !bytes.write(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Nothing inwards sees these bytes, so nothing there would ask for more.
        if isSwitched, !isFull { context.read() }
    }

    func read(context: ChannelHandlerContext) {
        if !isSwitched || !isFull { context.read() }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyInvitation else { return context.triggerUserOutboundEvent(event, promise: promise) }
        // Past the encoder, for which a head begins an answer.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard isSwitched, let event = event as? ChannelEvent, event == .inputClosed else { return context.fireUserInboundEventTriggered(event) }
        bytes.finish()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: listening) { channel.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        bytes.finish()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        bytes.onRoom {}
        bytes.finish()
    }
}

extension HTTPRequest {
    /// Whether it asks for another protocol, or for a tunnel, in a way at which the parser stops.
    var endsHTTP: Bool { method == .connect || headerFields.contains(.upgrade) && isForUpgrade }

    /// Whether it asks for a WebSocket (RFC 6455, section 4.1). The version and the key are the upstream's to look at.
    var asksForWebSocket: Bool {
        method == .get && isForUpgrade && headerFields[values: .upgrade].contains { $0.listed("websocket") }
            && !headerFields.contains(.transferEncoding) && headerFields[.contentLength].map { $0 == "0" } ?? true
    }

    private var isForUpgrade: Bool { headerFields[values: .connection].contains { $0.listed("upgrade") } }
}

extension String {
    /// Whether a list of tokens has this one, which is in small letters.
    fileprivate func listed(_ token: String) -> Bool {
        split(separator: ",").contains { $0.split(whereSeparator: { $0 == " " || $0 == "\t" }).first?.lowercased() == token }
    }
}
