import Cache
import Learning
import SemanticCache
package import Telemetry

extension StatsReporter {
    /// Everything that is measured, in the Prometheus text format.
    package func exposition() async -> Exposition {
        var out = Exposition()
        let learned = learner?.report
        out.family("reprise_build_info", .gauge, "Always 1; the version stands in the label.")
        out.sample(1, ["version": version])
        out.single("reprise_uptime_seconds", .gauge, "Time since the proxy started.", (ContinuousClock.now - started).inSeconds)
        metrics.write(to: &out)
        out.single("reprise_hit_ratio", .gauge, "Hits by requests that were looked up, since the start.", metrics.snapshot.hitRatio)
        out.single("reprise_entries", .gauge, "Entries in the cache.", cache.count)
        out.single("reprise_searchable_entries", .gauge, "Entries that a rewording can find.", cache.searchableCount)
        out.family("reprise_storage_entries", .gauge, "Entries by the tier that their answer comes from: memory, or the disk alone.")
        let (entries, hot) = (cache.count, cache.hotCount)
        out.sample(min(hot, entries), ["tier": "memory"])
        out.sample(max(0, entries - hot), ["tier": "disk"])
        out.family("reprise_storage_bytes", .gauge, "Size of the cache, by tier.")
        out.sample(cache.memoryBytes, ["tier": "memory"])
        if let disk = try? await store.diskBytes() { out.sample(disk, ["tier": "disk"]) }
        out.family("reprise_queue_depth", .gauge, "What waits to be done behind the requests, by queue.")
        out.sample(writer.depth, ["queue": "store"])
        out.sample(indexing?.depth ?? 0, ["queue": "indexing"])
        out.sample(learned?.counts.waiting ?? 0, ["queue": "judge"])
        out.family("reprise_store_dropped_entries_total", .counter, "Entries not written because the store did not follow, by what was full.")
        let dropped = writer.droppedByReason
        for reason in NotWrittenReason.allCases { out.sample(dropped[reason] ?? 0, ["reason": reason.rawValue]) }
        out.single("reprise_store_up", .gauge, "Whether the store took the last batch.", writer.fault == nil ? 1 : 0)
        out.single("reprise_log_lines_dropped_total", .counter, "Log lines dropped because the reader did not follow.", droppedLines())
        out.single("reprise_embedder_up", .gauge, "Whether an embedding model is loaded.", embedder == nil ? 0 : 1)
        out.single("reprise_matching_threshold", .gauge, "Similarity from which a rewording may be served.", Double(options.threshold))
        if let learned { Self.write(learned, bound: options.errorBound, to: &out) }
        return out
    }

    private static func write(_ report: MatchLearner.Report, bound: Double, to out: inout Exposition) {
        out.single("reprise_matching_error_bound", .gauge, "Share of wrong answers that is allowed among those served by meaning.", bound)
        out.single("reprise_matching_error_estimate", .gauge, "Share of wrong answers among them, as the judge's labels say.", report.estimatedError)
        out.single("reprise_matching_error_upper_bound", .gauge, "What that share does not exceed, at 80 % confidence.", report.upperBound)
        if let cut = report.cut { out.single("reprise_matching_score_cut", .gauge, "Score from which a rewording is served, over all traffic.", cut) }
        out.single("reprise_matching_observations", .gauge, "Labels that the learned state rests on.", report.observations)
        out.single("reprise_matching_populations", .gauge, "Kinds of traffic with a state of their own.", report.populations)
        out.single("reprise_matching_explored_total", .counter, "Would-be hits that were forwarded to learn from.", report.explored)
        out.single("reprise_matching_labels_total", .counter, "Comparisons of a fresh answer with a cached one.", report.counts.labels)
        out.single("reprise_matching_labels_dropped_total", .counter, "Comparisons given up because the queue was full.", report.counts.dropped)
        out.single("reprise_matching_disputed_total", .counter, "Answers that were said to be wrong.", report.counts.disputed)
        out.family("reprise_judge_verdicts_total", .counter, "Verdicts of the judge, by what they rested on.")
        let verdicts = [
            ("equal", report.judge.equal), ("embedding", report.judge.embedded), ("model", report.judge.asked), ("unsure", report.judge.unsure),
            ("failed", report.judge.failed),
        ]
        for (basis, count) in verdicts { out.sample(count, ["basis": basis]) }
    }
}
