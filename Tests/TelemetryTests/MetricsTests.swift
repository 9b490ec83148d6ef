import SemanticCache
@testable import Telemetry
import Testing

struct MetricsTests {
    private static func tenant(_ number: Int) -> TenantID {
        let bytes = (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * (3 - min($0, 3)))) }
        guard let digest = Digest256(bytes: bytes) else { preconditionFailure("32 bytes") }
        return TenantID(digest)
    }

    private static let usage = TokenUsage(prompt: 1000, completion: 500)

    @Test func everyRequestIsCountedOnce() {
        let metrics = ProxyMetrics()
        let labels = ProxyMetrics.Labels(endpoint: .chatCompletions, model: "m", tenant: Self.tenant(1), namespace: "n")
        metrics.record(.exactHit, labels)
        metrics.record(.semanticHit, labels)
        metrics.record(.stale, labels)
        for reason in MissReason.allCases { metrics.record(.miss(reason), labels) }
        for reason in BypassReason.allCases { metrics.record(.bypass(reason), .init()) }
        let counts = metrics.snapshot
        #expect(counts.stale == 1)
        #expect(counts.total == 3 + MissReason.allCases.count + BypassReason.allCases.count)
        #expect(counts.missReasons.count == MissReason.allCases.count && counts.missReasons.values.allSatisfy { $0 == 1 })
        #expect(counts.bypassReasons.count == BypassReason.allCases.count)
        #expect(counts.hitRatio == 2 / Double(3 + MissReason.allCases.count))
        for accounts in [metrics.modelAccounts, metrics.tenantAccounts, metrics.namespaceAccounts] {
            #expect(accounts.map(\.figures.requests) == [3 + MissReason.allCases.count])
            #expect(accounts.map(\.figures.hits) == [2])
        }
    }

    @Test func aSavingIsPricedAndAttributed() {
        let metrics = ProxyMetrics(prices: .empty.overridden(by: ["m": ModelPrice(input: 2, output: 10)]))
        let labels = ProxyMetrics.Labels(endpoint: .chatCompletions, model: "m", tenant: Self.tenant(1))
        metrics.record(.exactHit, labels, saving: .init(usage: Self.usage, upstreamTime: .milliseconds(1500), hitTime: .milliseconds(500)))
        metrics.record(.exactHit, labels, saving: .init(usage: nil, upstreamTime: .zero, hitTime: .seconds(1)))
        let counts = metrics.snapshot
        #expect(counts.savedCalls == 2)
        #expect(counts.saved.dollars == 0.007)
        #expect(counts.savedSeconds == 1)
        #expect(metrics.modelAccounts.first?.figures.saved == counts.saved)
        #expect(metrics.tenantAccounts.first?.figures.saved == counts.saved)
        #expect(metrics.namespaceAccounts.isEmpty)
    }

    @Test func theCachesOwnCostsComeOff() {
        let metrics = ProxyMetrics(prices: .empty.overridden(by: ["m": ModelPrice(input: 2, output: 10), "judge": ModelPrice(input: 1, output: 1)]))
        let labels = ProxyMetrics.Labels(model: "m")
        metrics.record(.exactHit, labels, saving: .init(usage: Self.usage, upstreamTime: .zero, hitTime: .zero))
        metrics.recordCost(.judge, model: "judge", usage: TokenUsage(prompt: 1000, completion: 0), labels)
        metrics.recordCost(.exploration, model: "m", usage: TokenUsage(prompt: 0, completion: 100), labels)
        metrics.recordCost(.judge, model: "unknown", usage: Self.usage)
        let counts = metrics.snapshot
        #expect(counts.net.dollars == 0.005)
        #expect(counts.saved.dollars == 0.007)
        #expect(metrics.modelAccounts.first?.figures.net.dollars == 0.005)
        var out = Exposition()
        metrics.write(to: &out)
        #expect(String(decoding: out.bytes, as: UTF8.self).contains("\nreprise_model_cost_usd_total{model=\"m\"} 0.002\n"))
    }

    @Test func anUnknownModelCountsTokensOnly() {
        let metrics = ProxyMetrics(prices: .builtIn)
        let labels = ProxyMetrics.Labels(model: "nobody-knows-it")
        metrics.record(.exactHit, labels, saving: .init(usage: Self.usage, upstreamTime: .zero, hitTime: .zero))
        metrics.recordSpending(Self.usage, labels)
        let counts = metrics.snapshot
        #expect(counts.savedPromptTokens == 1000 && counts.savedCompletionTokens == 500 && counts.saved == .zero)
        #expect(counts.spentPromptTokens == 1000 && counts.spent == .zero)
    }

    @Test func lateComersShareAnAccount() {
        let metrics = ProxyMetrics(prices: .empty.overridden(by: ["m300": ModelPrice(input: 1, output: 1)]))
        for number in 0..<400 { metrics.record(.exactHit, .init(model: "m\(number)", tenant: Self.tenant(number))) }
        metrics.record(
            .exactHit, .init(model: "m300"),
            saving: .init(usage: TokenUsage(prompt: 1_000_000, completion: 0), upstreamTime: .zero, hitTime: .zero))
        #expect(metrics.modelAccounts.count == ProxyMetrics.maximumModels + 1)
        #expect(metrics.modelAccounts.last?.name == "other")
        #expect(metrics.modelAccounts.last?.figures.requests == 401 - ProxyMetrics.maximumModels)
        #expect(metrics.modelAccounts.last?.figures.saved.dollars == 1)
        #expect(metrics.tenantAccounts.count == 400)
    }

    @Test func namesFromClientsMakeNoSeriesTwiceAndNoLongLabels() {
        let metrics = ProxyMetrics(prices: .empty.overridden(by: ["other": ModelPrice(input: 1, output: 1)]))
        let long = String(repeating: "x", count: ProxyMetrics.maximumNameLength + 1)
        let saving = ProxyMetrics.Saving(usage: TokenUsage(prompt: 1_000_000, completion: 0), upstreamTime: .zero, hitTime: .zero)
        metrics.record(.exactHit, .init(model: "other", namespace: "other"), saving: saving)
        metrics.record(.exactHit, .init(model: long, namespace: long))
        for number in 0..<300 { metrics.record(.exactHit, .init(model: "m\(number)", namespace: "n\(number)")) }
        for accounts in [metrics.modelAccounts, metrics.namespaceAccounts] {
            #expect(accounts.filter { $0.name == "other" }.count == 1)
            #expect(accounts.last?.figures.requests == 102 && accounts.count == 201)
            #expect(accounts.allSatisfy { $0.name.utf8.count <= ProxyMetrics.maximumNameLength })
        }
        #expect(metrics.modelAccounts.last?.figures.saved.dollars == 1)
    }

    @Test func countingFromManyThreadsLosesNothing() async {
        let metrics = ProxyMetrics()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for number in 0..<2000 {
                        metrics.record(.exactHit, .init(endpoint: .chatCompletions, model: "m\(number % 7)", tenant: Self.tenant(thread)))
                        metrics.exactHitLatency.record(.microseconds(number))
                    }
                }
            }
        }
        #expect(metrics.snapshot.exactHits == 16_000)
        #expect(metrics.modelAccounts.map(\.figures.requests).reduce(0, +) == 16_000)
        #expect(metrics.exactHitLatency.cumulative.total == 16_000)
    }
}

