import Cache
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Proxy
import SemanticCache
import WireFormats

/// Answers on the connection's own event loop what memory alone can answer: exact hits and refusals. Everything else goes on inwards.
///
/// A hit is worth some microseconds, and a task, two thread switches and an asynchronous sequence would each cost more than it does. So whole small
/// requests to a cached endpoint are begun here; what needs to wait for something is handed inwards as it came, with what was begun left in the
/// connection's ``ClientPresence``.
///
/// Invariants
/// - Answers leave in the order of their requests: nothing is answered here while a request that went inwards is not answered to its end.
/// - What was begun belongs to the last request that went inwards, and to no other: each head that goes inwards replaces or clears it.
final class MemoryAnswers: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What all connections share.
    struct Desk: Sendable {
        let pipeline: RequestPipeline
        let pressure: MemoryPressure
        /// The largest body that is looked at on the event loop, which serves other connections too, in bytes.
        let maximumBody: Int
    }

    private let desk: Desk
    private let presence: ClientPresence
    /// A request that is being gathered.
    private var head: HTTPRequest?
    private var body = ByteBuffer()
    /// The requests that went inwards and whose answers have not ended.
    private var underway = 0
    private var date = HTTPDate()

    init(desk: Desk, presence: ClientPresence) {
        self.desk = desk
        self.presence = presence
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            guard isWorthGathering(request), context.channel.isWritable else { return passHead(request, context: context) }
            head = request
            body.clear()
        case .body(let bytes):
            guard head != nil else { return context.fireChannelRead(data) }
            var bytes = bytes
            if body.readableBytes == 0 { body = bytes } else { body.writeBuffer(&bytes) }
            if body.readableBytes > desk.maximumBody { passGathered(context: context) }
        case .end:
            guard let request = head else { return context.fireChannelRead(data) }
            answer(request, end: data, context: context)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { underway -= 1 }
        context.write(data, promise: promise)
    }

    /// Whether the whole of it could be answered from memory. Whatever is unusual about a request is left to the other path.
    private func isWorthGathering(_ request: HTTPRequest) -> Bool {
        guard underway == 0, request.method == .post, let path = request.path, Endpoint(path: path[...]) != nil else { return false }
        var length: Int?
        // In one pass, for every request pays for it. A second length, like chunks beside one, leaves the body's end in doubt.
        for field in request.headerFields where Self.askedFor.contains(field.name) {
            switch field.name {
            case .contentLength:
                guard length == nil, let found = Int(field.value), found <= desk.maximumBody else { return false }
                length = found
            case .connection: if field.value.lowercased() == "close" { return false }
            default: return false
            }
        }
        return length != nil
    }

    /// The fields that say whether a request is usual; of chunks and expectations their being there is enough.
    private static let askedFor = FieldNames([.contentLength, .connection, .transferEncoding, .expect])

    private func answer(_ request: HTTPRequest, end: NIOAny, context: ChannelHandlerContext) {
        guard desk.pressure.level < .shedsRequests, let path = request.path else {
            passGathered(context: context)
            return context.fireChannelRead(end)
        }
        let id = RequestIDs.id(for: request.headerFields)
        let asked = ProxyRequest(
            id: id, method: request.method, path: path, fields: request.headerFields, body: .bytes(Array(body.readableBytesView)))
        switch desk.pipeline.begin(asked) {
        case .answered(var response):
            guard case .bytes(let bytes) = response.body else {
                passGathered(begun: BegunRequest(id: id, beginning: .answered(response)), context: context)
                return context.fireChannelRead(end)
            }
            head = nil
            // Added to in place: a copy of the fields would cost as much as all that is added.
            if response.fields.value(of: .xRequestID) == nil { response.fields[.xRequestID] = id }
            response.fields[.contentLength] = String(bytes.count)
            response.fields[.date] = date.text()
            context.write(wrapOutboundOut(.head(HTTPResponse(status: response.status, headerFields: response.fields))), promise: nil)
            context.write(wrapOutboundOut(.body(ByteBuffer(bytes: bytes))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .underway(let begun):
            passGathered(begun: BegunRequest(id: id, beginning: .underway(begun)), context: context)
            context.fireChannelRead(end)
        }
    }

    // MARK: Inwards

    private func passGathered(begun: BegunRequest? = nil, context: ChannelHandlerContext) {
        guard let request = head else { return }
        head = nil
        passHead(request, begun: begun, context: context)
        if body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(body))) }
        body.clear()
    }

    private func passHead(_ request: HTTPRequest, begun: BegunRequest? = nil, context: ChannelHandlerContext) {
        underway += 1
        presence.handOn(begun)
        context.fireChannelRead(wrapInboundOut(.head(request)))
    }
}
