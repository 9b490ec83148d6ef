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

import WireFormats
package import Logging
package import SemanticCache
package import Telemetry

/// Answers requests from the cache or from the upstream. All state lives in the parts it is given; a value can be shared freely.
package struct RequestPipeline: Sendable {
    private let live: LiveOptions
    let pressure: MemoryPressure
    let cache: AnswerCache
    let semantic: SemanticLookup
    package let learner: MatchLearner?
    let lateVectors: LateVectors
    let indexing: IndexingQueue?
    let forwarder: Forwarder
    private let access = AccessControl()
    let wordings = WordingCap()
    let patience = Patience()
    let coalescer = RequestCoalescer()
    let replayer: ResponseReplayer
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
        replayer = ResponseReplayer()
    }

    /// What the operator decided, as it stands now.
    var options: PipelineOptions { live.snapshot.options }

    /// The same for whoever asks more than once: one lock, and no copy.
    var settings: LiveOptions.Snapshot { live.snapshot }

    /// The life of a request. Never throws: whatever happens becomes a response.
    package func handle(_ request: ProxyRequest) async -> ProxyResponse {
        switch begin(request) {
        case .answered(let response): response
        case .underway(let begun): await finish(begun)
        }
    }

    /// Goes as far as memory alone carries: refusals and exact hits end here, without a task of their own. Does not block.
    package func begin(_ request: ProxyRequest) -> Beginning {
        let settings = settings
        let trace = RequestTrace(request, at: clock.now(), started: .now, observers: observers)
        func answered(_ response: ProxyResponse, in families: Set<PeerFamily> = []) -> Beginning {
            .answered(trace.close(response, in: families))
        }

        let admission: AccessControl.Admission
        switch access.admit(request, under: settings.options.access, at: clock.now()) {
        case .failure(let refusal):
            metrics.recordRefused()
            return answered(refusal.response(path: request.path))
        case .success(let admitted): admission = admitted
        }
        switch recognise(admission.request, caller: admission.caller, document: admission.document, settings, trace) {
        case .refused(let response):
            metrics.recordRefused()
            return answered(response)
        case .passThrough(let outgoing, let reason, let strippingControls):
            metrics.record(.bypass(reason), .init(endpoint: Endpoint(path: request.pathWithoutQuery)))
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
            let (isBatch, isHidden) = (lookUp.content.items.count > 1, hides(lookUp))
            let exact = isBatch || isHidden && lookUp.controls.onlyIfCached ? .unknown : exactFinding(lookUp)
            if case .answer(let response) = exact, !isHidden { return answered(response, in: lookUp.controls.families) }
            return .underway(Begun(request: request, trace: trace, step: .lookUp(lookUp, exact)))
        }
    }

    /// Goes on with what ``begin(_:)`` began: everything that waits for something.
    package func finish(_ begun: Begun) async -> ProxyResponse {
        switch begun.step {
        case .passThrough(let outgoing, let reason, let strippingControls):
            let response = await forwarder.passThrough(outgoing, reason: reason, strippingControls: strippingControls)
            return begun.trace.close(response, in: strippingControls ? PeerFamily.present(in: begun.request.fields) : [])
        case .lookUp(let lookUp, let exact):
            let response =
                if hides(lookUp) {
                    await hidden(hiddenAnswer(lookUp, exact), since: begun.trace.started)
                } else {
                    lookUp.content.items.count > 1 ? await RequestExecutor.away { await answerBatch(lookUp) } : await answer(lookUp, exact)
                }
            return begun.trace.close(response, in: lookUp.controls.families)
        }
    }

    /// Waits until every entry stored so far that can have a vector has it.
    package func settleVectors() async { await lateVectors.settle() }
}
