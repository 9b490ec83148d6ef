import SemanticCache
package import Telemetry

extension StatsReporter {
    /// Everything that is measured, in the Prometheus text format.
    package func exposition() async -> Exposition {
        var out = Exposition()
        out.family("reprise_build_info", .gauge, "Always 1; the version stands in the label.")
        out.sample(1, ["version": version])
        out.single("reprise_uptime_seconds", .gauge, "Time since the proxy started.", (ContinuousClock.now - started).inSeconds)
        metrics.write(to: &out)
        out.single("reprise_hit_ratio", .gauge, "Hits by requests that were looked up, since the start.", metrics.snapshot.hitRatio)
        out.single("reprise_entries", .gauge, "Entries in the cache.", cache.count)
        out.single("reprise_searchable_entries", .gauge, "Entries that a rewording can find.", cache.searchableCount)
        out.family("reprise_storage_bytes", .gauge, "Size of the cache, by tier.")
        out.sample(cache.memoryBytes, ["tier": "memory"])
        if let disk = try? await store.diskBytes() { out.sample(disk, ["tier": "disk"]) }
        out.family("reprise_queue_depth", .gauge, "What waits to be done behind the requests, by queue.")
        out.sample(writer.depth, ["queue": "store"])
        out.sample(indexing?.depth ?? 0, ["queue": "indexing"])
        out.single("reprise_store_dropped_entries_total", .counter, "Entries not written because the store did not follow.", writer.dropped)
        out.single("reprise_store_up", .gauge, "Whether the store took the last batch.", writer.fault == nil ? 1 : 0)
        out.single("reprise_log_lines_dropped_total", .counter, "Log lines dropped because the reader did not follow.", droppedLines())
        out.single("reprise_embedder_up", .gauge, "Whether an embedding model is loaded.", embedder == nil ? 0 : 1)
        out.single("reprise_matching_threshold", .gauge, "Similarity from which a rewording may be served.", Double(options.threshold))
        return out
    }
}
