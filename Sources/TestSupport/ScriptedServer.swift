import Foundation
import Glibc
import Synchronization

/// An HTTP peer whose every byte is scripted: a thread a connection, raw writes, chosen moments, sudden ends. Listens on a free loopback port.
package final class ScriptedServer: Sendable {
    /// One request as it came.
    package struct Request: Sendable {
        /// The request line and all header lines, as they came.
        package let head: [String]
        package let body: [UInt8]

        package var method: String { head.first?.split(separator: " ").first.map(String.init) ?? "" }
        package var target: String { head.first?.split(separator: " ").dropFirst().first.map(String.init) ?? "" }

        /// The values of a field, in order.
        package func values(_ name: String) -> [String] {
            head.dropFirst().compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
    }

    /// The side of a connection that a script writes to.
    package final class Connection: Sendable {
        fileprivate let descriptor: Int32
        private let written = Mutex(0)

        fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

        /// How many bytes were taken by the system so far.
        package var bytesWritten: Int { written.withLock { $0 } }

        /// Writes all of it; `false` when the peer is gone.
        @discardableResult
        package func write(_ text: String) -> Bool { write(Array(text.utf8)) }

        /// Writes all of it; `false` when the peer is gone.
        @discardableResult
        package func write(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { return false }
                sent += count
                written.withLock { $0 += count }
            }
            return true
        }

        /// A whole response with its length.
        package func respond(_ status: String = "200 OK", fields: String = "", body: String = "") {
            write("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }

        /// Ends the connection with a reset instead of a clean close.
        package func reset() {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        }

        /// Waits until the peer closes, at most `seconds`; whether it did.
        package func waitForClose(seconds: Double) -> Bool {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let end = Date().addingTimeInterval(seconds)
            var byte: UInt8 = 0
            while Date() < end {
                guard Glibc.poll(&poll, 1, 50) > 0 else { continue }
                if recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) <= 0 { return true }
            }
            return false
        }
    }

    /// What the server does with a request; `true` keeps the connection.
    package typealias Script = @Sendable (Request, Connection) -> Bool

    private struct State {
        var requests: [Request] = []
        var connections = 0
        var isClosed = false
    }

    package let port: Int
    private let listener: Int32
    private let script: Script
    private let state = Mutex(State())

    /// Starts listening.
    package init(_ script: @escaping Script) throws {
        self.script = script
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0 }
        }
        guard bound, listen(listener, 512) == 0 else { throw CocoaError(.fileReadUnknown) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [weak self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                guard let self else {
                    Glibc.close(descriptor)
                    return
                }
                self.state.withLock { $0.connections += 1 }
                Thread { self.serve(descriptor) }.start()
            }
        }.start()
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// `http://127.0.0.1:PORT`.
    package var url: String { "http://127.0.0.1:\(port)" }
    /// Everything that came, in order.
    package var requests: [Request] { state.withLock { $0.requests } }
    /// How many connections were made.
    package var connections: Int { state.withLock { $0.connections } }

    private func serve(_ descriptor: Int32) {
        defer { Glibc.close(descriptor) }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout.size(ofValue: one)))
        let connection = Connection(descriptor)
        var buffer: [UInt8] = []
        while let request = Self.read(descriptor, &buffer) {
            state.withLock { $0.requests.append(request) }
            guard script(request, connection) else { return }
        }
    }

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Request? {
        func fill() -> Bool {
            var part = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &part, part.count, 0)
            guard count > 0 else { return false }
            buffer += part[..<count]
            return true
        }
        let end = Array("\r\n\r\n".utf8)
        var headEnd: Int?
        while headEnd == nil {
            headEnd = buffer.indices.first { buffer[$0...].starts(with: end) }
            if headEnd == nil, !fill() { return nil }
        }
        guard let headEnd else { return nil }
        let head = String(decoding: buffer[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        buffer.removeFirst(headEnd + 4)
        let bare = Request(head: head, body: [])
        var body: [UInt8] = []
        if let length = bare.values("Content-Length").first.flatMap(Int.init) {
            while buffer.count < length { if !fill() { return nil } }
            body = Array(buffer[..<length])
            buffer.removeFirst(length)
        } else if bare.values("Transfer-Encoding").contains("chunked") {
            while true {
                while !buffer.contains(0x0A) { if !fill() { return nil } }
                guard let line = buffer.firstIndex(of: 0x0A) else { return nil }
                let size = Int(String(decoding: buffer[..<line], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines), radix: 16) ?? 0
                buffer.removeFirst(line + 1)
                while buffer.count < size + 2 { if !fill() { return nil } }
                body += buffer[..<size]
                buffer.removeFirst(size + 2)
                if size == 0 { break }
            }
        }
        return Request(head: head, body: body)
    }
}
