import NIOCore
import NIOPosix
import Synchronization

/// A listening socket that says what a test wants, on a free loopback port.
final class ScriptedRedis: Sendable {
    /// What is said to the commands heard on a connection, which count from 1; `nil` ends the connection. Commands are heard whole, however TCP cuts them.
    typealias Script = @Sendable (_ connection: Int, _ heard: [UInt8]) -> [UInt8]?

    private let channel: any Channel
    private let counter: Accepted
    var url: String { "redis://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var connections: Int { counter.count.withLock { $0 } }

    private final class Accepted: Sendable { let count = Mutex(0) }

    /// - Parameter hangingUp: ends each connection once it has said something.
    static func run(_ script: @escaping Script, hangingUp: Bool = false, _ body: (ScriptedRedis) async throws -> Void) async throws {
        let server = try await ScriptedRedis(script, hangingUp)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(server)) } catch { outcome = .failure(error) }
        try await server.channel.close()
        try outcome.get()
    }

    private init(_ script: @escaping Script, _ hangingUp: Bool) async throws {
        let counter = Accepted()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = counter.count.withLock {
                        $0 += 1
                        return $0
                    }
                    try channel.pipeline.syncOperations.addHandler(Handler(number, script, hangingUp))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.counter = counter
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let number: Int
        private let script: Script

        private let hangingUp: Bool
        private var pending: [UInt8] = []

        init(_ number: Int, _ script: @escaping Script, _ hangingUp: Bool) {
            self.number = number
            self.script = script
            self.hangingUp = hangingUp
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            pending += unwrapInboundIn(data).readableBytesView
            let heard = Array(pending[..<Self.endOfLastCommand(in: pending)])
            guard !heard.isEmpty else { return }
            pending.removeFirst(heard.count)
            guard let answer = script(number, heard) else { return context.close(promise: nil) }
            if !answer.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer)), promise: nil) }
            if hangingUp { context.close(promise: nil) }
        }

        /// Behind the last command that is there to its end.
        private static func endOfLastCommand(in bytes: [UInt8]) -> Int {
            var (end, position) = (0, 0)
            /// The number behind a mark of one byte, to the end of its line.
            func number() -> Int? {
                guard position < bytes.count, let lineEnd = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                defer { position = lineEnd + 1 }
                return Int(String(decoding: bytes[(position + 1)..<(lineEnd - 1)], as: UTF8.self))
            }
            while let parts = number() {
                for _ in 0..<parts {
                    guard let length = number(), position + length + 2 <= bytes.count else { return end }
                    position += length + 2
                }
                end = position
            }
            return end
        }
    }
}
