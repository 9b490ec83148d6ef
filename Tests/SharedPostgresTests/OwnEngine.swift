import Foundation
@testable import SharedPostgres
import Testing

/// A PostgreSQL of one test's own, which it may kill.
struct OwnEngine {
    let folder: URL
    let port: Int
    let process: Int32
    private let words: [String]

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    private static let starter = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Engines/postgres.py").path

    private static let packages: String = {
        let environment = ProcessInfo.processInfo.environment
        return (environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "/root")/.cache") + "/reprise/engines/packages"
    }()

    private struct Started: Decodable {
        let pid: Int32
        let port: Int
    }

    /// Starts one with an empty folder, as `Tests/Engines/postgres.py` says.
    static func start(_ words: String...) throws -> OwnEngine {
        // Below a folder that is open to others: PostgreSQL does not run as root.
        let folder = URL(filePath: "/tmp/reprise-postgres-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        return try start(in: folder, words)
    }

    private static func start(in folder: URL, _ words: [String]) throws -> OwnEngine {
        let line = try python(["start", "--data", folder.appending(path: "data").path, "--packages", packages] + words)
        let started = try JSONDecoder().decode(Started.self, from: line)
        return OwnEngine(folder: folder, port: started.port, process: started.pid, words: words)
    }

    private static func python(_ words: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", starter] + words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw NotStarted(description: String(decoding: complaint, as: UTF8.self)) }
        return data
    }

    /// Ends it as a crash does, and what it started.
    func kill() throws {
        _ = try Self.python(["stop", "--data", folder.appending(path: "data").path, "--signal", "KILL"])
    }

    /// Starts it again on what it left.
    func restarted() throws -> OwnEngine { try Self.start(in: folder, words + ["--port", "\(port)"]) }

    func remove() {
        _ = try? Self.python(["stop", "--data", folder.appending(path: "data").path])
        try? FileManager.default.removeItem(at: folder)
    }

    var certificate: String { folder.appending(path: "data/cluster/server.crt").path }

    func url(user: String = "reprise", options: String = "") -> String { "postgres://\(user)@127.0.0.1:\(port)/postgres\(options)" }
}
