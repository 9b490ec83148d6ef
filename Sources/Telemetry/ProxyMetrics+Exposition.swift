import SemanticCache

extension ProxyMetrics {
    /// Writes everything that is counted here. Gauges of other rooms are written where they are known.
    package func write(to out: inout Exposition) {
        let counts = snapshot
        out.family("reprise_requests_total", .counter, "Requests that ended, by endpoint, outcome and reason.")
        for row in requests.rows { out.sample(row.count, labels: row.labels) }
        out.single("reprise_requests_refused_total", .counter, "Requests refused for their form before a look-up.", counts.refused)
        out.single("reprise_requests_coalesced_total", .counter, "Misses answered by another request's upstream call.", counts.coalesced)
        out.single("reprise_upstream_errors_total", .counter, "Upstream calls that failed without an answer.", counts.upstreamErrors)
        out.single(
            "reprise_turns_replaced_total", .counter, "Earlier turns of conversations that counted as worded like the entries that answered them.",
            counts.replacedTurns)
        let upstreams = upstreams.sorted { $0.key < $1.key }
        out.family("reprise_upstream_circuit_open", .gauge, "Whether calls are kept away from an upstream that fails every time, or tried singly.")
        for (name, condition) in upstreams { out.sample(condition.circuit == .closed ? 0 : 1, ["upstream": name]) }
        out.family("reprise_upstream_circuit_state", .gauge, "1 for the state that an upstream's circuit is in, 0 for the others.")
        for (name, condition) in upstreams {
            for state in CircuitCondition.allCases { out.sample(state == condition.circuit ? 1 : 0, ["upstream": name, "state": state.rawValue]) }
        }
        out.family("reprise_upstream_calls", .gauge, "Calls to an upstream: active ones, and those that wait for their turn.")
        for (name, condition) in upstreams {
            out.sample(condition.active, ["upstream": name, "state": "active"])
            out.sample(condition.waiting, ["upstream": name, "state": "waiting"])
        }
        out.family("reprise_answers_not_stored_total", .counter, "Answers of the upstream that were not kept, by reason.")
        for reason in NotStoredReason.allCases { out.sample(counts.notStored[reason] ?? 0, ["reason": reason.rawValue]) }
        out.family("reprise_evictions_total", .counter, "Entries that left the cache, by cause.")
        for eviction in Eviction.allCases { out.sample(evictions[eviction.rawValue], ["cause": eviction.name]) }
        shared?.write(to: &out)
        writeMoney(counts, to: &out)
        writeLatencies(to: &out)
        write(models.all, by: "model", to: &out)
        write(tenants.all, by: "tenant", to: &out)
        write(namespaces.all, by: "namespace", to: &out)
    }

    private func writeMoney(_ counts: Counts, to out: inout Exposition) {
        out.single("reprise_saved_calls_total", .counter, "Upstream calls that hits made needless.", counts.savedCalls)
        out.family("reprise_saved_tokens_total", .counter, "Tokens of those calls, by kind.")
        out.sample(counts.savedPromptTokens, ["kind": "prompt"])
        out.sample(counts.savedCompletionTokens, ["kind": "completion"])
        out.single("reprise_saved_seconds_total", .counter, "Upstream time of those calls, less the time of the hits.", counts.savedSeconds)
        out.single(
            "reprise_saved_usd_total", .counter, "US dollars of those calls, by the price table, the cache's own costs not taken off.",
            counts.saved.dollars)
        out.family("reprise_cost_usd_total", .counter, "US dollars that the cache itself spent, by purpose.")
        for cost in Cost.allCases { out.sample(counts.costs[cost]?.dollars ?? 0, ["purpose": cost.name]) }
        out.family("reprise_upstream_tokens_total", .counter, "Tokens of recorded upstream answers, by kind.")
        out.sample(counts.spentPromptTokens, ["kind": "prompt"])
        out.sample(counts.spentCompletionTokens, ["kind": "completion"])
        out.single("reprise_upstream_usd_total", .counter, "US dollars of recorded upstream answers, by the price table.", counts.spent.dollars)
    }

    private func writeLatencies(to out: inout Exposition) {
        out.family("reprise_hit_duration_seconds", .histogram, "Time from a request's arrival to its cached answer, by tier.")
        out.histogram(exactHitLatency, ["tier": "exact"])
        out.histogram(semanticHitLatency, ["tier": "semantic"])
        out.family("reprise_miss_overhead_seconds", .histogram, "Time that a miss spends in the proxy before its request leaves for the upstream.")
        out.histogram(missOverhead)
        out.family("reprise_lookup_stage_duration_seconds", .histogram, "Time of the stages of a look-up by meaning.")
        out.histogram(embedLatency, ["stage": "embed"])
        out.histogram(searchLatency, ["stage": "search"])
        out.histogram(decideLatency, ["stage": "decide"])
        out.family("reprise_upstream_first_byte_seconds", .histogram, "Time from a request's departure to the head of the upstream's answer.")
        out.histogram(upstreamFirstByte)
        out.family("reprise_similarity", .histogram, "Cosine similarity of the best neighbour, by what was decided.")
        for isServed in [true, false] {
            let counts = similarities.counts(served: isServed)
            var seen = 0
            // Bins are closed below and buckets above: a similarity that is a bound to the last digit counts one bin higher.
            let buckets = counts.enumerated().map { bin, count in
                seen += count
                return (bound: Double(bin + 1) * 2 / 100, count: seen)
            }
            out.histogram(
                buckets.dropFirst(24), total: seen, sum: similarities.sum(served: isServed), ["decision": isServed ? "served" : "forwarded"])
        }
    }

    private func write(_ accounts: [Account], by label: String, to out: inout Exposition) {
        out.family("reprise_\(label)_requests_total", .counter, "Requests that were looked up, by \(label) and outcome.")
        for account in accounts {
            out.sample(account[.exactHits] + account[.semanticHits], label, quoted: account.label, second: ",outcome=\"hit\"")
            out.sample(account[.misses], label, quoted: account.label, second: ",outcome=\"miss\"")
            if account[.stale] > 0 { out.sample(account[.stale], label, quoted: account.label, second: ",outcome=\"stale\"") }
        }
        out.family("reprise_\(label)_saved_usd_total", .counter, "US dollars that hits spared, by \(label), the cache's own costs not taken off.")
        for account in accounts { out.sample(Money(nanodollars: account[.savedNanodollars]).dollars, label, quoted: account.label) }
        out.family("reprise_\(label)_cost_usd_total", .counter, "US dollars that the cache itself spent on its behalf, by \(label).")
        for account in accounts { out.sample(Money(nanodollars: account[.costNanodollars]).dollars, label, quoted: account.label) }
        out.family("reprise_\(label)_saved_tokens_total", .counter, "Prompt and completion tokens that hits spared, by \(label).")
        for account in accounts {
            out.sample(account[.savedPromptTokens] + account[.savedCompletionTokens], label, quoted: account.label)
        }
    }
}
