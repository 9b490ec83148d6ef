import Glibc
package import SemanticCache

extension RedisTier {
    private static let leaseTime = Duration.seconds(60)

    package func setEvidence(_ bytes: [UInt8]?, named name: String, of node: Int) async throws(SharedTierError) {
        _ = try opened()
        let key = RedisCommands.Word.text(names.evidence(name))
        let command: [RedisCommands.Word] = bytes.map { ["HSET", key, .number(node), .bytes($0)] } ?? ["HDEL", key, .number(node)]
        _ = try await bulk(RedisCommands(command))[0].orThrow()
    }

    package func evidence(named name: String) async throws(SharedTierError) -> [Int: [UInt8]] {
        _ = try opened()
        guard case .map(let pairs) = try await bulk(RedisCommands(["HGETALL", .text(names.evidence(name))]))[0].orThrow() else {
            throw .garbled("HGETALL is not answered by a map")
        }
        return pairs.reduce(into: [:]) { evidence, pair in
            if let node = pair.key.text.flatMap({ Int($0) }), let bytes = pair.value.bytes { evidence[node] = bytes }
        }
    }

    package func lease(for owner: String, held: Int?) async throws(SharedTierError) -> Int {
        _ = try opened()
        let script = RedisScript.lease
        let known = held.flatMap { EntryIDSource.Node.numbers.contains($0) ? $0 : nil }
        let words: [RedisCommands.Word] = [
            .text(names.leases), .text(owner), .number(Self.leaseTime.wholeMilliseconds), known.map { .number($0) } ?? "",
            .number(EntryIDSource.Node.numbers.upperBound),
        ]
        guard let number = try await bulk(RedisCommands(script.load, script.run([], words)))[1].orThrow().number else {
            throw .garbled("a lease without number")
        }
        guard number > 0 else { throw .full("all \(EntryIDSource.Node.numbers.count) numbers are taken") }
        return Int(number)
    }
}

/// This machine's clock, which the engine's is held against for people to see; nothing is decided by it.
enum RealTime {
    static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
