// Measures the vector index against the flat oracle: recall, latency, rates, memory. Compiled and run by ../index.py.

import Dispatch
@preconcurrency import Glibc
import SemanticCache
import Synchronization
import VectorSearch

/// Numbers and vectors that are the same for equal seeds.
struct Source {
    var state: UInt64
    let dimension: Int
    private var basis: [[Float]] = []
    private var centres: [[Float]] = []

    /// Vectors as prompts make them: clusters of unequal size in a space of fewer dimensions than the vectors have, and a little noise in all of them.
    init(seed: UInt64, dimension: Int, latent: Int = 48, clusters: Int) {
        state = seed
        self.dimension = dimension
        basis = (0..<latent).map { _ in (0..<dimension).map { _ in normal() / 20 } }
        centres = (0..<clusters).map { _ in (0..<latent).map { _ in normal() } }
    }

    mutating func word() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func uniform() -> Float { Float(word() >> 40) / Float(1 << 24) }

    mutating func normal() -> Float { (-2 * log(max(uniform(), 1e-9))).squareRoot() * cos(2 * .pi * uniform()) }

    mutating func next() -> UnitVector {
        // Some clusters are much larger than others.
        let share = uniform()
        let centre = centres[min(centres.count - 1, Int(share * share * Float(centres.count)))]
        var components = (0..<dimension).map { _ in 0.1 * normal() }
        for (coordinate, direction) in zip(centre, basis) {
            let weight = coordinate + 0.7 * normal()
            for index in 0..<dimension { components[index] += weight * direction[index] }
        }
        guard let vector = UnitVector(normalizing: components) else { return next() }
        return vector
    }

    /// The same question in other words: some 0.93 similar.
    mutating func near(_ vector: UnitVector) -> UnitVector {
        let noise = 0.4 / Float(dimension).squareRoot()
        return UnitVector(normalizing: vector.components.map { $0 + noise * normal() }) ?? vector
    }
}

func seconds() -> Double { reading(CLOCK_MONOTONIC) }

/// Time that this thread was on a core: what its work takes where nobody else wants the core. Searches and linking wait for nothing else.
func coreSeconds() -> Double { reading(CLOCK_THREAD_CPUTIME_ID) }

private func reading(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var (total, resident) = (0, 0)
    withUnsafeMutablePointer(to: &total) { total in
        withUnsafeMutablePointer(to: &resident) { resident in _ = withVaList([total, resident]) { vfscanf(file, "%ld %ld", $0) } }
    }
    return resident * 4096
}

func scope(_ number: Int) -> Scope {
    var value = UInt64(number + 1)
    let bytes = (0..<32).map { _ -> UInt8 in
        value = (value ^ (value >> 29)) &* 0xBF58_476D_1CE4_E5B9
        return UInt8(truncatingIfNeeded: value >> 40)
    }
    guard let digest = Digest256(bytes: bytes) else { fatalError("32 bytes make a digest") }
    return Scope(digest)
}

func id(_ number: Int) -> EntryID { EntryID(rawValue: Int64(number)) }

func text(_ value: Double, _ digits: Int = 2) -> String {
    let factor = pow(10, Double(digits))
    return "\((value * factor).rounded() / factor)"
}

func row(_ name: String, _ value: String, _ bar: String = "") { print("| \(name) | \(value) | \(bar) |") }

@main
struct IndexBenchmark {
    static func main() {
        setvbuf(stdout, nil, _IOLBF, 0)
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
        let queries = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 400
        print("\(count) vectors of 384 components in one scope, clustered; \(queries) queries a line, half of them perturbed entries\n")
        print("times are of one core: what the thread used of it\n")
        print("| what | measured | bar |\n|---|---|---|")
        oneScope(count, queries)
        tenThousand(queries)
        manyScopes(count)
    }

