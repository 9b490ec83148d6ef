// What the settings mean to the rooms that act on them: `LoadedSettings` to the options of the pipeline, of the learner and its judge, and to the cache's
// limits.
//
// Pure, and the only place where such options are made: the program and the tests take them from here, so that a test that names no value runs with the
// one that ships. Defaults are those of `Settings`; options have none of their own. What no key sets, such as the learner's queue, is given here.
//
// Left out: adapters, which need files, keys and sockets (put together by the commands).

import Learning
package import Proxy
import SemanticCache
package import Settings

extension PipelineOptions {
    /// What the settings mean for the life of a request; a reload exchanges it as a whole.
    package init(_ loaded: LoadedSettings) {
        let settings = loaded.settings
        self.init(
            isEnabled: settings.cache.enabled,
            access: AccessRules(loaded),
            storage: StoragePolicy(patterns: settings.cache.noStorePatterns, kinds: Set(settings.cache.noStoreDetect)),
            endpoints: Set(Endpoint.allCases).subtracting(settings.cache.embeddings ? [] : Endpoint.ofVectors),
            routingFields: RoutingFields(also: settings.cache.vary),
            ttl: settings.cache.ttl,
            maximumTTL: settings.cache.maxTTL,
            timeSensitiveTTL: .seconds(300),
            maximumAnswerBytes: settings.cache.maxAnswer.bytes,
            tools: settings.cache.tools,
            mode: settings.matching.mode,
            threshold: Float(settings.matching.threshold),
            profile: settings.matching.profile,
            errorBound: settings.matching.errorBound,
            overrides: settings.matching.overrides.map(MatchingOverride.init),
            timeSensitive: settings.matching.timeSensitive,
            askSplit: settings.matching.ask,
            semanticTools: settings.matching.semanticTools,
            candidateCount: settings.matching.candidates,
            maximumWordings: settings.matching.maxWordings,
            patience: settings.matching.patience,
            lookupDeadline: settings.embedder.timeout,
            replayPace: settings.recording.replayPace,
            asksForUsage: settings.recording.streamUsage == .always,
            staleIfError: settings.cache.staleIfError,
            staleWhileRevalidate: settings.cache.staleWhileRevalidate)
    }
}

extension MatchingOverride {
    fileprivate init(_ override: Settings.Override) {
        self.init(
            model: override.model, namespace: override.namespace, mode: override.mode, errorBound: override.errorBound, profile: override.profile,
            threshold: override.threshold.map(Float.init))
    }
}
