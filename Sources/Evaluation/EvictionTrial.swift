import Eviction

/// Plays a trace of requests through a cache of bounded size under several policies, and adds up what each saves.
///
/// ``ValueEviction`` is the very code that the cache runs; the others are here to be compared with.
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
        case .reprise: return runByValue()
        // The rank of what is least recently used, least frequently used, or oldest is the lowest.
        case .lru: return run(.lru) { _, clock in Double(clock) }
        case .lfu: return run(.lfu) { uses, clock in Double(uses) + Double(clock) * 1e-12 }
        case .fifo: return run(.fifo) { uses, clock in uses == 1 ? Double(clock) : nil }
        }
    }

    /// A plain policy: the least rank goes. `rank` is asked at each use, with the number of uses and the time; `nil` leaves the rank as it was.
    private func run(_ policy: Policy, rank: (Int, Int) -> Double?) -> Outcome {
        var resident: [UInt64: (uses: Int, rank: Double, bytes: Int)] = [:]
        var order = RankedKeys()
        var used = 0
        var tally = Tally()
        for (clock, request) in trace.enumerated() {
            var entry = resident[request.key] ?? (0, 0, request.bytes)
            tally.count(request, isHit: entry.uses > 0)
            if entry.uses > 0 { order.remove(request.key) } else { used += request.bytes }
            entry.uses += 1
            if let rank = rank(entry.uses, clock) { entry.rank = rank }
            resident[request.key] = entry
            order.insert(request.key, rank: entry.rank)
            while used > capacity, let victim = order.removeFirst(besides: request.key) ?? order.removeFirst(besides: nil) {
                used -= resident.removeValue(forKey: victim)?.bytes ?? 0
            }
        }
        return tally.outcome(policy)
    }

    private func runByValue() -> Outcome {
        var slots: [(request: Request, rank: Double)] = []
        var places: [UInt64: Int] = [:]
        let typical = max(1, trace.prefix(10_000).reduce(0) { $0 + $1.bytes } / max(1, min(10_000, trace.count)))
        var eviction = ValueEviction(capacity: capacity / typical)
        var used = 0
        var tally = Tally()
        func remove(_ place: Int) {
            used -= slots[place].request.bytes
            places[slots[place].request.key] = nil
            let last = slots.removeLast()
            if place < slots.count {
                slots[place] = last
                places[last.request.key] = place
            }
        }
        for request in trace {
            let hash = request.key &* 0x9E37_79B9_7F4A_7C15
            eviction.request(hash)
            let rank = eviction.rank(hash, cost: request.cost, bytes: request.bytes)
            tally.count(request, isHit: places[request.key] != nil)
            if let place = places[request.key] {
                slots[place].rank = rank
                continue
            }
            places[request.key] = slots.count
            slots.append((request, rank))
            used += request.bytes
            while used > capacity {
                guard let newcomer = places[request.key] else { break }
                guard let place = eviction.victim(among: slots.count, rank: { $0 == newcomer ? nil : slots[$0].rank }) else {
                    remove(newcomer)
                    break
                }
                let victim = slots[place]
                let victimDensity = eviction.density(
                    victim.request.key &* 0x9E37_79B9_7F4A_7C15, cost: victim.request.cost, bytes: victim.request.bytes)
                if eviction.rejects(eviction.density(hash, cost: request.cost, bytes: request.bytes), against: victimDensity) {
                    remove(newcomer)
                } else {
                    eviction.evicted(rank: victim.rank)
                    remove(place)
                }
            }
        }
        return tally.outcome(.reprise)
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

/// Keys by rank, least first: a heap whose outdated members are passed over.
private struct RankedKeys {
    private var heap: [(rank: Double, key: UInt64)] = []
    private var ranks: [UInt64: Double] = [:]

    mutating func insert(_ key: UInt64, rank: Double) {
        ranks[key] = rank
        heap.append((rank, key))
        var child = heap.count - 1
        while child > 0, heap[child].rank < heap[(child - 1) / 2].rank {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the key out; its member of the heap is passed over when its turn comes.
    mutating func remove(_ key: UInt64) { ranks[key] = nil }

    /// Takes out the key with the least rank, if that is not `spared`.
    mutating func removeFirst(besides spared: UInt64?) -> UInt64? {
        while let first = heap.first {
            let isCurrent = ranks[first.key] == first.rank
            if isCurrent, first.key == spared { return nil }
            pop()
            guard isCurrent else { continue }
            ranks[first.key] = nil
            return first.key
        }
        return nil
    }

    private mutating func pop() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].rank < heap[least].rank { least = child }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

// MARK: Traces

extension EvictionTrial {
    /// Requests whose popularity falls off as Zipf's law has it, with answers of very different sizes and prices.
    ///
    /// - Parameters:
    ///   - keys: how many different requests there are.
    ///   - skew: the exponent; 0.9 is usual for prompts and pages.
    ///   - scans: the share of requests that belong to long runs of requests that never come again, as a crawl or an evaluation makes them.
    package static func zipf(requests: Int, keys: Int, skew: Double, scans: Double, seed: UInt64) -> [Request] {
        var random = seed
        func word() -> UInt64 {
            random &+= 0x9E37_79B9_7F4A_7C15
            var z = random
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        func uniform() -> Double { Double(word() >> 11) / Double(1 << 53) }
        var cumulative: [Double] = []
        var sum = 0.0
        for rank in 1...max(1, keys) {
            sum += Self.power(Double(rank), -skew)
            cumulative.append(sum)
        }
        // Some answers are long, most are short; a long one costs more and takes longer, and besides that models differ in price.
        func request(_ key: UInt64) -> Request {
            var z = key &* 0xD6E8_FEB8_6659_FD93
            z ^= z >> 32
            let size = Double(z & 0xFFFF) / 65_536
            let price = Double(z >> 16 & 0xFFFF) / 65_536
            let bytes = 300 + Int(40_000 * size * size * size)
            return Request(key: key, bytes: bytes, cost: 0.3 + Double(bytes) / 1000 * (0.2 + 2 * price * price))
        }
        var trace: [Request] = []
        trace.reserveCapacity(requests)
        var nextScan = UInt64(1) << 40
        while trace.count < requests {
            // One run of a scan is some thousand requests; between runs come as many others that the share is kept.
            let run = 2000
            if scans > 0 {
                for _ in 0..<run {
                    trace.append(request(nextScan))
                    nextScan += 1
                }
            }
            for _ in 0..<(scans > 0 ? Int(Double(run) * (1 - scans) / scans) : requests) {
                let target = uniform() * sum
                var (low, high) = (0, cumulative.count - 1)
                while low < high {
                    let middle = (low + high) / 2
                    if cumulative[middle] < target { low = middle + 1 } else { high = middle }
                }
                trace.append(request(UInt64(low)))
            }
        }
        return Array(trace.prefix(requests))
    }

    /// `base` to the power of `exponent`, near enough for a trace and without a library of mathematics: by repeated square roots.
    private static func power(_ base: Double, _ exponent: Double) -> Double {
        var result = 1.0
        var magnitude = abs(exponent)
        let whole = Int(magnitude)
        for _ in 0..<whole { result *= base }
        magnitude -= Double(whole)
        var root = base
        for _ in 0..<24 {
            root = root.squareRoot()
            magnitude *= 2
            if magnitude >= 1 {
                result *= root
                magnitude -= 1
            }
        }
        return exponent < 0 ? 1 / result : result
    }
}
