import Foundation
import Glibc
import SemanticCache
import TestSupport
import Testing

@testable import SharedRedis

/// The engines that `Scripts/test` starts, and names in them that nobody else uses.
enum Engines {
    static let redis = variable("REPRISE_TEST_REDIS_URL")
    static let valkey = variable("REPRISE_TEST_VALKEY_URL")
    static let secure = variable("REPRISE_TEST_REDIS_TLS_URL")
    static let secureCA = variable("REPRISE_TEST_REDIS_TLS_CA")
    /// Where the engines' packages are, for tests that need one of their own, to stop it and to start it.
    static let packages = variable("REPRISE_TEST_ENGINE_PACKAGES")

    static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Below `rp`, which is all that the user of the least rights may touch.
    static func prefix() -> String { "rp:test-\(UInt64.random(in: 0...UInt64.max))" }

    static func tier(_ url: String, prefix: String = prefix(), index: RedisConfiguration.Index = .flat) throws -> RedisTier {
        RedisTier(try RedisConfiguration(url: url, prefix: prefix, index: index))
    }

    /// Opens a tier of its own there, and closes it.
    static func open(_ url: String, prefix: String = prefix()) async throws(SharedTierError) {
        guard let tier = try? tier(url, prefix: prefix) else { preconditionFailure("\(url) is a URL") }
        do throws(SharedTierError) { _ = try await tier.open(SharedTierConformance.identity) } catch {
            await tier.close()
            throw error
        }
        await tier.close()
    }

    static func check(_ name: String, _ url: String, index: RedisConfiguration.Index) async throws {
        let configuration = try RedisConfiguration(url: url, prefix: prefix(), index: index)
        let pair = SharedTierConformance.Pair(one: RedisTier(configuration), other: RedisTier(configuration))
        try await SharedTierConformance.open(pair)
        let check = try #require(SharedTierConformance.checks.first { $0.name == name })
        let wrong = try await check.run(pair)
        #expect(wrong == nil, "\(wrong ?? "")")
        await pair.one.close()
        await pair.other.close()
    }
}

/// An engine of a test's own, which it may kill. Its folder goes with it.
final class OwnEngine: Sendable {
    private let folder: URL
    private let options: [String]
    let port: Int
    var url: String { "redis://127.0.0.1:\(port)" }

    /// - Parameter options: of `Tests/Engines/redis_search.py`.
    static func run(_ options: [String] = [], _ body: (OwnEngine) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reprise-engine-\(UUID().uuidString)")
        let started = try await starter(["start", "--data", folder.path, "--packages", try #require(Engines.packages)] + options)
        let port = try #require(try JSONSerialization.jsonObject(with: started) as? [String: Any])["port"] as? Int
        let engine = OwnEngine(folder, options, port: try #require(port))
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(engine)) } catch { outcome = .failure(error) }
        _ = try await starter(["stop", "--data", folder.path, "--signal", "KILL", "--wipe"])
        try outcome.get()
    }

    private init(_ folder: URL, _ options: [String], port: Int) {
        self.folder = folder
        self.options = options
        self.port = port
    }

    /// kill -9.
    func kill() async throws { _ = try await Self.starter(["stop", "--data", folder.path, "--signal", "KILL"]) }

    /// On the same port, with what it has on its disk.
    func start() async throws {
        let packages = try #require(Engines.packages)
        _ = try await Self.starter(["start", "--data", folder.path, "--packages", packages, "--port", "\(port)"] + options)
    }

    /// Stops it from doing anything, its connections open; or lets it go on.
    func freeze(_ isFrozen: Bool) throws {
        let text = try String(contentsOf: folder.appending(path: "pid"), encoding: .utf8)
        _ = Glibc.kill(try #require(pid_t(text)), isFrozen ? SIGSTOP : SIGCONT)
    }

    /// Commands of whoever may do anything.
    func run(_ commands: RedisCommands) async throws -> [RESPValue] {
        let link = RedisLink(try RedisConfiguration(url: url, prefix: "p"))
        let answers = try await link.call(commands, until: .now + .seconds(20))
        await link.close()
        return answers
    }

    private static func starter(_ arguments: [String]) async throws -> Data {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Engines")
        let file = FileManager.default.temporaryDirectory.appending(path: "reprise-engine-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let words = ["python3", folder.appending(path: "redis_search.py").path] + arguments
        // By the shell on a thread of its own: Foundation's Process does not always notice an end when several begin at once.
        let line = words.map { "'\($0)'" }.joined(separator: " ") + " </dev/null >'\(file.path)'"
        let status = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: system(line)) }
        }
        try #require(status == 0, "\(arguments)")
        return try Data(contentsOf: file)
    }
}

/// Entries for tests, that live for an hour.
enum Put {
    static func vector(_ number: Int) -> UnitVector {
        var generator = SeededGenerator(seed: UInt64(number))
        return UnitVector(normalizing: (0..<8).map { _ in Float.random(in: -1...1, using: &generator) })!
    }

    static func scope(_ number: Int = 1) -> Scope { Scope(Sample.digest(1000 + number)) }

    static func entry(
        _ number: Int, id: Int? = nil, scope: Int = 1, since: Int64 = 0, life: Duration = .seconds(3600), answer: [UInt8] = [1]
    ) -> SharedEntry {
        let now = RealClock().now()
        return SharedEntry(
            key: CacheKey(Sample.digest(number)), id: EntryID(rawValue: Int64(id ?? number)), scope: Self.scope(scope),
            marks: SharedMarks(tenant: 1, namespace: 2, model: 3, tags: []), createdAt: now, expiresAt: now + life, since: since,
            vector: vector(number), metadata: [2], answer: answer)
    }
}

extension SharedTier {
    func peek(_ number: Int, within limit: Duration = .seconds(20)) async throws(SharedTierError) -> SharedPeek {
        try await peek(Put.entry(number).key, in: Put.scope(), until: .now + limit)
    }

    func nearest(_ number: Int, count: Int = 8, within limit: Duration = .seconds(20)) async throws(SharedTierError) -> [Int] {
        try await nearest(to: Put.vector(number), in: Put.scope(), count: count, until: .now + limit).found.map { Int($0.entry.id.rawValue) }
    }
}

/// The error that `body` throws.
func fault<Result>(_ body: () async throws(SharedTierError) -> Result) async -> SharedTierError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// Waits until `body` is true, however long that takes.
func eventually(_ body: () async throws -> Bool) async throws {
    while try await !body() { try await Task.sleep(for: .milliseconds(20)) }
}
