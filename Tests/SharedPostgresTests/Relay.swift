import Foundation
import Synchronization
import Testing

/// Stands between a client and an engine, and can stop handing on what comes, or hand on something else.
final class Relay: Sendable {
    enum Mode: Sendable {
        /// What comes from either side goes to the other.
        case open
        /// Nothing goes any more, and nobody is told.
        case silent
        /// The client is told this instead of what the engine says.
        case rubbish([UInt8])
    }

    let port: Int
    private let listener: Int32
    private let engine: Int?
    private let mode: Mutex<Mode>
    private let descriptors = Mutex<[Int32]>([])

    /// - Parameter engine: the port of the engine; `nil` where there is none.
    init(to engine: Int?, _ mode: Mode) throws {
        self.engine = engine
        self.mode = Mutex(mode)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0 }
        }
        try #require(bound && listen(listener, 16) == 0)
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in accept() }
    }

    func set(_ mode: Mode) { self.mode.withLock { $0 = mode } }

    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        Foundation.close(listener)
        for descriptor in descriptors.withLock({ $0 }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = UInt16(port).bigEndian
        return address
    }

    private func accept() {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            guard client >= 0 else { return }
            var server: Int32 = -1
            if let engine {
                server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                var address = Self.loopback(engine)
                let size = socklen_t(MemoryLayout<sockaddr_in>.size)
                _ = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(server, $0, size) } }
            }
            descriptors.withLock { $0 += [client, server] }
            Thread.detachNewThread { [self, server] in hand(from: client, to: server, isAnswer: false) }
            if server >= 0 { Thread.detachNewThread { [self, server] in hand(from: server, to: client, isAnswer: true) } }
        }
    }

    private func hand(from source: Int32, to sink: Int32, isAnswer: Bool) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { break }
            switch mode.withLock({ $0 }) {
            case .open: _ = send(sink, buffer, count, Int32(MSG_NOSIGNAL))
            case .silent: break
            case .rubbish(let bytes): _ = send(isAnswer ? sink : source, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
        }
        if sink >= 0 { shutdown(sink, Int32(SHUT_RDWR)) }
    }
}
