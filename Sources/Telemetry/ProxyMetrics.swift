// Telemetry: the numbers that leave the process.
//
// `ProxyMetrics` is written by the proxy on every request and read by the admin surface. It knows nothing of HTTP or of the cache's
// structure; gauges such as the number of entries are read where they live, when a report is made.
//
// Invariants
// - Every request ends in exactly one of hit, miss, bypass or stale, so that the four add up to `total`. Requests that are refused for their
//   form are counted apart.
// - A request costs a few atomic additions and three look-ups in small tables: no text is made, and no lock is held while anything is added up.
// - The number of labels is bounded (`maximumModels`, `maximumTenants`, `maximumNamespaces`); what comes later is counted under `other`,
//   and so is a name of more than `maximumNameLength` bytes.

package import SemanticCache
import Synchronization

/// The counters and histograms of one proxy. All calls are safe from any thread and take constant time.
package final class ProxyMetrics: Sendable {
    /// Whose request it was. `model` is empty and `tenant` is `nil` where they were not found out.
    package struct Labels: Sendable {
        package let endpoint: Endpoint?
        package let model: String
        package let tenant: TenantID?
        package let namespace: String

        package init(endpoint: Endpoint? = nil, model: String = "", tenant: TenantID? = nil, namespace: String = "") {
            self.endpoint = endpoint
            self.model = model
            self.tenant = tenant
            self.namespace = namespace
        }
    }

    /// What a hit spared: the upstream's call, its tokens, and its time less the hit's own.
    package struct Saving: Sendable {
        let usage: TokenUsage?
        let upstreamTime: Duration
        /// From the request's arrival on.
        package let hitTime: Duration

        package init(usage: TokenUsage?, upstreamTime: Duration, hitTime: Duration) {
            self.usage = usage
            self.upstreamTime = upstreamTime
            self.hitTime = hitTime
        }
    }

    /// What the cache itself spends money on.
    package enum Cost: Int, CaseIterable, Sendable {
        /// A model that is asked whether two answers say the same.
        case judge
        /// Would-be hits that were forwarded to learn from.
        case exploration
        /// Exact hits that were asked afresh, to see what two answers to one question look like.
        case calibration

        package var name: String { "\(self)" }
    }

    /// Why an entry left the cache.
    package enum Eviction: Int, CaseIterable, Sendable {
        case expired
        case capacity
        case flushed

        package var name: String { "\(self)" }
    }

    package static let maximumModels = 200
    package static let maximumTenants = 1000
    package static let maximumNamespaces = 200
    /// In bytes; names come from clients, and the longest that providers give have some sixty.
    package static let maximumNameLength = 256

    /// Counters without labels.
    enum Single: Int, CaseIterable {
        case refused
        case coalesced
        case upstreamErrors
        case replacedTurns
        case savedCalls
        case savedPromptTokens
        case savedCompletionTokens
        case savedNanodollars
        case savedMicroseconds
        case spentPromptTokens
        case spentCompletionTokens
        case spentNanodollars
    }

    let requests = OutcomeTable()
    let singles = AtomicCounters(Single.allCases.count)
    let notStored = AtomicCounters(NotStoredReason.allCases.count)
    let evictions = AtomicCounters(Eviction.allCases.count)
    let costs = AtomicCounters(Cost.allCases.count)
    let models: Accounts<String>
    let tenants = Accounts<TenantID>(limit: maximumTenants) { Account(name: $0.description, price: nil) }
    let namespaces = Accounts<String>(limit: maximumNamespaces) { Account(name: $0, price: nil) }
    package let prices: PriceTable
    private let watched = Mutex<[String: @Sendable () -> UpstreamCondition]>([:])

    package let exactHitLatency = LatencyHistogram()
    package let semanticHitLatency = LatencyHistogram()
    /// The time a miss spends in the proxy before its request leaves for the upstream.
    package let missOverhead = LatencyHistogram()
    package let embedLatency = LatencyHistogram()
    package let searchLatency = LatencyHistogram()
    /// Guards, score and verifier, over the neighbours that were found.
    package let decideLatency = LatencyHistogram()
    /// From a request's departure to the head of the upstream's answer.
    package let upstreamFirstByte = LatencyHistogram()
    /// The best neighbours' similarities.
    package let similarities = SimilarityHistogram()
    /// Their scores where one decides, as far as the guards let them pass.
    package let scores = ScoreHistogram()

    /// What is counted of the tier that several proxies share; `nil` without one.
    package let shared: SharedTierMetrics?

    package init(prices: PriceTable = .builtIn, shared: SharedTierMetrics? = nil) {
        self.prices = prices
        self.shared = shared
        models = Accounts(limit: Self.maximumModels) { Account(name: $0, price: prices.price(of: $0)) }
    }

    /// Counts what became of a request; a hit with what it spared.
    package func record(_ outcome: Outcome, _ labels: Labels, saving: Saving? = nil) {
        guard let place = OutcomeTable.column(outcome) else { return add(to: .refused) }
        requests.add(at: place, endpoint: labels.endpoint)
        if outcome.isCollapsed { add(to: .coalesced) }
        let column: Account.Column
        switch place {
        case .exactHit: column = .exactHits
        case .semanticHit: column = .semanticHits
        case .stale: column = .stale
        case .miss: column = .misses
        case .bypass: return
        }
        let accounts = accounts(labels)
        accounts.forEach { $0.add(to: column) }
        guard let saving else { return }
        add(to: .savedCalls)
        add(Int((max(.zero, saving.upstreamTime - saving.hitTime).inSeconds * 1_000_000).rounded()), to: .savedMicroseconds)
        guard let usage = saving.usage else { return }
        let money = price(of: labels.model, accounts.model)?.cost(of: usage) ?? .zero
        add(usage.prompt, to: .savedPromptTokens)
        add(usage.completion, to: .savedCompletionTokens)
        add(money.nanodollars, to: .savedNanodollars)
        accounts.forEach {
            $0.add(usage.prompt, to: .savedPromptTokens)
            $0.add(usage.completion, to: .savedCompletionTokens)
            $0.add(money.nanodollars, to: .savedNanodollars)
        }
    }

    /// Counts what an answer of the upstream cost.
    package func recordSpending(_ usage: TokenUsage, _ labels: Labels) {
        let accounts = accounts(labels)
        let money = price(of: labels.model, accounts.model)?.cost(of: usage) ?? .zero
        add(usage.prompt, to: .spentPromptTokens)
        add(usage.completion, to: .spentCompletionTokens)
        add(money.nanodollars, to: .spentNanodollars)
        accounts.forEach {
            $0.add(usage.prompt, to: .spentPromptTokens)
            $0.add(usage.completion, to: .spentCompletionTokens)
            $0.add(money.nanodollars, to: .spentNanodollars)
        }
    }

    /// Counts what the cache itself spent, to be taken off its savings.
    ///
    /// - Parameters:
    ///   - model: who was paid; need not be the model of the request in `labels`, on whose behalf it was.
    package func recordCost(_ cost: Cost, model: String, usage: TokenUsage, _ labels: Labels = Labels()) {
        guard let money = prices.price(of: model)?.cost(of: usage) else { return }
        costs.add(money.nanodollars, at: cost.rawValue)
        accounts(labels).forEach { $0.add(money.nanodollars, to: .costNanodollars) }
    }

    /// Counts earlier turns of conversations that were read as worded like the entries that answered them.
    package func recordReplacedTurns(_ count: Int) { if count > 0 { add(count, to: .replacedTurns) } }

    package func recordUpstreamError() { add(to: .upstreamErrors) }

    /// Names the upstreams in use, each to be looked at whenever a report is made: a circuit changes by time alone, too.
    package func watch(_ upstreams: [String: @Sendable () -> UpstreamCondition]) { watched.withLock { $0 = upstreams } }

    /// The upstreams by their names.
    package var upstreams: [String: UpstreamCondition] {
        let watched = watched.withLock { $0 }
        return watched.mapValues { $0() }
    }

    package func recordNotStored(_ reason: NotStoredReason) { notStored.add(at: NotStoredReason.allCases.firstIndex(of: reason) ?? 0) }

    package func recordEviction(_ kind: Eviction, count: Int) { evictions.add(count, at: kind.rawValue) }

    func add(_ amount: Int = 1, to single: Single) { singles.add(amount, at: single.rawValue) }

    /// The accounts that a request belongs to.
    private struct Owners {
        let model: Account?
        let tenant: Account?
        let namespace: Account?

        /// No list is made: every request comes here.
        func forEach(_ body: (Account) -> Void) {
            if let model { body(model) }
            if let tenant { body(tenant) }
            if let namespace { body(namespace) }
        }
    }

    private func accounts(_ labels: Labels) -> Owners {
        Owners(
            model: labels.model.isEmpty ? nil : models.account(Self.bounded(labels.model)), tenant: labels.tenant.map { tenants.account($0) },
            namespace: labels.namespace.isEmpty ? nil : namespaces.account(Self.bounded(labels.namespace)))
    }

    /// The name under which `name` is counted.
    private static func bounded(_ name: String) -> String { name.utf8.count <= maximumNameLength ? name : Account.otherName }

    /// The price of `name`, whose account may be the one for all late-comers.
    private func price(of name: String, _ account: Account?) -> ModelPrice? {
        guard let account, account.name == name, name != Account.otherName else { return prices.price(of: name) }
        return account.price
    }
}
