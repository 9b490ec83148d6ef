// Proxy: the life of one request, from the parsed head to the response that goes back.
//
// `RequestPipeline` reads like the list in the README, downwards: recognise, look up, replay or forward. Each step is a part in a folder of its own that
// returns what it found; what becomes of a request is one value, an `Outcome`, and the `Reporter` alone writes it down.
//
// Invariants
// - A fault of the cache is a miss with a reason, never an error: nothing here throws at the client but what the upstream or the client did.
// - What is not looked up passes through byte for byte.
// - An entry is only ever found by its exact key or within its scope; both contain the tenant.
//
// Left out: sockets (Server), the store's and the provider's protocols (the adapters behind the ports), the decision itself (Matching).

package import Cache
package import HTTPTypes
package import Learning
package import Logging
import Matching
package import SemanticCache
package import Sharing
package import Telemetry
import WireFormats

/// Answers requests from the cache or from the upstream. All state lives in the parts it is given; a value can be shared freely.
package struct RequestPipeline: Sendable {
    /// What holds for requests that come now. Behind the front, a request's own settings hold, whatever is decided until it ends.
    private let live: LiveOptions
    let cache: AnswerCache
    private let access = AccessControl()
    let tenants: TenantResolver
    let recogniser: Recogniser
    let lookUps: LookUps
    let lessons: Lessons
    let replays: Replays
    private let standIns: StandIns
    private let calls: Calls
    private let reporter: Reporter
    private let forwarder: Forwarder
    let ids: EntryIDSource
    let clock: any WallClock
    let embedder: (any Embedder)?
    let indexing: IndexingQueue?
    private let lateVectors: LateVectors
    package let learner: MatchLearner?

    /// - Parameters:
    ///   - embedder: `nil` serves exact repeats only.
    ///   - indexing: embeds entries that were stored without a look-up; `nil` leaves them exact-only.
    ///   - shared: what several proxies share; `nil` where this one is alone.
    ///   - learner: decides in modes `calibrated` and `shadow`; without one they are as `threshold`.
    ///   - observers: told of each request when its response has ended.
    ///   - sleep: waits for the end of connections whose answers are whole.
    package init(
        options live: LiveOptions, pressure: MemoryPressure = MemoryPressure(), cache: AnswerCache, embedder: (any Embedder)?,
        indexing: IndexingQueue?, shared: SharedCache? = nil, learner: MatchLearner? = nil, upstream: any Upstream, tenants: TenantResolver,
        metrics: ProxyMetrics, ids: EntryIDSource, clock: any WallClock,
        observers: [any RequestObserver] = [], logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.live = live
        self.cache = cache
        self.tenants = tenants
        self.ids = ids
        self.clock = clock
        self.embedder = embedder
        self.indexing = indexing
        self.learner = learner
        lateVectors = LateVectors(cache: cache, indexing: indexing)
        let conversations = Conversations(cache: cache, clock: clock)
        recogniser = Recogniser(tenants: tenants, conversations: conversations)
        let (patience, wordings) = (Patience(), WordingCap())
        let tiers: [any CacheTier] =
            [LocalTier(cache: cache, lateVectors: lateVectors)] + (shared.map { [SharedCacheTier(shared: $0)] } ?? [])
        lookUps = LookUps(
            tiers: tiers,
            byMeaning: MeaningLookUp(
                tiers: tiers, embedder: embedder, learner: learner, patience: patience, wordings: wordings, clock: clock),
            pressure: pressure, clock: clock)
        lessons = Lessons(learner: learner, patience: patience, wordings: wordings, conversations: conversations, metrics: metrics, logger: logger)
        replays = Replays(cache: cache, tenants: tenants, clock: clock)
        standIns = StandIns(cache: cache, replays: replays, learner: learner, wordings: wordings, clock: clock)
        reporter = Reporter(metrics: metrics, observers: observers, logger: logger)
        forwarder = Forwarder(upstream: upstream, metrics: metrics)
        calls = Calls(
            forwarder: forwarder,
            keeper: Keeper(
                cache: cache, lateVectors: lateVectors, conversations: conversations, learner: learner, fingerprint: embedder?.fingerprint,
                ids: ids, clock: clock),
            tenants: tenants, pressure: pressure, reporter: reporter, crossOrigin: replays.crossOrigin, sleep: sleep)
    }

    /// What the operator has decided, as it stands now: for those who bring something in themselves.
    var settings: LiveOptions.Snapshot { live.snapshot }

    /// Lets other options hold for requests that come from now on.
    func exchange(_ options: PipelineOptions) { live.exchange(for: options) }

    // MARK: The front

    /// The life of a request. Never throws: whatever happens becomes a response.
    package func handle(_ request: ProxyRequest) async -> ProxyResponse { await answer(to: request).response }

    /// The same, with what became of the request.
    func answer(to request: ProxyRequest) async -> (response: ProxyResponse, outcome: Outcome) {
        switch begin(reading: request) {
        case .reply(let reply, let heard): report(reply, heard)
        case .underway(let begun): await end(begun)
        }
    }

    /// Goes as far as memory alone carries: refusals and exact hits end here, without a task of their own. Does not block.
    package func begin(_ request: ProxyRequest) -> Beginning {
        switch begin(reading: request) {
        case .reply(let reply, let heard): .answered(report(reply, heard).response)
        case .underway(let begun): .underway(begun)
        }
    }

    /// Goes on with what ``begin(_:)`` began: everything that waits for something.
    package func finish(_ begun: Begun) async -> ProxyResponse { await end(begun).response }

    private func begin(reading request: ProxyRequest) -> FirstStep {
        let settings = settings
        let trace = reporter.begin(request, at: clock.now())
        let path = request.path[...]
        func refused(_ response: ProxyResponse) -> FirstStep { .reply(Reply(.refused, response), Heard(trace, endpointOf: path)) }
        let admission: AccessControl.Admission
        switch access.admit(request, under: settings.options.access, at: clock.now()) {
        case .failure(let refusal): return refused(refusal.response(path: request.path))
        case .success(let admitted): admission = admitted
        }
        switch recogniser.recognise(admission, settings, trace) {
        case .refused(let response): return refused(response)
        case .passThrough(let outgoing, let reason, let strippingControls):
            var heard = Heard(trace, endpointOf: path)
            guard strippingControls else { return .underway(Begun(heard: heard, step: .passThrough(outgoing, reason, strippingControls: false))) }
            heard.families = PeerFamily.present(in: request.fields)
            if (try? RequestControls(request.fields))?.onlyIfCached ?? false {
                return .reply(Reply.onlyIfCached(.bypass(reason), path: request.path), heard)
            }
            return .underway(Begun(heard: heard, step: .passThrough(outgoing, reason, strippingControls: true)))
        case .inquiry(let inquiry):
            trace.update { $0.describe(inquiry) }
            let heard = Heard(inquiry, isHidden: tenants.hides(inquiry))
            // Looked at before memory is, so that no answer is kept unseen in between.
            let known = inquiry.isBatch || calls.isEnding(inquiry.key) ? .unknown : lookUps.remembered(inquiry)
            guard !heard.isHidden, case .found(let found) = known else { return .underway(Begun(heard: heard, step: .inquiry(inquiry, known))) }
            switch serve(found, to: inquiry) {
            case .reply(let reply): return .reply(reply, heard)
            case .call(let order): return .underway(Begun(heard: heard, step: .call(inquiry, order)))
            }
        }
    }

    private func end(_ begun: Begun) async -> (response: ProxyResponse, outcome: Outcome) {
        let reply: Reply
        switch begun.step {
        case .passThrough(let outgoing, let reason, let strippingControls):
            reply = Reply(.bypass(reason), await forwarder.passThrough(outgoing, strippingControls: strippingControls))
        case .call(let inquiry, let order): reply = await call(inquiry, order)
        case .inquiry(let inquiry, let known) where begun.heard.isHidden:
            reply = await HiddenPool.hidden(answerHidden(inquiry, known), since: inquiry.started)
        case .inquiry(let inquiry, _) where inquiry.isBatch: reply = await RequestExecutor.away { await answerBatch(inquiry) }
        case .inquiry(let inquiry, let known): reply = await answer(inquiry, known)
        }
        return report(reply, begun.heard)
    }

    private func report(_ reply: consuming Reply, _ heard: Heard) -> (response: ProxyResponse, outcome: Outcome) {
        let outcome = reply.outcome
        return (reporter.report(reply, to: heard.trace, heard.labels, in: heard.families, isHidden: heard.isHidden), outcome)
    }

    // MARK: An inquiry

    /// Steps 3 to 9.
    private func answer(_ inquiry: Inquiry, _ known: KeyFinding) async -> Reply {
        if case .unknown = known, !inquiry.controls.wantsFresh { await calls.settle(inquiry.key) }
        let byKey = await lookUps.byKey(inquiry, known: known)
        if case .found(let found) = byKey.finding {
            switch serve(found, to: inquiry) {
            case .reply(let reply): return reply
            case .call(let order): return await call(inquiry, order)
            }
        }
        if case .unusable(.expired) = byKey.finding, let stale = await standIns.whileRevalidating(inquiry) {
            calls.refresh(inquiry, vector: vector(of: inquiry))
            return stale
        }
        let finding = await lookUps.byMeaning(inquiry, after: byKey, for: .answer)
        if let evidence = finding.meaning?.decision?.evidence { inquiry.trace.update { $0.evidence = evidence } }
        let lesson = lessons.note(finding, of: inquiry)
        switch finding.verdict {
        case .serve(let found):
            guard let reply = replays.replay(found, to: inquiry) else {
                return await call(inquiry, CallOrder(reason: .incompleteEntry, vector: vector(of: inquiry, after: finding), lesson: lesson))
            }
            lessons.noteServed(finding, found.entry, to: inquiry)
            return reply
        case .forward(let reason):
            return await call(inquiry, CallOrder(reason: reason, vector: vector(of: inquiry, after: finding), lesson: lesson))
        }
    }

    /// What follows from an exact hit: the answer, or a call where it does not exist in the form asked for, or is asked afresh to learn from.
    private func serve(_ found: Found, to inquiry: Inquiry) -> Served {
        if lessons.samplesNoise(of: inquiry) {
            return .call(CallOrder(reason: .explored, vector: vector(of: inquiry), lesson: .noise(found.entry)))
        }
        guard let reply = replays.replay(found, to: inquiry) else {
            return .call(CallOrder(reason: .incompleteEntry, vector: vector(of: inquiry)))
        }
        return .reply(reply)
    }

    private enum Served {
        case reply(Reply)
        case call(CallOrder)
    }

    /// The answer from a pool that hides its hits. Questions that only a cache can answer get none: what is cached would be the answer to them.
    private func answerHidden(_ inquiry: Inquiry, _ known: KeyFinding) async -> Reply {
        if inquiry.controls.onlyIfCached { return await call(inquiry, CallOrder(reason: .emptyScope)) }
        // A batch goes out whole: one that the cache knows in parts would come sooner than one that it does not.
        if inquiry.isBatch { return await call(inquiry, CallOrder(reason: .exactOnly)) }
        return await answer(inquiry, known)
    }

    /// Steps 7b and 8, with an older answer in hand where the upstream has none.
    func call(_ inquiry: Inquiry, _ order: CallOrder) async -> Reply {
        if inquiry.controls.onlyIfCached {
            return await standIns.reply(to: inquiry, spared: order.lesson) ?? .onlyIfCached(.miss(order.reason), path: inquiry.request.path)
        }
        lessons.noteDeparture(of: inquiry)
        let call = await calls.fetch(inquiry, order)
        if call.saysNotNow, let standIn = await standIns.reply(to: inquiry, spared: order.lesson) { return standIn }
        return Reply(call, of: inquiry, because: order.reason)
    }

    /// The vector of a question that is forwarded: the look-up's, or one that is made while the upstream works; `nil` where none is wanted.
    private func vector(of inquiry: Inquiry, after finding: Finding? = nil) -> LateVector? {
        if let vector = finding?.meaning?.vector { return LateVector(vector) }
        guard embedder != nil, inquiry.isSearchable, let query = inquiry.asked?.query else { return nil }
        let isPutOff = finding?.meaning?.isPutOff ?? false
        let known = KeyLookUp(finding: .nothing, hasVectors: finding?.meaning?.hasVectors ?? [:])
        return LateVector { [lookUps, lessons] urgency in
            guard isPutOff else {
                lessons.noticeWords(of: inquiry)
                return LateVector.Made(vector: await lookUps.byMeaning.vector(of: query, urgency: urgency))
            }
            // The request did not wait for its look-up: what is found is not served, and teaches as much.
            let finding = await lookUps.byMeaning(inquiry, after: known, for: .behind(urgency))
            return LateVector.Made(vector: finding.meaning?.vector, lesson: lessons.note(finding, of: inquiry))
        }
    }
}

