import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import SemanticCache
import Testing

@testable import Server

@Suite struct UpgradeWatchTests {
    private let protocolSwitch = ProtocolSwitch(listening: .seconds(60))
    private let channel: EmbeddedChannel

    init() throws {
        channel = EmbeddedChannel(handler: UpgradeWatch(protocolSwitch))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private static let webSocket: HTTPFields = [.connection: "keep-alive, Upgrade", .upgrade: "WebSocket"]

    private func ask(_ fields: HTTPFields) throws {
        try channel.writeInbound(
            HTTPRequestPart.head(HTTPRequest(method: .get, scheme: "http", authority: "x", path: "/v1/realtime", headerFields: fields)))
        try channel.writeInbound(HTTPRequestPart.end(nil))
    }

    private func answer(_ status: HTTPResponse.Status) throws -> HTTPFields? {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: status)))
        guard case .head(let head)? = try channel.readOutbound(as: HTTPResponsePart.self) else { return nil }
        return head.headerFields
    }

    private func say(_ bytes: [UInt8]) throws { try channel.writeOutbound(HTTPResponsePart.body(ByteBuffer(bytes: bytes))) }

    private func heard() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while case .body(let buffer)? = try channel.readOutbound(as: HTTPResponsePart.self) { bytes += Array(buffer.readableBytesView) }
        return bytes
    }

    private func end() throws {
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        channel.embeddedEventLoop.run()
    }

    @Test func aSocketLastsAsLongAsItsAnswer() throws {
        try ask(Self.webSocket)
        let fields = try #require(try answer(.switchingProtocols))
        #expect(fields[.connection] == "Upgrade" && fields[.upgrade] == "websocket")
        try say([0x81, 1, 7])
        #expect(try heard() == [0x81, 1, 7] && channel.isActive)
        try end()
        #expect(!channel.isActive)
    }

    /// A refusal, and a request for what is not spoken here: answered, and the connection closed.
    @Test(arguments: [webSocket, [.connection: "upgrade", .upgrade: "h2c"]])
    func theConnectionEndsWithTheAnswer(fields: HTTPFields) throws {
        try ask(fields)
        #expect(try answer(.ok)?[.connection] == "close")
        try end()
        #expect(!channel.isActive)
    }

    @Test func othersGoOn() throws {
        // Named without being asked for, it is a field like any other.
        for fields: HTTPFields in [[:], [.upgrade: "websocket"], [.connection: "keep-alive"]] {
            try ask(fields)
            #expect(try answer(.ok)?[.connection] == nil)
            try end()
            _ = try channel.readOutbound(as: HTTPResponsePart.self)
            #expect(channel.isActive)
        }
        // An answer that is still owed does not end what was asked after it.
        try ask([:])
        try ask(Self.webSocket)
        #expect(try answer(.ok)?[.connection] == nil)
        try end()
        #expect(channel.isActive)
    }

    /// Between two frames of the server's, cut wherever they may be.
    @Test(arguments: [0, 1, 2, 3, 4, 5, 6])
    func goodbyeStandsBetweenFrames(cut: Int) throws {
        let frames: [UInt8] = [0x81, 1, 7, 0x82, 2, 8, 9]
        try ask(Self.webSocket)
        _ = try answer(.switchingProtocols)
        try say(Array(frames[..<cut]))
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        try say(Array(frames[cut...]))
        try say([0x81, 0])
        let border = cut == 0 ? 0 : cut <= 3 ? 3 : 7
        #expect(try heard() == frames[..<border] + WebSocketFrames.goingAway)
    }
}
