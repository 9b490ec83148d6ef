package import HTTPTypes
import SemanticCache

extension RequestPipeline {
    /// Whose entries a request may use in `namespace`; `nil` when it may use none, because nothing vouches for its caller.
    ///
    /// Off loopback, a caller is vouched for by a key that this proxy gave out, or, for its own entries alone, by having a credential at all.
    func tenant(of fields: HTTPFields, caller: AccessRules.Caller, namespace: String) -> TenantID? {
        let rules = options.access
        switch (caller, rules.sharing(in: namespace)) {
        case (.client, .pool): return tenants.pool
        case (.client(let client), .tenant): return tenants.tenant(client: client.name)
        case (.anyone, .pool): return rules.isOpen ? tenants.pool : nil
        case (.anyone, .tenant): return rules.isOpen || AccessRules.key(in: fields) != nil ? tenants.tenant(of: fields) : nil
        }
    }

    /// Whether an application may bring answers of its own, that no upstream gave: with a key that this proxy gave out, or where everybody is served.
    package func maySubmit(_ fields: HTTPFields) -> Bool {
        switch options.access.caller(of: fields) {
        case .client: true
        case .anyone: options.access.isOpen
        case nil: false
        }
    }

    /// A response from a pool that hides whether it was a hit: without the cache's fields, and not before the upstream would have answered.
    func hidden(_ response: ProxyResponse, since started: ContinuousClock.Instant) async -> ProxyResponse {
        var response = response
        var answer: Answer?
        if let id = response.fields[.xCacheEntry].flatMap({ EntryID($0) }) { answer = await cache.entry(id)?.answer }
        for name in [HTTPField.Name.age, .cacheStatus, .xCache, .xCacheMatch, .xCacheSimilarity, .xCacheEntry, .xCacheReason, .xRequestID] {
            response.fields[name] = nil
        }
        guard let answer else { return response }
        // A stream then follows in its recorded rhythm.
        var wait = answer.upstreamTime
        if case .events(let events) = answer.recording, let last = events.marks.last { wait -= .milliseconds(Int64(last.milliseconds)) }
        if wait > .zero { try? await Task.sleep(until: started + wait, clock: .continuous) }
        return response
    }
}