    static func oneScope(_ count: Int, _ queries: Int) {
        var source = Source(seed: 1, dimension: 384, clusters: max(10, count / 100))
        var tuning = ScopedIndex.Tuning()
        tuning.linksInBackground = false
        var index = ScopedIndex(dimension: 384, tuning: tuning)
        let oracle = FlatIndex(dimension: 384)
        let home = scope(1)
        var vectors = (0..<count).map { _ in source.next() }
        for (number, vector) in vectors.enumerated() { oracle.insert(id(number), vector, in: home) }

        func measure(_ name: String) {
            var times: [Double] = []
            var found = 0
            var worst: Float = 0
            for number in 0..<queries {
                let query = number.isMultiple(of: 2) ? source.near(vectors[Int(source.word() % UInt64(count))]) : source.next()
                let start = coreSeconds()
                let best = index.nearest(to: query, in: home, count: 8)
                times.append(coreSeconds() - start)
                let truth = oracle.nearest(to: query, in: home, count: 1)
                guard let first = best.first, let right = truth.first else { continue }
                let exact = vectors[Int(first.id.rawValue)].similarity(to: query)
                if exact >= right.similarity - 1e-5 { found += 1 }
                worst = max(worst, abs(exact - first.similarity))
            }
            times.sort()
            row("\(name): recall@1", text(Double(found) / Double(queries), 4), "0.99")
            row("\(name): p50 ms", text(times[queries / 2] * 1000, 3), "1")
            row("\(name): p99 ms", text(times[queries * 99 / 100] * 1000, 3), "4")
            row("\(name): largest error of a similarity", "\(worst)", "0.001")
        }

        let before = residentBytes()
        var start = coreSeconds()
        for (number, vector) in vectors.enumerated() { index.insert(id(number), vector, in: home) }
        let placed = coreSeconds() - start
        start = coreSeconds()
        index.settle()
        let linked = coreSeconds() - start
        row("inserts a second, linked, one core", text(Double(count) / (placed + linked), 0), "2000")
        row("bytes an entry in the index, as counted", "\(index.memoryBytes / count)", "1500 with keys")
        row("bytes an entry in the index, as the process grew", "\((residentBytes() - before) / count)")
        measure("built")

        let gone = (0..<count).filter { _ in source.word() % 10 < 3 }
        for number in gone {
            index.remove(id(number))
            oracle.remove(id(number))
        }
        measure("30 % removed")
        start = coreSeconds()
        index.settle()
        row("microseconds of repair a removed entry", text((coreSeconds() - start) / Double(gone.count) * 1e6, 0))
        measure("repaired")
        for number in gone {
            vectors[number] = source.next()
            index.insert(id(number), vectors[number], in: home)
            if number.isMultiple(of: 997) { index.settle() }
            oracle.insert(id(number), vectors[number], in: home)
        }
        index.settle()
        measure("others in their place")
        row("bytes an entry then", "\(index.memoryBytes / count)")
        index = reloaded(index, tuning)
        measure("loaded from its snapshot")
        concurrent(index, home, vectors, &source)
    }

    /// The index, written to a file and read from it.
    static func reloaded(_ index: ScopedIndex, _ tuning: ScopedIndex.Tuning) -> ScopedIndex {
        guard let file = tmpfile() else { fatalError("no temporary file") }
        defer { fclose(file) }
        let count = index.count
        var start = seconds()
        try? index.write { fwrite($0.baseAddress, 1, $0.count, file) }
        fflush(file)
        row("seconds to write a snapshot", text(seconds() - start))
        row("bytes an entry in it", "\(ftell(file) / count)")
        rewind(file)
        let copy = ScopedIndex(dimension: 384, tuning: tuning)
        start = seconds()
        try? copy.read { fread($0.baseAddress, 1, $0.count, file) }
        row("seconds to read it", text(seconds() - start))
        guard copy.count == count, copy.unlinkedCount == 0 else { fatalError("\(copy.count) of \(count) vectors came back") }
        return copy
    }

    /// Searches by one thread and by two, while a third inserts and links.
    static func concurrent(_ index: ScopedIndex, _ home: Scope, _ vectors: [UnitVector], _ source: inout Source) {
        let fresh = (0..<20_000).map { _ in source.next() }
        let asked = (0..<256).map { _ in source.near(vectors[Int(source.word() % UInt64(vectors.count))]) }
        for threads in [1, 2] {
            let stop = seconds() + 3
            let writer = DispatchQueue(label: "writer")
            writer.async {
                var number = 0
                while seconds() < stop {
                    index.insert(id(vectors.count + number), fresh[number % fresh.count], in: home)
                    number += 1
                    index.settle()
                }
            }
            let total = Atomic<Int>(0)
            DispatchQueue.concurrentPerform(iterations: threads) { _ in
                var count = 0
                while seconds() < stop {
                    _ = index.nearest(to: asked[count % asked.count], in: home, count: 8)
                    count += 1
                }
                total.add(count, ordering: .relaxed)
            }
            writer.sync {}
            row("searches a second while another thread inserts, \(threads) threads", "\(total.load(ordering: .relaxed) / 3)")
        }
    }

    static func tenThousand(_ queries: Int) {
        var source = Source(seed: 2, dimension: 384, clusters: 500)
        let index = ScopedIndex(dimension: 384)
        for number in 0..<10_000 { index.insert(id(number), source.next(), in: scope(1)) }
        var times: [Double] = []
        for _ in 0..<max(1000, queries) {
            let query = source.next()
            let start = coreSeconds()
            _ = index.nearest(to: query, in: scope(1), count: 8)
            times.append(coreSeconds() - start)
        }
        times.sort()
        row("10,000 in one scope: p50 us", text(times[times.count / 2] * 1e6, 0))
        row("10,000 in one scope: p99 us", text(times[times.count * 99 / 100] * 1e6, 0), "200")
    }

    static func manyScopes(_ count: Int) {
        var source = Source(seed: 3, dimension: 384, clusters: 500)
        let pool = (0..<5000).map { _ in source.next() }
        let index = ScopedIndex(dimension: 384)
        let start = seconds()
        for number in 0..<count { index.insert(id(number), pool[number % pool.count], in: scope(number / 5)) }
        row("\(count / 5) scopes of 5: inserts a second", text(Double(count) / (seconds() - start), 0))
        row("\(count / 5) scopes of 5: bytes an entry", "\(index.memoryBytes / count)", "as one scope")
        var times: [Double] = []
        for number in 0..<1000 {
            let start = coreSeconds()
            _ = index.nearest(to: pool[number], in: scope(number % max(1, count / 5)), count: 8)
            times.append(coreSeconds() - start)
        }
        times.sort()
        row("\(count / 5) scopes of 5: p99 us", text(times[990] * 1e6, 0))
    }
}
