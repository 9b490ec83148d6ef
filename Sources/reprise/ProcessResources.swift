import Foundation
import Glibc

/// What the machine or the container gives the process.
enum ProcessResources {
    /// Allows as many open files as the system lets the process have; returns how many.
    static func raiseFileLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        let current = limit.rlim_cur
        limit.rlim_cur = min(limit.rlim_max, 1 << 20)
        if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { return Int(clamping: current) }
        return Int(clamping: limit.rlim_cur)
    }

    /// The process's resident memory in bytes; zero where the system does not tell.
    static func residentBytes() -> Int {
        guard let text = contents(of: "/proc/self/statm"), let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            return 0
        }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The memory that the machine has, or the container's share of it; `nil` where the system does not tell.
    static func availableBytes() -> Int? {
        var bytes: Int?
        if let line = contents(of: "/proc/meminfo")?.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") }) {
            bytes = line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
        }
        for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
            guard let text = contents(of: path), let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else { continue }
            bytes = min(bytes ?? limit, limit)
        }
        return bytes
    }

    private static func contents(of path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
