import Eviction

/// Plays a trace of requests through a cache of bounded size under several policies, and adds up what each saves.
///
/// Each policy is the very code of `Eviction`; `reprise` is the one that the cache runs, the others are there to be compared with.
package struct EvictionTrial: Sendable {
    /// One request of a trace.
    package struct Request: Sendable {
        package let key: UInt64
        package let bytes: Int
        /// What a hit saves, in any unit.
        package let cost: Double

        package init(key: UInt64, bytes: Int, cost: Double) {
            self.key = key
            self.bytes = bytes
            self.cost = cost
        }
    }

    package enum Policy: String, CaseIterable, Sendable {
        case reprise, lru, lfu, fifo
    }

    package struct Outcome: Sendable {
        package let policy: Policy
        /// Hits over requests.
        package let hitRatio: Double
        /// The cost of the hits over the cost of all requests.
        package let hitValue: Double
    }

    private let trace: [Request]
    private let capacity: Int

    /// - Parameter capacity: in bytes.
    package init(_ trace: [Request], capacity: Int) {
        self.trace = trace
        self.capacity = capacity
    }

    package func run(_ policy: Policy) -> Outcome {
        switch policy {
        case .reprise: run(policy, ValueEviction(capacity: capacity / typicalBytes))
        case .lru: run(policy, OrderedEviction<Int>(.leastRecentlyUsed))
        case .lfu: run(policy, OrderedEviction<Int>(.leastFrequentlyUsed))
        case .fifo: run(policy, OrderedEviction<Int>(.firstIn))
        }
    }

    private var typicalBytes: Int {
        let some = trace.prefix(10_000)
        return max(1, some.reduce(0) { $0 + $1.bytes } / max(1, some.count))
    }

    /// Keeps what the policy leaves, in places as the cache does.
    private func run(_ name: Policy, _ policy: some EvictionPolicy<Int>) -> Outcome {
        var policy = policy
        var places: [UInt64: Int] = [:]
        var kept: [Request] = []
        var free: [Int] = []
        var used = 0
        var tally = Tally()
        for request in trace {
            let hash = request.key &* 0x9E37_79B9_7F4A_7C15
            policy.request(hash)
            let known = places[request.key]
            tally.count(request, isHit: known != nil)
            if let known {
                policy.access(known)
                continue
            }
            let place = free.popLast() ?? kept.count
            if place == kept.count { kept.append(request) } else { kept[place] = request }
            places[request.key] = place
            used += request.bytes
            policy.admit(place, Worth(hash: hash, cost: request.cost, bytes: request.bytes))
            while used > capacity, let victim = policy.evict(1, for: place).first {
                used -= kept[victim].bytes
                places[kept[victim].key] = nil
                free.append(victim)
            }
        }
        return tally.outcome(name)
    }
}

/// Hits and their value.
private struct Tally {
    private var requests = 0
    private var hits = 0
    private var value = 0.0
    private var saved = 0.0

    mutating func count(_ request: EvictionTrial.Request, isHit: Bool) {
        requests += 1
        value += request.cost
        guard isHit else { return }
        hits += 1
        saved += request.cost
    }

    func outcome(_ policy: EvictionTrial.Policy) -> EvictionTrial.Outcome {
        .init(policy: policy, hitRatio: requests == 0 ? 0 : Double(hits) / Double(requests), hitValue: value == 0 ? 0 : saved / value)
    }
}
