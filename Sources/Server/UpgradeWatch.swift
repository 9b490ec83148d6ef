import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// The answer that is under way is the connection's last: what follows on it cannot be told from what belongs to its request.
struct LastAnswer: Sendable {}

/// Ends a connection with the answer to a request that asked for another protocol: by what follows, HTTP is spoken no more, or never parsed. Other
/// answers are the last where a ``LastAnswer`` says so.
///
/// A WebSocket that the upstream agreed to lasts as long as that answer's body. When the server is to end, its client is told so in the socket's own
/// words (a close frame with code 1001), between two frames of the upstream's.
final class UpgradeWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Socket {
        case none
        case open(WebSocketFrames)
        /// The server is to end, and the upstream is in the middle of a frame.
        case ending(WebSocketFrames)
        /// The client was told.
        case ended
    }

    private let protocolSwitch: ProtocolSwitch
    private var requests = 0
    private var answers = 0
    /// The number of the request behind which nothing is parsed.
    private var last: Int?
    private var socket = Socket.none

    init(_ protocolSwitch: ProtocolSwitch) { self.protocolSwitch = protocolSwitch }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let request) = unwrapInboundIn(data) {
            requests += 1
            if request.endsHTTP {
                last = requests
                if request.asksForWebSocket { protocolSwitch.takeOver() }
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard answers + 1 == last else {
            if case .end = unwrapOutboundIn(data) { answers += 1 }
            return context.write(data, promise: promise)
        }
        switch unwrapOutboundIn(data) {
        case .head(var response):
            if response.status == .switchingProtocols {
                response.headerFields[.connection] = "Upgrade"
                response.headerFields[.upgrade] = "websocket"
                socket = .open(WebSocketFrames())
            } else if response.status.kind != .informational {
                response.headerFields[.connection] = "close"
            }
            context.write(wrapOutboundOut(.head(response)), promise: promise)
        case .body(let bytes): write(bytes, context: context, promise: promise)
        case .end:
            answers += 1
            let written = context.eventLoop.makePromise(of: Void.self)
            if let promise { written.futureResult.cascade(to: promise) }
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
            context.writeAndFlush(data, promise: written)
        }
    }

    private func write(_ bytes: ByteBuffer, context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        switch socket {
        case .none: break
        case .open(var frames):
            frames.take(bytes.readableBytesView)
            socket = .open(frames)
        case .ending(var frames):
            let border = frames.takeToBorder(bytes.readableBytesView)
            socket = .ending(frames)
            guard frames.isAtBorder, let rest = bytes.getSlice(at: bytes.readerIndex, length: border) else { break }
            context.write(wrapOutboundOut(.body(rest)), promise: promise)
            return sayGoodbye(context: context)
        case .ended:
            promise?.succeed()
            return
        }
        context.write(wrapOutboundOut(.body(bytes)), promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is LastAnswer else { return context.triggerUserOutboundEvent(event, promise: promise) }
        last = answers + 1
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, case .open(let frames) = socket {
            socket = .ending(frames)
            if frames.isAtBorder { sayGoodbye(context: context) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Its answer goes on to the upstream, which then ends the conversation in order.
    private func sayGoodbye(context: ChannelHandlerContext) {
        socket = .ended
        context.writeAndFlush(wrapOutboundOut(.body(ByteBuffer(bytes: WebSocketFrames.goingAway))), promise: nil)
    }
}
