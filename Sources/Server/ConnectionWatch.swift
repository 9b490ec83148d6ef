import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Proxy

/// What one connection may take in time, and how many there may be.
struct ConnectionLimits: Sendable {
    /// For the rest of a head that has begun; for the next piece of a body.
    var readTimeout: TimeAmount
    /// For a client that does not take what is written to it.
    var writeTimeout: TimeAmount
    /// Connections that are served; further ones are told so and closed.
    var maximumConnections: Int
    /// A body must bring this many bytes for each second of waiting beyond `readTimeout`, so that one byte now and then does not hold a place.
    var leastBytesPerSecond = 1024
}

/// Watches one connection from inside its pipeline: tells when the client leaves, turns it away when there are too many, and ends it when its request
/// stops coming or its response is not taken.
///
/// The clock for a body runs only while the server wants more of it (`read` went out and nothing came back), so an upload that the upstream
/// slows down is not blamed on the client. The clock for a head runs from its first bytes on, however they trickle in.
final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let presences: ClientPresences
    private let presence: ClientPresence
    private let limits: ConnectionLimits
    private var isRefused = false
    /// Since when a head is coming in; `nil` while none is.
    private var headSince: NIODeadline?
    /// From a request's head to its response's end.
    private var isAnswering = false
    private var isInBody = false
    /// Since when the server waits for a piece of a body; `nil` while it does not.
    private var waitingSince: NIODeadline?
    /// How long it waited for pieces of this body that have come.
    private var waited = TimeAmount.zero
    private var bodyBytes = 0
    /// Since when the client has not taken what was written.
    private var unwritableSince: NIODeadline?
    private var timer: RepeatedTask?

    init(presence: ClientPresence, presences: ClientPresences, limits: ConnectionLimits) {
        self.presence = presence
        self.presences = presences
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        isRefused = presences.add(presence, for: context.channel) > limits.maximumConnections
        if isRefused { headSince = .now() }
        startTimer(context: context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isRefused {
            if case .head = part { refuse(context: context) }
            return
        }
        switch part {
        case .head:
            headSince = nil
            isAnswering = true
            isInBody = true
            waited = .zero
            bodyBytes = 0
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            if let since = waitingSince { waited = waited + (.now() - since) }
        case .end:
            isInBody = false
        }
        waitingSince = nil
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Bytes came, and no head is complete: one is on its way.
        if !isAnswering, headSince == nil { headSince = .now() }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isInBody, waitingSince == nil { waitingSince = .now() }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { isAnswering = false }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
        context.fireChannelWritabilityChanged()
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

    /// Answers without bothering the rest of the server, and closes.
    private func refuse(context: ChannelHandlerContext) {
        let answer = ErrorResponse.overloaded("More clients are connected than this proxy serves at once (server.max_connections).")
        guard case .bytes(let body) = answer.body else { return }
        var fields = answer.fields
        fields[.contentLength] = String(body.count)
        fields[.connection] = "close"
        context.write(wrapOutboundOut(.head(HTTPResponse(status: answer.status, headerFields: fields))), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: nil)
        let channel = context.channel
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
        written.futureResult.whenComplete { _ in channel.close(promise: nil) }
    }

    // MARK: Time

    /// One coarse timer a connection: cheaper than one a request.
    private func startTimer(context: ChannelHandlerContext) {
        let shortest = min(limits.readTimeout, limits.writeTimeout)
        let interval = TimeAmount.nanoseconds(min(max(shortest.nanoseconds / 4, 1_000_000), 5_000_000_000))
        let channel = context.channel
        // The handler lives on this event loop, as does the task.
        let watch = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            if watch.value.isOverdue(at: .now()) { channel.close(promise: nil) }
        }
    }

    private func isOverdue(at now: NIODeadline) -> Bool {
        if let since = unwritableSince, now - since > limits.writeTimeout { return true }
        if let since = headSince, !isAnswering, now - since > (isRefused ? .seconds(2) : limits.readTimeout) { return true }
        guard isInBody, let since = waitingSince else { return false }
        let earned = TimeAmount.milliseconds(Int64(bodyBytes) * 1000 / Int64(limits.leastBytesPerSecond))
        return now - since > limits.readTimeout || waited + (now - since) > limits.readTimeout + earned
    }
}
