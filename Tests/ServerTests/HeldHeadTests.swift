import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
@testable import Server
import Testing

/// What leaves with one flush, and what a head does not wait for.
struct HeldHeadTests {
    private let channel: NIOAsyncTestingChannel

    init() async throws {
        channel = try await NIOAsyncTestingChannel { channel in
            try channel.pipeline.syncOperations.addHandler(HeldHead(patience: .milliseconds(2)))
        }
        try await channel.connect(to: .init(ipAddress: "127.0.0.1", port: 1)).get()
    }

    private func send(_ part: HTTPResponsePart) { channel.writeAndFlush(part, promise: nil) }

    /// How many parts have left.
    private func sent() async throws -> Int {
        var count = 0
        while try await channel.readOutbound(as: HTTPResponsePart.self) != nil { count += 1 }
        return count
    }

    private static let head = HTTPResponsePart.head(HTTPResponse(status: .ok))
    private static let pieces: [HTTPResponsePart] = [.body(ByteBuffer(string: "x")), .end(nil)]

    @Test(arguments: pieces) func aHeadLeavesWithWhatFollowsIt(piece: HTTPResponsePart) async throws {
        for _ in 0..<2 {
            send(Self.head)
            #expect(try await sent() == 0)
            send(piece)
            #expect(try await sent() == 2)
        }
    }

    @Test func aHeadWithoutABodyInSightGoesAlone() async throws {
        send(Self.head)
        await channel.testingEventLoop.advanceTime(by: .milliseconds(1))
        #expect(try await sent() == 0)
        await channel.testingEventLoop.advanceTime(by: .milliseconds(1))
        #expect(try await sent() == 1)
        send(Self.pieces[0])
        #expect(try await sent() == 1)
    }

    /// The timer of a head that has left does not hurry the next one.
    @Test func eachHeadHasItsOwnTime() async throws {
        send(Self.head)
        for piece in Self.pieces { send(piece) }
        #expect(try await sent() == 3)
        await channel.testingEventLoop.advanceTime(by: .milliseconds(1))
        send(Self.head)
        await channel.testingEventLoop.advanceTime(by: .milliseconds(1))
        #expect(try await sent() == 0)
        await channel.testingEventLoop.advanceTime(by: .milliseconds(1))
        #expect(try await sent() == 1)
    }

    @Test func closingLetsTheHeadGo() async throws {
        send(Self.head)
        try await channel.close()
        #expect(try await sent() == 1)
    }
}
