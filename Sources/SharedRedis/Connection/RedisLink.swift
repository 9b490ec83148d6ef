import NIOCore
import NIOPosix
import NIOSSL
import SemanticCache

/// A connection that is made when it is first needed, and anew by the next call after it broke. All calls on it are one pipeline.
///
/// A call never waits longer than its deadline, whatever the engine does; what comes too late is dropped. When a connection breaks, all that wait on it
/// throw ``SharedTierError/unreachable(_:)``: whether they were carried out is not known.
final class RedisLink: Sendable {
    /// For name, connection, TLS and greeting together.
    private static let connectLimit = TimeAmount.seconds(2)
    /// How long answers may be due without a byte before a connection is given up.
    private static let silenceLimit = TimeAmount.seconds(1)

    private enum State {
        case idle
        /// With what is to be sent once the connection is made.
        case connecting([RedisCall])
        case connected(RedisConnection, greeting: RESPValue)
        case closed
    }

    private let configuration: RedisConfiguration
    private let channel: String?
    private let onPush: @Sendable () -> Void
    private let loop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    /// - Parameter channel: what is subscribed to as soon as there is a connection.
    init(_ configuration: RedisConfiguration, subscribingTo channel: String? = nil, onPush: @escaping @Sendable () -> Void = {}) {
        self.configuration = configuration
        self.channel = channel
        self.onPush = onPush
        loop = MultiThreadedEventLoopGroup.singleton.next()
        state = .makeBoxSendingValue(.idle, eventLoop: loop)
    }

    /// The answers in the order of the commands, errors among them.
    func call(_ commands: RedisCommands, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> [RESPValue] {
        let left = deadline - .now
        guard left > .zero else { throw .timedOut }
        let end = NIODeadline.now() + .nanoseconds(Int64(min(left, .seconds(3600)).inSeconds * 1e9))
        let promise = loop.makePromise(of: [RESPValue].self)
        loop.execute {
            self.start(RedisCall(commands, promise, until: end, on: self.loop) { self.timedOut() })
        }
        do { return try await promise.futureResult.get() } catch { throw RedisFault.of(error) }
    }

    /// What the server says of itself: the answer to `HELLO` on the present connection.
    func greeting(until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> RESPValue {
        _ = try await call(RedisCommands(["PING"]), until: deadline)
        do {
            return try await loop.submit {
                guard case .connected(_, let greeting) = self.state.value else { throw SharedTierError.unreachable("the connection was closed") }
                return greeting
            }.get()
        } catch {
            throw RedisFault.of(error)
        }
    }

    /// Ends the connection, for good.
    func close() async {
        try? await loop.submit {
            let before = self.state.value
            self.state.value = .closed
            switch before {
            case .connecting(let calls): for call in calls { call.finish(.failure(SharedTierError.unreachable("closed"))) }
            case .connected(let connection, _): connection.end(.unreachable("closed"))
            case .idle, .closed: break
            }
        }.get()
    }

    // MARK: On the event loop

    private func start(_ call: RedisCall) {
        switch state.value {
        case .idle:
            state.value = .connecting([call])
            connect()
        case .connecting(let calls): state.value = .connecting(calls.filter(\.isWaiting) + [call])
        case .connected(let connection, _): connection.send(call)
        case .closed: call.finish(.failure(SharedTierError.unreachable("closed")))
        }
    }

    private func timedOut() {
        if case .connected(let connection, _) = state.value { connection.endIfSilent(for: Self.silenceLimit) }
    }

    private func connect() {
        let made = loop.makePromise(of: RESPValue.self)
        let connection = RedisConnection(onPush: onPush) { [weak self] in self?.ended($0) }
        let bound = NIOLoopBound(connection, eventLoop: loop)
        do {
            let tls = try security()
            let host = configuration.host
            ClientBootstrap(group: loop).connectTimeout(Self.connectLimit)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1).channelOption(.socketOption(.so_keepalive), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls { try channel.pipeline.syncOperations.addHandler(Self.handler(tls, host: host)) }
                        try channel.pipeline.syncOperations.addHandler(bound.value)
                    }
                }
                .connect(host: host, port: configuration.port)
                .whenComplete { result in
                    switch result {
                    case .success: self.greet(bound.value, made)
                    case .failure(let error): made.fail(error)
                    }
                }
        } catch {
            made.fail(error)
        }
        made.futureResult.whenComplete { self.connected(bound.value, $0) }
    }

    private func security() throws -> NIOSSLContext? {
        guard configuration.isSecure else { return nil }
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = configuration.caFile { tls.trustRoots = .file(file) }
        do { return try NIOSSLContext(configuration: tls) } catch {
            throw SharedTierError.refused("the certificates to trust cannot be read\(configuration.caFile.map { " from \($0)" } ?? ""): \(error)")
        }
    }

    private static func handler(_ tls: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        // An address cannot be named in the handshake; the certificate is then held against the connection's own.
        do { return try NIOSSLClientHandler(context: tls, serverHostname: host) } catch let error as NIOSSLExtraError
            where error == .cannotUseIPAddressInSNI
        {
            return try NIOSSLClientHandler(context: tls, serverHostname: nil)
        }
    }

    /// Names version, user, password, database and channel, in one go.
    private func greet(_ connection: RedisConnection, _ made: EventLoopPromise<RESPValue>) {
        var hello: [RedisCommands.Word] = ["HELLO", "3"]
        if let user = configuration.user { hello += ["AUTH", .text(user), .text(configuration.password ?? "")] }
        var commands = RedisCommands(hello)
        if configuration.database != 0 { commands.append(["SELECT", .number(configuration.database)]) }
        if let channel { commands.appendUnanswered(["SUBSCRIBE", .text(channel)]) }
        // Where the subscription is refused, the refusal comes before this one's answer.
        commands.append(["PING"])
        let answers = loop.makePromise(of: [RESPValue].self)
        connection.send(RedisCall(commands, answers, until: .now() + Self.connectLimit, on: loop, onTimeout: {}))
        answers.futureResult.flatMapErrorThrowing {
            throw $0 as? SharedTierError == .timedOut ? SharedTierError.unreachable("it does not answer to HELLO") : $0
        }.flatMapThrowing { answers in
            for answer in answers { _ = try answer.orThrow() }
            guard case .map = answers[0], answers[0]["proto"]?.number == 3 else { throw SharedTierError.garbled("HELLO is not answered in RESP3") }
            return answers[0]
        }.cascade(to: made)
    }

    private func connected(_ connection: RedisConnection, _ outcome: Result<RESPValue, any Error>) {
        guard case .connecting(let calls) = state.value else { return connection.end(.unreachable("closed")) }
        switch outcome {
        case .success(let greeting) where connection.fault == nil:
            state.value = .connected(connection, greeting: greeting)
            for call in calls { connection.send(call) }
        default:
            var fault = connection.fault ?? .unreachable("the connection was closed")
            if case .failure(let error) = outcome { fault = RedisFault.of(error) }
            state.value = .idle
            connection.end(fault)
            for call in calls { call.finish(.failure(fault)) }
        }
    }

    private func ended(_ connection: RedisConnection) {
        if case .connected(let current, _) = state.value, current === connection { state.value = .idle }
    }
}
