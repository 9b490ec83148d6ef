import Cache
package import HTTPTypes
import Learning
import SemanticCache
import WireFormats

extension RequestPipeline {
    /// Whose entries a request may use in `namespace`; `nil` when it may use none, because nothing vouches for its caller.
    ///
    /// Off loopback, a caller is vouched for by a key that this proxy gave out, or, for its own entries alone, by having a credential at all.
    func tenant(of fields: HTTPFields, caller: AccessRules.Caller, namespace: String, under rules: AccessRules) -> TenantID? {
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

    /// On whose behalf the upstream is asked: the tenant, and in a pool whoever's credential goes out.
    ///
    /// What the provider says to one credential (that it is none, that it asks too often) it does not say to another. Where hits are hidden, nobody may
    /// learn either that somebody else asks the same at the moment.
    func principal(of lookUp: LookUp) -> TenantID {
        guard lookUp.tenant == tenants.pool else { return lookUp.tenant }
        if options.access.hidesPoolHits, case .client(let client) = lookUp.caller { return tenants.tenant(client: client.name) }
        return tenants.tenant(of: lookUp.request.fields)
    }

    // MARK: Pools that hide their hits

    /// Whether the response may not show that it came from a pool.
    func hides(_ lookUp: LookUp) -> Bool { lookUp.settings.options.access.hidesPoolHits && lookUp.tenant == tenants.pool }

    /// The answer from a pool that hides its hits. Questions that only a cache can answer get none: what is cached would be the answer to them.
    func hiddenAnswer(_ lookUp: LookUp, _ exact: ExactFinding) async -> ProxyResponse {
        if lookUp.controls.onlyIfCached { return await forward(lookUp, reason: .emptyScope, vector: nil) }
        // A batch goes out whole: one that the cache knows in parts would come sooner than one that it does not.
        if lookUp.content.items.count > 1 { return await forward(lookUp, reason: .exactOnly, vector: nil) }
        return await answer(lookUp, exact)
    }

    /// A response from a pool that hides whether it was a hit: without the cache's fields and the call's, framed as one that streams, and not before the
    /// upstream would have answered.
    func hidden(_ response: ProxyResponse, since started: ContinuousClock.Instant) async -> ProxyResponse {
        var response = response
        var answer: Answer?
        if let id = response.fields[.xCacheEntry].flatMap({ EntryID($0) }) { answer = await cache.entry(id)?.answer }
        for name in [HTTPField.Name.age, .cacheStatus, .xCache, .xCacheMatch, .xCacheSimilarity, .xCacheEntry, .xCacheReason, .xRequestID] {
            response.fields[name] = nil
        }
        if response.status == .ok {
            // An upstream's own id, limits and timings would tell that it was asked, and so would a length that only one of the two has.
            let encoding = response.fields[.contentEncoding]
            response.fields = AnswerRecorder.lasting(response.fields)
            response.fields[.contentEncoding] = encoding
            if case .bytes(let bytes) = response.body { response.body = .stream(ByteStream([bytes])) }
        }
        guard let answer else { return response }
        // A stream then follows in its recorded rhythm.
        var wait = answer.upstreamTime
        if case .events(let events) = answer.recording, let last = events.marks.last { wait -= .milliseconds(Int64(last.milliseconds)) }
        if wait > .zero { try? await Task.sleep(until: started + wait, clock: .continuous) }
        return response
    }

    /// The entry's answer as a call made now would bring it, in its dates too; `nil` where it came in the other form, for what is made of that here has
    /// neither the provider's rhythm nor its spelling.
    func asIfFresh(_ entry: Entry, for request: CacheableRequest) -> Answer? {
        var isStream = false
        if case .events = entry.answer.recording { isStream = true }
        guard isStream == request.wantsStream else { return nil }
        let late = clock.now() - entry.createdAt + entry.answer.upstreamTime
        return CreationTimes.moved(entry.answer, by: Int64(max(.zero, late).inSeconds))
    }
}
