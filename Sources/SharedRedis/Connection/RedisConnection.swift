import NIOCore
import NIOSSL
import SemanticCache

/// A call that waits for its answers. Belongs to one event loop.
final class RedisCall {
    let commands: RedisCommands
    private var promise: EventLoopPromise<[RESPValue]>?
    private var timer: Scheduled<Void>?
    fileprivate var answers: [RESPValue] = []
    fileprivate var sentAt = NIODeadline.now()

    /// - Parameter onTimeout: told when nothing but the time ended the call.
    init(
        _ commands: RedisCommands, _ promise: EventLoopPromise<[RESPValue]>, until deadline: NIODeadline, on loop: any EventLoop,
        onTimeout: @escaping () -> Void
    ) {
        self.commands = commands
        self.promise = promise
        let this = NIOLoopBound((self, onTimeout), eventLoop: loop)
        timer = loop.scheduleTask(deadline: deadline) {
            this.value.0.finish(.failure(SharedTierError.timedOut))
            this.value.1()
        }
    }

    var isWaiting: Bool { promise != nil }

    func finish(_ outcome: Result<[RESPValue], any Error>) {
        timer?.cancel()
        timer = nil
        promise?.completeWith(outcome)
        promise = nil
    }
}

/// One connection: commands go out as they come, answers come in the same order, pushes are told apart by their type. Belongs to one event loop.
final class RedisConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let onPush: @Sendable () -> Void
    private let onEnd: (RedisConnection) -> Void
    private var parser = RESPParser()
    private var received = ByteBuffer()
    private var waiting: CircularBuffer<RedisCall> = []
    private var heardAt = NIODeadline.now()
    private var context: ChannelHandlerContext?
    private(set) var fault: SharedTierError?

    init(onPush: @escaping @Sendable () -> Void, onEnd: @escaping (RedisConnection) -> Void) {
        self.onPush = onPush
        self.onEnd = onEnd
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.unreachable("the connection was closed"))
        self.context = nil
    }

    // MARK: Calls

    func send(_ call: RedisCall) {
        // One whose time is over is not sent at all.
        guard call.isWaiting else { return }
        guard let context, fault == nil else { return call.finish(.failure(fault ?? .unreachable("the connection was closed"))) }
        call.sentAt = .now()
        waiting.append(call)
        context.writeAndFlush(wrapOutboundOut(call.commands.bytes), promise: nil)
    }

    /// Gives the connection up when nothing at all has come for `limit` though answers are due.
    func endIfSilent(for limit: TimeAmount) {
        guard let oldest = waiting.first else { return }
        let now = NIODeadline.now()
        if now - max(oldest.sentAt, heardAt) > limit { end(.unreachable("it does not answer")) }
    }

    /// Fails whoever waits.
    func end(_ reason: SharedTierError) {
        guard fault == nil else { return }
        var fault = reason
        // A server that lets nobody in says so, and closes.
        if case .unreachable = reason, case .error(let message)? = waiting.first?.answers.last { fault = RedisFault.of(message) }
        self.fault = fault
        let unanswered = waiting
        waiting = []
        for call in unanswered { call.finish(.failure(fault)) }
        onEnd(self)
        context?.close(promise: nil)
    }

    // MARK: Answers

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard fault == nil else { return }
        var bytes = unwrapInboundIn(data)
        heardAt = .now()
        if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
        do throws(RESPFault) {
            while fault == nil, let value = try parser.next(&received) { take(value) }
        } catch {
            // The first byte of an alert: the server took what we said for a broken handshake.
            end(error.description.hasSuffix("byte 21") ? .refused("it speaks TLS: write rediss:// in the URL") : .garbled(error.description))
        }
        if received.readableBytes == 0 { received = ByteBuffer() } else { received.discardReadBytes() }
    }

    private func take(_ value: RESPValue) {
        if case .push = value { return onPush() }
        guard let call = waiting.first else {
            // Servers say so why they close a connection that asked nothing yet.
            if case .error(let message) = value { return end(RedisFault.of(message)) }
            return end(.garbled("an answer that nobody asked for"))
        }
        call.answers.append(value)
        guard call.answers.count == call.commands.count else { return }
        waiting.removeFirst()
        call.finish(.success(call.answers))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.unreachable("the connection was closed"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many servers end a secure socket without saying so first.
        if case .uncleanShutdown? = error as? NIOSSLError { return end(.unreachable("the connection was closed")) }
        end(RedisFault.of(error))
    }
}