struct HistogramTests {
    @Test func bucketsAreCumulativeAndExactAtTheirBounds() throws {
        let histogram = LatencyHistogram()
        for microseconds in [10, 63, 64, 127, 128, 1_000_000, 80_000_000] { histogram.record(.microseconds(microseconds)) }
        let (buckets, total, sum) = histogram.cumulative
        #expect(total == 7)
        #expect(buckets.count == 21)
        #expect(buckets.first?.bound == 0.000064)
        #expect(buckets.prefix(3).map(\.count) == [2, 4, 5])
        #expect(buckets.last?.count == 6)
        #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.count <= $1.count && $0.bound < $1.bound })
        #expect(abs(sum - 81.000392) < 1e-9)
    }

    @Test func quantilesAreNeverFlattering() throws {
        let histogram = LatencyHistogram()
        #expect(histogram.quantiles.p50 == nil)
        for microseconds in 1...1000 { histogram.record(.microseconds(microseconds)) }
        let quantiles = histogram.quantiles
        #expect((0.5...0.54).contains(try #require(quantiles.p50)))
        #expect((0.99...1.06).contains(try #require(quantiles.p99)))
    }

    @Test(arguments: [(Float(0.9), 45), (0.8999, 44), (1, 49), (0, 0), (-0.2, 0), (1.0001, 49)])
    func similaritiesFallIntoTheirBins(similarity: Float, bin: Int) {
        let histogram = SimilarityHistogram()
        histogram.record(similarity, isServed: true)
        #expect(histogram.counts(served: true).firstIndex(of: 1) == bin)
        #expect(histogram.counts(served: false).allSatisfy { $0 == 0 })
    }

    @Test func whatIsNoNumberIsNotCounted() {
        let histogram = SimilarityHistogram()
        histogram.record(.nan, isServed: false)
        #expect(histogram.counts(served: false).allSatisfy { $0 == 0 })
        let scores = ScoreHistogram()
        for score in [Double.nan, .infinity, -.infinity] { scores.record(score, isServed: true) }
        #expect(scores.counts(served: true).allSatisfy { $0 == 0 })
    }

    @Test(arguments: [(-3.0, 0), (-2.76, 0), (-2.75, 1), (0, 12), (8.99, 47), (9, 47), (1e300, 47), (-1e300, 0)])
    func scoresFallIntoTheirBins(score: Double, bin: Int) {
        let histogram = ScoreHistogram()
        histogram.record(score, isServed: false)
        #expect(histogram.counts(served: false).firstIndex(of: 1) == bin)
        #expect(histogram.counts(served: true).allSatisfy { $0 == 0 })
    }
}

struct HistoryTests {
    @Test func theFineRingHoldsAnHourAndTheCoarseOneADay() {
        let metrics = ProxyMetrics()
        let history = History()
        for step in 0..<20_000 { history.add(metrics.sample(at: Timestamp(milliseconds: Int64(step) * 10_000))) }
        #expect(history.hour.count == 361)
        #expect(history.day.count == 289)
        #expect(history.hour.last.map { $0.time } == 199_990_000)
        #expect(zip(history.day, history.day.dropFirst()).allSatisfy { $1.time - $0.time == 300_000 })
    }
}
