import Options
import Proxy
import SemanticCache
import Testing

@testable import Settings

/// Whether what the catalogue says to take effect at once reaches the requests.
struct ReloadTests {
    private func options(_ text: String) throws -> PipelineOptions {
        PipelineOptions(try Settings.load(text: text, file: nil, environment: { $0 == "KEY" ? "0123456789abcdef" : nil }))
    }

    @Test func everySuchKeyIsPartOfWhatAReloadExchanges() throws {
        var seen: Set<String> = []
        func check(_ key: String, _ after: String, from before: String = "", _ shown: (PipelineOptions) -> String) throws {
            seen.insert(key)
            let (old, new) = (shown(try options(before)), shown(try options(after)))
            #expect(old != new, "\(key)")
        }
        try check("cache.enabled", "cache: {enabled: false}") { "\($0.isEnabled)" }
        try check("cache.ttl", "cache: {ttl: 1h}") { "\($0.ttl)" }
        try check("cache.max_ttl", "cache: {max_ttl: 60d}") { "\($0.maximumTTL)" }
        try check("cache.stale_if_error", "cache: {stale_if_error: 1m}") { "\($0.staleIfError)" }
        try check("cache.stale_while_revalidate", "cache: {stale_while_revalidate: 1m}") { "\($0.staleWhileRevalidate)" }
        try check("cache.max_answer", "cache: {max_answer: 1MiB}") { "\($0.maximumAnswerBytes)" }
        try check("cache.tools", "cache: {tools: off}") { "\($0.tools)" }
        try check("cache.vary", "cache: {vary: [x-region]}") { "\($0.routingFields)" }
        try check("cache.embeddings", "cache: {embeddings: false}") { "\($0.endpoints.contains(.embeddings))" }
        try check("cache.no_store_patterns", "cache: {no_store_patterns: [a]}") { "\($0.storage.patterns)" }
        try check("cache.no_store_detect", "cache: {no_store_detect: []}") { "\($0.storage.kinds.count)" }
        try check("matching.mode", "matching: {mode: threshold}") { "\($0.mode)" }
        try check("matching.error_bound", "matching: {error_bound: 0.5}") { "\($0.errorBound)" }
        try check("matching.threshold", "matching: {threshold: 0.5}") { "\($0.threshold)" }
        try check("matching.profile", "matching: {profile: strict}") { "\($0.profile)" }
        try check("matching.patience", "matching: {patience: 7}") { "\($0.patience)" }
        try check("matching.max_wordings", "matching: {max_wordings: 1}") { "\($0.maximumWordings)" }
        try check("matching.ask", "matching: {ask: whole}") { "\($0.askSplit)" }
        try check("matching.time_sensitive", "matching: {time_sensitive: match}") { "\($0.timeSensitive)" }
        try check("matching.semantic_tools", "matching: {semantic_tools: true}") { "\($0.semanticTools)" }
        try check("matching.overrides", "matching: {overrides: [{model: m, mode: exact}]}") { "\($0.overrides.count)" }
        try check("auth.clients", "auth: {clients: {app: {key_env: KEY}}}") { "\($0.access.asksForKey)" }
        try check("auth.open", "server: {host: 0.0.0.0}\nauth: {open: true}", from: "server: {host: 0.0.0.0}") { "\($0.access.isOpen)" }
        try check("tenancy.sharing", "tenancy: {sharing: pool}") { "\($0.access.sharing(in: ""))" }
        try check("tenancy.namespaces", "tenancy: {namespaces: {faq: {sharing: pool}}}") { "\($0.access.sharing(in: "faq"))" }
        try check("tenancy.hide_pool_hits", "tenancy: {hide_pool_hits: true}") { "\($0.access.hidesPoolHits)" }
        try check("recording.replay_pace", "recording: {replay_pace: recorded}") { "\($0.replayPace)" }
        try check("recording.stream_usage", "recording: {stream_usage: always}") { "\($0.asksForUsage)" }

        // Upstreams are made anew and certificates read anew: tests with real connections show that.
        let expected = SettingsCatalogue.sections.flatMap(\.named).filter { entry in
            if case .atStart = entry.key.effect { return false }
            return !["server", "upstream", "upstreams"].contains(String(entry.name.prefix { $0 != "." }))
        }
        #expect(seen == Set(expected.map(\.name)))
    }

    @Test func theLimitsOfALookUpAreThoseOfTheStart() throws {
        let running = try Settings.load(text: "", file: nil, environment: { _ in nil })
        var new = try Settings.load(text: "matching: {candidates: 2}\nembedder: {timeout: 1s}", file: nil, environment: { _ in nil })
        new.settings = running.settings.reloaded(as: new.settings).inEffect
        let options = PipelineOptions(new)
        #expect(options.candidateCount == 8 && options.lookupDeadline == .seconds(2))
    }
}