extension RequestPipeline {
    /// How far ``begin(_:)`` came.
    package enum Beginning: Sendable {
        case answered(ProxyResponse)
        /// To be given to ``finish(_:)``, once.
        case underway(Begun)
    }

    /// A request that was let in and read.
    package struct Begun: Sendable {
        fileprivate enum Step {
            case passThrough(ProxyRequest, BypassReason, strippingControls: Bool)
            case inquiry(Inquiry, KeyFinding)
            case call(Inquiry, CallOrder)
        }

        fileprivate let heard: Heard
        fileprivate let step: Step

        package var requestID: String { heard.trace.requestID }
    }

    fileprivate enum FirstStep {
        case reply(Reply, Heard)
        case underway(Begun)
    }

    /// Who is told what became of a request, and how.
    fileprivate struct Heard: Sendable {
        let trace: RequestTrace
        let labels: ProxyMetrics.Labels
        /// The peers in whose words it is said as well.
        var families: Set<PeerFamily> = []
        /// Whether the response may not show how it was made.
        var isHidden = false

        init(_ trace: RequestTrace, endpointOf path: Substring) {
            self.trace = trace
            labels = ProxyMetrics.Labels(endpoint: Endpoint(path: path))
        }

        init(_ inquiry: Inquiry, isHidden: Bool) {
            trace = inquiry.trace
            labels = inquiry.labels
            families = inquiry.controls.families
            self.isHidden = isHidden
        }
    }

    /// Waits until every entry stored so far that can have a vector has it.
    package func settleVectors() async { await lateVectors.settle() }

    /// Whether an application may bring answers of its own, that no upstream gave: with a key that this proxy gave out, or where everybody is served.
    package func maySubmit(_ fields: HTTPFields) -> Bool {
        let access = settings.options.access
        return switch access.caller(of: fields) {
        case .client: true
        case .anyone: access.isOpen
        case nil: false
        }
    }

    /// The tenant of an `Authorization` field.
    package func tenant(authorization: String) -> TenantID { tenants.tenant(of: [.authorization: authorization]) }
}
