import Dispatch
import Foundation
import Glibc
import Synchronization

/// Takes lines from any thread at once and writes them behind: the callers never wait for a terminal, a pipe or a disk.
///
/// Lines are kept in the order in which they came and written in one piece; when the other end does not follow, further ones are dropped and
/// counted. Writing happens on a queue of its own, because it may block. What waits at the end of the program is written by ``close()``.
final class LineSink: Sendable {
    /// Where the lines go.
    enum Target: Sendable {
        case standardError
        /// Opened for adding, mode 600; opened again when the file was moved or removed, which is looked at before lines are written and in between.
        case file(String)
    }

    private struct Opened {
        let descriptor: Int32
        let identity: FileIdentity?
    }

    private struct State {
        var waiting: [UInt8] = []
        var isScheduled = false
        var dropped = 0
    }

    private let target: Target
    private let limit: Int
    private let delay: DispatchTimeInterval
    private let queue = DispatchQueue(label: "reprise.lines")
    private let state = Mutex(State())
    private let opened: Mutex<Opened>

    /// Throws ``LineSinkError`` when the file cannot be opened.
    ///
    /// - Parameters:
    ///   - limit: the most bytes that may wait.
    ///   - delay: how long a line may wait for more to be written with it.
    ///   - watch: how often a file is looked for at its path.
    init(
        _ target: Target, limit: Int = 4 << 20, delay: DispatchTimeInterval = .milliseconds(20), watch: DispatchTimeInterval = .seconds(5)
    ) throws(LineSinkError) {
        self.target = target
        self.limit = limit
        self.delay = delay
        switch target {
        case .standardError: opened = Mutex(Opened(descriptor: STDERR_FILENO, identity: nil))
        case .file(let path):
            opened = Mutex(try Self.open(path))
            look(every: watch)
        }
    }

    /// Lets go of a file that was moved or removed also when there are no lines to write: what holds it keeps its room on the disk.
    private func look(every interval: DispatchTimeInterval) {
        queue.asyncAfter(deadline: .now() + interval) { [weak self] in
            guard let self else { return }
            _ = current()
            look(every: interval)
        }
    }

    /// The lines that were dropped.
    var dropped: Int { state.withLock { $0.dropped } }

    /// Queues a line, with its line feed.
    func add(_ line: [UInt8]) {
        let isFirst = state.withLock { state in
            guard state.waiting.count + line.count <= limit else {
                state.dropped += 1
                return false
            }
            state.waiting += line
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isFirst { queue.asyncAfter(deadline: .now() + delay) { self.drain() } }
    }

    /// Writes what waits; returns when it is written, or the other end did not take it within a second.
    func close() async {
        await withCheckedContinuation { continuation in
            queue.async {
                self.drain(patience: 1000)
                continuation.resume()
            }
        }
    }

    /// - Parameter patience: how long to wait for the other end, in milliseconds; negative waits for ever.
    private func drain(patience: Int32 = -1) {
        let bytes = state.withLock { state in
            defer {
                state.waiting = []
                state.isScheduled = false
            }
            return state.waiting
        }
        guard !bytes.isEmpty else { return }
        let descriptor = current()
        var written = 0
        while written < bytes.count {
            if patience >= 0 {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard Glibc.poll(&poll, 1, patience) > 0 else { break }
            }
            // A pipe takes 4096 bytes at once when it says that it takes any: more could block.
            let end = patience >= 0 ? min(bytes.count, written + 4096) : bytes.count
            let count = bytes[written..<end].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Glibc.poll(&poll, 1, 1000)
            } else if errno != EINTR {
                break
            }
        }
        if written < bytes.count {
            let lost = bytes[written...].count { $0 == UInt8(ascii: "\n") }
            state.withLock { $0.dropped += lost }
        }
    }

    /// The descriptor, a new one where the path no longer leads to the file that was opened.
    private func current() -> Int32 {
        guard case .file(let path) = target else { return STDERR_FILENO }
        return opened.withLock { opened in
            guard FileIdentity(path) != opened.identity, let new = try? Self.open(path) else { return opened.descriptor }
            Glibc.close(opened.descriptor)
            opened = new
            return new.descriptor
        }
    }

    private static func open(_ path: String) throws(LineSinkError) -> Opened {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LineSinkError(path: path, reason: String(cString: strerror(errno))) }
        return Opened(descriptor: descriptor, identity: FileIdentity(path))
    }
}

/// Which file a path leads to; `nil` when it leads to none.
private struct FileIdentity: Equatable {
    private let volume: Int
    private let number: Int

    init?(_ path: String) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path), let volume = attributes[.systemNumber] as? NSNumber,
            let number = attributes[.systemFileNumber] as? NSNumber
        else { return nil }
        self.volume = volume.intValue
        self.number = number.intValue
    }
}

/// A file that cannot be opened for adding.
struct LineSinkError: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "'\(path)' cannot be opened for adding lines: \(reason)" }
}
