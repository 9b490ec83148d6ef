import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Proxy

/// One connection, from bytes to requests: Hummingbird's HTTP/1.1 channel with handlers of this program in it.
///
/// From the socket inwards: ``ProtocolSwitch``, HTTP codec, ``HeldHead``, ``UpgradeWatch``, ``ConnectionWatch``, Hummingbird's idle time and graceful end, ``MemoryAnswers``, then the requests
/// that need to wait for something as an asynchronous sequence.
struct ProxyChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: HTTPChannelHandler.Responder
    let decoder: NIOHTTPDecoderLimitConfiguration
    let limits: ConnectionLimits
    let idleTimeout: Duration
    let presences: ClientPresences
    let desk: MemoryAnswers.Desk

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let protocolSwitch = ProtocolSwitch(listening: limits.writeTimeout)
            let presence = ClientPresence(bytes: protocolSwitch.bytes)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(protocolSwitch)
            // Requests in a row wait in the asynchronous channel. Hummingbird's types have validated every header that goes out.
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false, withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: decoder)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(HeldHead())
            try pipeline.addHandler(UpgradeWatch(protocolSwitch))
            try pipeline.addHandler(ConnectionWatch(presence: presence, presences: presences, limits: limits))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: idleTimeout, logger: logger))
            try pipeline.addHandler(MemoryAnswers(desk: desk, presence: presence))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    func handle(value: Value, logger: Logger) async {
        let executor = EventLoopExecutor(value.channel.eventLoop)
        await withTaskExecutorPreference(executor) {
            await RequestExecutor.$current.withValue(executor) { await handleHTTP(asyncChannel: value, logger: logger) }
        }
    }
}
