import Foundation
import Telemetry

/// What the system says of this process, under the names that Prometheus' own client libraries use. Linux only; elsewhere nothing is written.
enum ProcessFigures {
    static func write(to out: inout Exposition) {
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            // The program's name stands in brackets and may hold anything.
            let fields = stat.range(of: ") ", options: .backwards).map({ stat[$0.upperBound...].split(separator: " ") }), fields.count > 21
        else { return }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        if let user = Double(fields[11]), let system = Double(fields[12]), ticks > 0 {
            out.single("process_cpu_seconds_total", .counter, "User and system time spent.", (user + system) / ticks)
        }
        if let start = Double(fields[19]), let boot = bootTime, ticks > 0 {
            out.single("process_start_time_seconds", .gauge, "Start of the process since 1970.", boot + start / ticks)
        }
        if let pages = Int(fields[21]) {
            out.single("process_resident_memory_bytes", .gauge, "Resident memory.", pages * Int(sysconf(Int32(_SC_PAGESIZE))))
        }
        if let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            out.single("process_open_fds", .gauge, "Open file descriptors.", descriptors.count)
        }
    }

    private static let bootTime: Double? = {
        guard let stat = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return nil }
        return stat.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst("btime ".count)) }
    }()
}
