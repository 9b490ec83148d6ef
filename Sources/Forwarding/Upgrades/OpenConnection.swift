import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS
import SemanticCache
import Synchronization

/// A connection that is switched to another protocol: what the event loop and the waiting tasks share of it. Owns the task that sends.
final class OpenConnection: Sendable {
    /// A response's head.
    struct Head: Sendable {
        let status: HTTPResponse.Status
        let fields: HTTPFields
    }

    private struct State {
        var channel: (any Channel)?
        var sender: Task<Void, Never>?
        var isClosed = false
    }

    /// What the upstream says: in the other protocol, or the body of its refusal.
    let heard = BytePipe()
    private let state = Mutex(State())

    /// Asks on a new connection for the other protocol; the answer's head. On the channel's event loop.
    func shakeHands(
        on channel: any Channel, _ head: HTTPRequestHead, _ tls: NIOSSLContext?, _ address: UpstreamAddress, _ limits: HandshakeLimits
    ) -> EventLoopFuture<Head> {
        let isClosed = state.withLock { state in
            state.channel = channel
            return state.isClosed
        }
        let promise = channel.eventLoop.makePromise(of: Head.self)
        do {
            guard !isClosed else { throw UpstreamError.cancelled }
            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(Self.security(tls, host: address.host)) }
            let (encoder, decoder) = (HTTPRequestEncoder(), ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes)))
            try pipeline.addHandler(encoder)
            try pipeline.addHandler(decoder)
            try pipeline.addHandler(HandshakeHandler(promise, heard, codec: [encoder, decoder], limits, isSecure: tls != nil))
            try pipeline.addHandler(HeardHandler(heard))
        } catch {
            promise.fail(error)
            channel.close(promise: nil)
            return promise.futureResult
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return promise.futureResult
    }

    private static func security(_ tls: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        // An address cannot be named in the handshake; the certificate is then held against the connection's own.
        do { return try NIOSSLClientHandler(context: tls, serverHostname: host) } catch let error as NIOSSLExtraError
            where error == .cannotUseIPAddressInSNI
        {
            return try NIOSSLClientHandler(context: tls, serverHostname: nil)
        }
    }

    /// Sends what comes, each piece when the one before it has left, and then ends this side alone.
    func send(_ bytes: ByteStream) {
        guard let channel = state.withLock({ $0.channel }) else { return }
        let sender = Task {
            do {
                for try await piece in bytes { try await channel.writeAndFlush(ByteBuffer(bytes: piece)).get() }
                // The other side may have ended everything meanwhile.
                try? await channel.close(mode: .output).get()
            } catch {
                self.close()
            }
        }
        state.withLock { $0.sender = sender }
        channel.closeFuture.whenComplete { _ in sender.cancel() }
    }

    /// Ends both sides.
    func close() {
        let (channel, sender) = state.withLock { state in
            state.isClosed = true
            return (state.channel, state.sender)
        }
        sender?.cancel()
        channel?.close(promise: nil)
        heard.finish(.failure(UpstreamError.cancelled))
    }
}

/// Reads the answer to the handshake. Where it is 101, takes HTTP off the connection; else hands its body on.
private final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = ByteBuffer

    private let heard: BytePipe
    private let codec: [any RemovableChannelHandler]
    private let limits: HandshakeLimits
    private let isSecure: Bool
    /// `nil` once the head was told.
    private var head: EventLoopPromise<OpenConnection.Head>?
    private var isSwitching = false
    private var timer: Scheduled<Void>?

    init(
        _ head: EventLoopPromise<OpenConnection.Head>, _ heard: BytePipe, codec: [any RemovableChannelHandler], _ limits: HandshakeLimits,
        isSecure: Bool
    ) {
        self.head = head
        self.heard = heard
        self.codec = codec
        self.limits = limits
        self.isSecure = isSecure
    }

    func handlerAdded(context: ChannelHandlerContext) { expect(isSecure ? limits.secure : limits.head, context) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent, head != nil { expect(limits.head, context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func expect(_ limit: (NIODeadline, UpstreamError), _ context: ChannelHandlerContext) {
        timer?.cancel()
        let this = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: limit.0) { this.value.0.fail(limit.1, this.value.1) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let response):
            timer?.cancel()
            isSwitching = response.status == .switchingProtocols
            var fields = HTTPFields()
            for (name, value) in response.headers {
                if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
            }
            head?.succeed(OpenConnection.Head(status: .init(code: Int(response.status.code)), fields: fields.endToEnd))
            head = nil
        case .body(let bytes): context.fireChannelRead(wrapInboundOut(bytes))
        case .end:
            if isSwitching { return takeOffHTTP(context) }
            heard.finish()
            context.close(promise: nil)
        }
    }

    /// What the decoder has read too far follows it out.
    private func takeOffHTTP(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        pipeline.removeHandler(context: context, promise: nil)
        for handler in codec {
            if let context = try? pipeline.context(handler: handler) { pipeline.removeHandler(context: context, promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(ConnectionFault.translate(error), context) }

    func channelInactive(context: ChannelHandlerContext) {
        if !isSwitching { fail(.broken("it was closed before it answered"), context) }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        head?.fail(UpstreamError.broken("it was closed before it answered"))
        head = nil
    }

    private func fail(_ error: UpstreamError, _ context: ChannelHandlerContext) {
        head?.fail(error)
        head = nil
        heard.finish(.failure(error))
        context.close(promise: nil)
    }
}

/// Brings what the upstream says to whoever reads it; where that one is behind, the socket is not read.
private final class HeardHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Any

    private let heard: BytePipe
    private var isFull = false

    init(_ heard: BytePipe) { self.heard = heard }

    func handlerAdded(context: ChannelHandlerContext) {
        let (this, eventLoop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
        heard.onRoom { eventLoop.execute { this.value.0.goOn(this.value.1) } }
    }

    private func goOn(_ context: ChannelHandlerContext) {
        isFull = false
        if context.channel.isActive { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !heard.write(Array(unwrapInboundIn(data).readableBytesView)) { isFull = true }
    }

    func read(context: ChannelHandlerContext) {
        if !isFull { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { heard.finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many servers end a secure socket without saying so first; what they said in the protocol itself tells whether they were done.
        if case .uncleanShutdown? = error as? NIOSSLError { heard.finish() } else { heard.finish(.failure(ConnectionFault.translate(error))) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { heard.finish() }

    func handlerRemoved(context: ChannelHandlerContext) {
        heard.onRoom {}
        heard.finish()
    }
}
