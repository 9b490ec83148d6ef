// Proxy: the life of one request, from the parsed head to the response that goes back.
//
// `RequestPipeline.handle` reads like the list in the README: recognise, look up by key, look up by meaning, then replay or forward; a forwarded
// answer is recorded on its way and becomes an entry when it ended well.
//
// Invariants
// - A fault of the cache is a miss with a reason, never an error: nothing here throws at the client but what the upstream or the client did.
// - What is not looked up passes through byte for byte.
// - An entry is only ever found by its exact key or within its scope; both contain the tenant.
//
// Left out: sockets (Server), the store's and the provider's protocols (the adapters behind the ports), the decision itself (Matching).

import HTTPTypes
package import Logging
import Matching
package import SemanticCache
package import Telemetry
import WireFormats

/// Answers requests from the cache or from the upstream. All state lives in the parts it is given; a value can be shared freely.
package struct RequestPipeline: Sendable {
    /// What a request turned out to be.
    enum Recognised {
        case passThrough(ProxyRequest, BypassReason, strippingControls: Bool)
        case refused(ProxyResponse)
        case lookUp(LookUp)
    }

    /// A request that is looked up.
    struct LookUp: Sendable {
        var request: ProxyRequest
        var content: CacheableRequest
        let controls: RequestControls
        let tenant: TenantID
        let namespace: String
        let started: ContinuousClock.Instant
        let trace: RequestTrace
        /// What is to be learned from the fresh answer, when the request is forwarded.
        var lesson: LabelJob.Kind?

        /// What the path adds to the endpoint: a query string may name an API version or a deployment.
        var key: CacheKey { content.key(tenant: tenant, namespace: namespace, pathAndQuery: request.variant) }
        var scope: Scope? { content.scope(tenant: tenant, namespace: namespace, pathAndQuery: request.variant) }
        var labels: ProxyMetrics.Labels { .init(endpoint: content.endpoint, model: content.model, tenant: tenant, namespace: namespace) }
    }

    /// How far ``begin(_:)`` came.
    package enum Beginning: Sendable {
        case answered(ProxyResponse)
        /// To be given to ``finish(_:)``, once.
        case underway(Begun)
    }

    /// A request that was let in and read.
    package struct Begun: Sendable {
        enum Step: Sendable {
            case passThrough(ProxyRequest, BypassReason, strippingControls: Bool)
            case lookUp(LookUp, ExactFinding)
        }

        package let request: ProxyRequest
        let trace: RequestTrace
        let step: Step
    }

    /// What became of the look-up by key.
    enum ExactFinding: Sendable {
        case answer(ProxyResponse)
        /// A hit that is asked afresh to learn how much answers to one question differ.
        case sample(Entry)
        /// An entry that cannot be given in the form that is asked for.
        case unfit
        case missing(MissReason)
        /// Memory does not tell.
        case unknown
    }

    private let live: LiveOptions
    private let pressure: MemoryPressure
    let cache: AnswerCache
    let semantic: SemanticLookup
    package let learner: MatchLearner?
    private let lateVectors: LateVectors
    let indexing: IndexingQueue?
    private let forwarder: Forwarder
    private let access = AccessControl()
    let wordings = WordingCap()
    private let coalescer: RequestCoalescer
    private let replayer: ResponseReplayer
    let tenants: TenantResolver
    let metrics: ProxyMetrics
    let ids: EntryIDSource
    let clock: any WallClock
    let embedder: (any Embedder)?
    private let observers: [any RequestObserver]
    let logger: Logger

    /// - Parameters:
    ///   - embedder: `nil` serves exact repeats only.
    ///   - indexing: embeds entries that were stored without a look-up; `nil` leaves them exact-only.
    ///   - learner: decides in modes `calibrated` and `shadow`; without one they are as `threshold`.
    ///   - observers: told of each request when its response has ended.
    package init(
        options live: LiveOptions, pressure: MemoryPressure = MemoryPressure(), cache: AnswerCache, embedder: (any Embedder)?,
        indexing: IndexingQueue?, learner: MatchLearner? = nil, upstream: any Upstream, tenants: TenantResolver, metrics: ProxyMetrics,
        ids: EntryIDSource, clock: any WallClock,
        observers: [any RequestObserver] = [], logger: Logger
    ) {
        self.live = live
        self.pressure = pressure
        self.cache = cache
        self.indexing = indexing
        self.learner = learner
        self.tenants = tenants
        self.metrics = metrics
        self.ids = ids
        self.clock = clock
        self.observers = observers
        self.logger = logger
        self.embedder = embedder
        lateVectors = LateVectors(cache: cache, indexing: indexing)
        let options = live.current
        semantic = SemanticLookup(
            cache: cache, embedder: embedder, lateVectors: lateVectors, metrics: metrics, clock: clock, deadline: options.lookupDeadline,
            candidateCount: options.candidateCount)
        forwarder = Forwarder(upstream: upstream, metrics: metrics)
        coalescer = RequestCoalescer(limit: options.maximumAnswerBytes)
        replayer = ResponseReplayer()
    }

    /// What the operator decided, as it stands now.
    var options: PipelineOptions { live.snapshot.options }

    /// The life of a request. Never throws: whatever happens becomes a response.
    package func handle(_ request: ProxyRequest) async -> ProxyResponse {
        switch begin(request) {
        case .answered(let response): response
        case .underway(let begun): await finish(begun)
        }
    }

    /// Goes as far as memory alone carries: refusals and exact hits end here, without a task of their own. Does not block.
    package func begin(_ request: ProxyRequest) -> Beginning {
        let options = options
        let trace = RequestTrace(request, at: clock.now(), started: .now, observers: observers)
        func answered(_ response: ProxyResponse) -> Beginning { .answered(trace.follow(response)) }

        let admission: AccessControl.Admission
        switch access.admit(request, under: options.access, at: clock.now()) {
        case .failure(let refusal):
            metrics.recordRefused()
            return answered(refusal.response(path: request.path))
        case .success(let admitted): admission = admitted
        }
        switch recognise(admission.request, caller: admission.caller, document: admission.document, options, trace) {
        case .refused(let response):
            metrics.recordRefused()
            return answered(response)
        case .passThrough(let outgoing, let reason, let strippingControls):
            metrics.record(.bypass(reason), .init(endpoint: Endpoint(rawValue: String(request.pathWithoutQuery))))
            trace.note { $0.outcome = .bypass(reason) }
            if strippingControls, let refusal = Self.refusalToForward(request, reason) { return answered(refusal) }
            return .underway(Begun(request: request, trace: trace, step: .passThrough(outgoing, reason, strippingControls: strippingControls)))
        case .lookUp(let lookUp):
            trace.note { record in
                record.endpoint = lookUp.content.endpoint
                record.model = lookUp.content.model
                record.tenant = lookUp.tenant
                record.namespace = lookUp.namespace
                record.content = lookUp.content
                record.tags = lookUp.controls.tags
            }
            let exact = lookUp.content.items.count > 1 ? .unknown : exactFinding(lookUp)
            if case .answer(let response) = exact, !hides(lookUp) { return answered(response.answering(lookUp.controls.families)) }
            return .underway(Begun(request: request, trace: trace, step: .lookUp(lookUp, exact)))
        }
    }

    /// Goes on with what ``begin(_:)`` began: everything that waits for something.
    package func finish(_ begun: Begun) async -> ProxyResponse {
        let response: ProxyResponse
        switch begun.step {
        case .passThrough(let outgoing, let reason, let strippingControls):
            response = await forwarder.passThrough(outgoing, reason: reason, strippingControls: strippingControls)
                .answering(strippingControls ? PeerFamily.present(in: begun.request.fields) : [])
        case .lookUp(let lookUp, let exact):
            var answer = lookUp.content.items.count > 1 ? await answerBatch(lookUp) : await answer(lookUp, exact)
            if hides(lookUp) { answer = await hidden(answer, since: begun.trace.started) }
            response = answer.answering(lookUp.controls.families)
        }
        return begun.trace.follow(response)
    }

    /// Whether the response may not show that it came from a pool.
    private func hides(_ lookUp: LookUp) -> Bool { options.access.hidesPoolHits && lookUp.tenant == tenants.pool }

    /// Waits until every entry stored so far that can have a vector has it.
    package func settleVectors() async { await lateVectors.settle() }

    // MARK: 2. What is it?

    /// - Parameter document: the body, where it was read at the door.
    func recognise(
        _ request: ProxyRequest, caller: AccessRules.Caller, document: JSONDocument? = nil, _ options: PipelineOptions, _ trace: RequestTrace
    ) -> Recognised {
        let path = request.pathWithoutQuery
        guard ProxyPath.isSafe(path) else {
            return .refused(
                ErrorResponse.client(.badRequest, message: "The path may not contain dot segments or encoded separators.", code: "bad_path"))
        }
        guard let endpoint = Endpoint(path: path), options.endpoints.contains(endpoint) else {
            return .passThrough(request, .path, strippingControls: false)
        }
        guard request.method == .post else { return .passThrough(request, .method, strippingControls: false) }
        do throws(RequestError) {
            return try recogniseControlled(request, caller: caller, endpoint: endpoint, document: document, options, trace)
        } catch {
            return .refused(ErrorResponse.client(.badRequest, message: error.message, param: error.param, path: request.path))
        }
    }

    /// A request to a cached endpoint. Controls are looked at first: one that cannot be understood is an error even where nothing is looked up.
    private func recogniseControlled(
        _ request: ProxyRequest, caller: AccessRules.Caller, endpoint: Endpoint, document: JSONDocument?, _ options: PipelineOptions,
        _ trace: RequestTrace
    ) throws(RequestError) -> Recognised {
        var controls = try RequestControls(request.fields)
        guard options.isEnabled else { return .passThrough(request, .disabled, strippingControls: true) }
        guard !controls.noStore, controls.mode != .off else { return .passThrough(request, .requested, strippingControls: true) }
        guard case .bytes(let body) = request.body else { return .passThrough(request, .encodedBody, strippingControls: true) }
        if let encoding = request.fields.value(of: .contentEncoding), encoding.lowercased() != "identity" {
            return .passThrough(request, .encodedBody, strippingControls: true)
        }
        switch RequestReader.read(endpoint: endpoint, body: body, document: document) {
        case .bypass(let reason):
            return .passThrough(request, reason, strippingControls: true)
        case .invalid(let error):
            throw error
        case .cacheable(let content):
            // Controls that peers of this program put into the body are the cache's, and no model knows them.
            controls = controls.merging(content.bodyControls)
            let outgoing = content.strippedBody.map { request.withBody($0) } ?? request
            guard !controls.noStore, controls.mode != .off else { return .passThrough(outgoing, .requested, strippingControls: true) }
            if content.hasTools, options.tools == .off { return .passThrough(outgoing, .tools, strippingControls: true) }
            let namespace = controls.namespace ?? ""
            guard let tenant = tenant(of: request.fields, caller: caller, namespace: namespace) else {
                return .passThrough(outgoing, .unauthenticated, strippingControls: true)
            }
            return .lookUp(
                LookUp(
                    request: outgoing, content: content, controls: controls, tenant: tenant, namespace: namespace, started: trace.started,
                    trace: trace))
        }
    }

    // MARK: 3 to 7. Look up, then replay or forward

    private func answer(_ lookUp: LookUp, _ begun: ExactFinding) async -> ProxyResponse {
        var finding = begun
        if case .unknown = finding { finding = self.finding(await lookUpExactly(lookUp.key, lookUp.controls), for: lookUp) }
        let exactReason: MissReason
        switch finding {
        case .answer(let response): return response
        case .sample(let entry): return await forward(lookUp.teaching(.noise(entry)), reason: .explored, vector: nil)
        case .unfit: return await forward(lookUp, reason: .incompleteEntry, vector: nil)
        case .missing(.expired):
            if let entry = await cache.entry(for: lookUp.key), staleWhileRevalidate(entry, controls: lookUp.controls),
                let response = replay(entry, as: .stale, for: lookUp)
            {
                refresh(lookUp)
                return response
            }
            exactReason = .expired
        case .missing(let reason): exactReason = reason
        case .unknown: exactReason = .emptyScope
        }
        if exactReason == .refreshRequested { learner?.noteRefresh(lookUp.key) }
        let found = await lookUpByMeaning(lookUp, unless: exactReason)
        if let evidence = found.decision?.evidence {
            lookUp.trace.note { $0.evidence = evidence }
            if let similarity = evidence.similarity {
                var isServed = false
                if case .serve = found.verdict { isServed = true }
                metrics.similarities.record(similarity, isServed: isServed)
            }
        }
        let lookUp = lookUp.teaching(noteDecision(found, for: lookUp))
        switch found.verdict {
        case .serve(let entry, let similarity):
            if let response = replay(entry, as: .semantic(similarity: similarity), for: lookUp) {
                noteServed(found, entry, for: lookUp)
                return response
            }
            return await forward(lookUp, reason: .incompleteEntry, vector: found.vector)
        case .forward(let reason):
            return await forward(lookUp, reason: reason, vector: found.vector)
        }
    }

    /// Step 3. The reason of a failure is `emptyScope` when there is nothing under the key.
    func lookUpExactly(_ key: CacheKey, _ controls: RequestControls) async -> Result<Entry, MissReason> {
        if controls.wantsFresh { return .failure(.refreshRequested) }
        guard let entry = await cache.entry(for: key) else { return .failure(.emptyScope) }
        return usable(entry, controls)
    }

    /// Step 3 as far as memory knows.
    private func exactFinding(_ lookUp: LookUp) -> ExactFinding {
        if lookUp.controls.wantsFresh { return .missing(.refreshRequested) }
        switch cache.remembered(lookUp.key) {
        case .entry(let entry): return finding(usable(entry, lookUp.controls), for: lookUp)
        case .stored: return .unknown
        case .nothing: return .missing(.emptyScope)
        }
    }

    private func finding(_ found: Result<Entry, MissReason>, for lookUp: LookUp) -> ExactFinding {
        switch found {
        case .failure(let reason): return .missing(reason)
        case .success(let entry):
            if isNoiseSample(lookUp) { return .sample(entry) }
            return replay(entry, as: .exact, for: lookUp).map { .answer($0) } ?? .unfit
        }
    }

    private func usable(_ entry: Entry, _ controls: RequestControls) -> Result<Entry, MissReason> {
        let now = clock.now()
        if entry.isExpired(at: now) { return .failure(.expired) }
        if let maximum = controls.maxAge, now - entry.createdAt > maximum { return .failure(.tooOld) }
        return .success(entry)
    }

    /// Steps 4 to 6. A reason of the exact tier that says more than "nothing there" stands in place of an empty scope.
    ///
    /// - Parameters:
    ///   - explores: whether chance may forward what could be served.
    ///   - seen: told the candidates.
    func lookUpByMeaning(
        _ lookUp: LookUp, unless exactReason: MissReason, explores: Bool = true, seen: ([Candidate]) -> Void = { _ in }
    ) async -> SemanticLookup.Result {
        if exactReason == .refreshRequested { return SemanticLookup.Result(verdict: .forward(.refreshRequested)) }
        if pressure.level > .none { return forwardExact(exactReason, else: .memoryShort) }
        let matching = matching(of: lookUp)
        if matching.mode == .exact || lookUp.controls.mode == .exact { return forwardExact(exactReason, else: .exactOnly) }
        if lookUp.content.hasTools, !options.semanticTools { return forwardExact(exactReason, else: .tools) }
        guard let query = lookUp.content.query, let scope = lookUp.scope else {
            return forwardExact(exactReason, else: lookUp.content.noScopeReason ?? .notText)
        }
        if isOfTheMoment(query) { return forwardExact(exactReason, else: .timeSensitive) }
        var result = await semantic.find(
            query, in: scope, maximumAge: lookUp.controls.maxAge, candidates: { candidates($0) },
            decide: { found in
                seen(found)
                return await decide(query, found, for: lookUp, matching, explores: explores)
            })
        if case .serve(let entry, _) = result.verdict, !wordings.admits(query, of: entry.id, limit: options.maximumWordings) {
            result.verdict = .forward(.verificationDue)
        }
        if case .forward(.emptyScope) = result.verdict, exactReason != .emptyScope { result.verdict = .forward(exactReason) }
        if matching.mode == .shadow, explores, case .serve(let entry, let similarity) = result.verdict {
            logger.info("shadow hit", metadata: ["request": "\(lookUp.request.id)", "entry": "\(entry.id)", "similarity": "\(similarity)"])
            result.verdict = .forward(.exactOnly)
        }
        return result
    }

    private func forwardExact(_ exactReason: MissReason, else reason: MissReason) -> SemanticLookup.Result {
        SemanticLookup.Result(verdict: .forward(exactReason == .emptyScope ? reason : exactReason))
    }

    /// Step 7a; `nil` when the answer does not exist in the form that is asked for.
    func replay(_ entry: Entry, as match: CacheOutcome.Match, for lookUp: LookUp) -> ProxyResponse? {
        let now = clock.now()
        let isHidden = options.access.hidesPoolHits && lookUp.tenant == tenants.pool
        guard var response = replayer.replay(entry.answer, for: lookUp.content, pace: isHidden ? .recorded : options.replayPace) else { return nil }
        response.fields.merge(CacheOutcome.hit(match, entry: entry.id, age: now - entry.createdAt, remaining: entry.expiresAt - now).fields)
        response.fields.set(.xRequestID, lookUp.request.id)
        cache.touch(entry.id)
        let elapsed = ContinuousClock.now - lookUp.started
        let saving = ProxyMetrics.Saving(usage: entry.answer.usage, upstreamTime: entry.answer.upstreamTime, hitTime: elapsed)
        switch match {
        case .exact:
            metrics.record(.exactHit, lookUp.labels, saving: saving)
            metrics.exactHitLatency.record(elapsed)
        case .semantic:
            metrics.record(.semanticHit, lookUp.labels, saving: saving)
            metrics.semanticHitLatency.record(elapsed)
        case .stale:
            metrics.record(.stale, lookUp.labels, saving: saving)
        }
        lookUp.trace.note { record in
            record.outcome = .hit(match, entry: entry.id)
            record.answer = entry.answer
        }
        return response
    }

    /// Step 7b, with an older answer in hand where the upstream has none.
    func forward(_ lookUp: LookUp, reason: MissReason, vector: UnitVector?) async -> ProxyResponse {
        lookUp.trace.note { $0.outcome = .miss(reason, isCollapsed: false) }
        let response = await fetch(lookUp, reason: reason, vector: vector)
        if Self.saysNotNow(response), let spared = await spared(lookUp) { return spared }
        if Self.saysNotNow(response), let entry = await standIn(for: lookUp.key, controls: lookUp.controls),
            let stale = replay(entry, as: .stale, for: lookUp)
        {
            return stale
        }
        metrics.record(.miss(reason), lookUp.labels)
        return response
    }

    /// Fetches a fresh answer for the cache alone. Nothing happens when an equal call is under way.
    private func refresh(_ lookUp: LookUp) {
        let key = RequestCoalescer.Key(key: lookUp.key, wantsStream: lookUp.content.wantsStream, wantsUsage: lookUp.content.wantsUsage)
        guard case .leader(let flight, let subscription) = coalescer.join(key) else { return }
        launch(flight, for: lookUp, vector: nil, key: key, attending: subscription)
    }

    /// Steps 7b and 8: equal requests in flight share one call, and the answer is recorded on its way.
    private func fetch(_ lookUp: LookUp, reason: MissReason, vector: UnitVector?) async -> ProxyResponse {
        if lookUp.controls.onlyIfCached {
            return ErrorResponse.client(
                .gatewayTimeout, message: "Nothing cached may answer this request (\(reason.rawValue)), and only-if-cached forbids asking the model.",
                type: "cache_miss", code: "only_if_cached", path: lookUp.request.path
            ).adding(CacheOutcome.onlyIfCached(reason).fields)
        }
        metrics.missOverhead.record(ContinuousClock.now - lookUp.started)
        // A request that insists on a fresh answer gets a call of its own.
        guard reason != .refreshRequested else {
            let (flight, subscription) = coalescer.alone()
            launch(flight, for: lookUp, vector: vector, key: nil)
            return response(await subscription.head(), subscription, of: lookUp, reason: reason, isCollapsed: false)
        }
        let key = RequestCoalescer.Key(key: lookUp.key, wantsStream: lookUp.content.wantsStream, wantsUsage: lookUp.content.wantsUsage)
        // When a leader fails before its head came, one of its followers makes the next call and the others follow that one. After the second
        // failure the fault is the upstream's and not the leader's, and all are told: no herd of calls of their own.
        var handovers = 1
        while true {
            switch coalescer.join(key) {
            case .leader(let flight, let subscription):
                launch(flight, for: lookUp, vector: vector, key: key)
                return response(await subscription.head(), subscription, of: lookUp, reason: reason, isCollapsed: false)
            case .follower(let subscription):
                let head = await subscription.head()
                if case .failure = head, handovers > 0, !Task.isCancelled {
                    handovers -= 1
                    continue
                }
                metrics.recordCoalesced()
                lookUp.trace.note { $0.outcome = .miss(reason, isCollapsed: true) }
                return response(head, subscription, of: lookUp, reason: reason, isCollapsed: true)
            }
        }
    }

    /// - Parameter attending: the flight's only reader, where no client waits: it is read to the end here.
    private func launch(
        _ flight: Flight, for lookUp: LookUp, vector: UnitVector?, key: RequestCoalescer.Key?, attending: Flight.Subscription? = nil
    ) {
        let isShort = pressure.level > .none
        let limit = isShort ? 0 : options.maximumAnswerBytes(for: lookUp.content)
        let recorder = ResponseRecorder(forwarder: forwarder, flight: flight, limit: limit)
        let departed = ContinuousClock.now
        flight.launch {
            // A vector that the look-up did not need is made while the upstream works.
            let late = vector.map { LateVector($0) } ?? (isShort ? nil : lateVector(of: lookUp.content))
            async let attended: Void = Self.readToTheEnd(attending)
            await recorder.run(lookUp.outgoing(asksForUsage: options.asksForUsage), content: lookUp.content) { recorded in
                let kept = isShort ? .failure(.memoryShort) : mayStore(lookUp.request) ? recorded : .failure(.sensitive)
                store(kept, of: lookUp, vector: late, departed: departed)
            }
            if let key { coalescer.close(key, flight) }
            await attended
        }
    }

    private static func readToTheEnd(_ subscription: Flight.Subscription?) async {
        guard let subscription else { return }
        do { for try await _ in subscription.body {} } catch { return }
    }

    private func response(
        _ head: Result<Flight.Head, UpstreamError>, _ subscription: Flight.Subscription, of lookUp: LookUp, reason: MissReason, isCollapsed: Bool
    ) -> ProxyResponse {
        switch head {
        case .success(let head):
            let isStored =
                head.status == .ok && !isCollapsed && !lookUp.controls.isReadOnly && lookUp.controls.ttl != .zero && pressure.level == .none
            var answer = ProxyResponse(status: head.status, fields: head.fields, body: .stream(subscription.body))
            if options.asksForUsage, lookUp.content.hidesUsage { answer.hideUsage(subscription.body) }
            return answer.adding(CacheOutcome.miss(reason, isStored: isStored, isCollapsed: isCollapsed).fields)
        case .failure(let error):
            return ErrorResponse.upstream(error, path: lookUp.request.path).adding(
                CacheOutcome.miss(reason, isStored: false, isCollapsed: isCollapsed).fields)
        }
    }

    // MARK: 9. Remember

    private func store(_ recorded: Result<RecordedAnswer, NotStoredReason>, of lookUp: LookUp, vector: LateVector?, departed: ContinuousClock.Instant)
    {
        switch recorded {
        case .failure(let reason):
            metrics.recordNotStored(reason)
            lookUp.trace.note { $0.notStored = reason }
            logger.debug("answer not stored", metadata: ["request": "\(lookUp.request.id)", "reason": "\(reason.rawValue)"])
        case .success(let recorded):
            let answer = Answer(
                recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: ContinuousClock.now - departed)
            if let usage = answer.usage {
                metrics.recordSpending(usage, lookUp.labels)
                if lookUp.isExploration { metrics.recordCost(.exploration, model: lookUp.content.model, usage: usage, lookUp.labels) }
            }
            lookUp.trace.note { $0.answer = answer }
            if lookUp.content.items.count > 1 {
                rememberParts(answer, of: lookUp)
            } else {
                remember(answer, of: lookUp, vector: vector)
            }
        }
    }

    private func lateVector(of content: CacheableRequest) -> LateVector? {
        guard let query = content.query, embedder != nil, isSearchable(content) else { return nil }
        return LateVector { await semantic.vector(of: query) }
    }

    private func remember(_ answer: Answer, of lookUp: LookUp, vector: LateVector?) {
        let now = clock.now()
        let query = lookUp.content.subject
        let ttl = timeToLive(asked: lookUp.controls.ttl, query: lookUp.content.query ?? "")
        guard ttl > .zero, !lookUp.controls.isReadOnly else { return }
        let entry = Entry(
            id: ids.next(), key: lookUp.key, scope: isSearchable(lookUp.content) ? lookUp.scope : nil, tenant: lookUp.tenant,
            namespace: lookUp.namespace, endpoint: lookUp.content.endpoint, model: lookUp.content.model, tags: lookUp.controls.tags, query: query,
            answer: answer, createdAt: now, expiresAt: now + ttl)
        guard let scope = entry.scope, let vector, let embedder else {
            return cache.insert(CacheRecord(entry: entry, embedding: nil))
        }
        let embedding = vector.ready.map { StoredEmbedding(vector: $0, fingerprint: embedder.fingerprint) }
        cache.insert(CacheRecord(entry: entry, embedding: embedding))
        if embedding == nil { lateVectors.follow(vector, to: entry.id, in: scope, query: query) }
        learn(from: entry, of: lookUp)
    }

    /// Whether the operator lets the answer to this request be stored.
    private func mayStore(_ request: ProxyRequest) -> Bool {
        guard case .bytes(let body) = request.body else { return false }
        return options.storage.allowsStoring(body)
    }

    /// How long an answer is kept: as asked, else as configured, within the configuration's limits.
    func timeToLive(asked: Duration?, query: String) -> Duration {
        let ttl = min(asked ?? options.ttl, options.maximumTTL)
        return isOfTheMoment(query) ? min(ttl, options.timeSensitiveTTL) : ttl
    }

    /// Whether rewordings may find the answer to this request.
    func isSearchable(_ content: CacheableRequest) -> Bool {
        (options.mode != .exact || !options.overrides.isEmpty) && (!content.hasTools || options.semanticTools) && !isOfTheMoment(content.query ?? "")
    }

    /// Whether the prompt speaks of a moment, and the operator wants care taken of that.
    private func isOfTheMoment(_ query: String) -> Bool {
        options.timeSensitive == .exact && TimeSensitivity.phrase(in: query) != nil
    }
}
