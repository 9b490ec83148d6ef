import Cache
import HTTPTypes
import Learning
import SemanticCache
import Telemetry
import WireFormats

// Steps 7b and 8: ask the upstream, once for equal requests, and record what it says.

extension RequestPipeline {
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
    func refresh(_ lookUp: LookUp) {
        let key = lookUp.flightKey(onBehalfOf: principal(of: lookUp))
        guard case .leader(let flight, let subscription) = coalescer.join(key, limit: options.maximumAnswerBytes) else { return }
        launch(flight, for: lookUp, vector: nil, key: key, attending: subscription)
    }

    /// Steps 7b and 8: equal requests in flight share one call, and the answer is recorded on its way.
    func fetch(_ lookUp: LookUp, reason: MissReason, vector: UnitVector?) async -> ProxyResponse {
        if lookUp.controls.onlyIfCached {
            return ErrorResponse.client(
                .gatewayTimeout, message: "Nothing cached may answer this request (\(reason.rawValue)), and only-if-cached forbids asking the model.",
                type: "cache_miss", code: "only_if_cached", path: lookUp.request.path
            ).adding(CacheOutcome.onlyIfCached(reason).fields)
        }
        metrics.missOverhead.record(ContinuousClock.now - lookUp.started)
        // A request that insists on a fresh answer gets a call of its own.
        guard reason != .refreshRequested else {
            let (flight, subscription) = coalescer.alone(limit: options.maximumAnswerBytes)
            launch(flight, for: lookUp, vector: vector, key: nil)
            return response(await subscription.head(), subscription, of: lookUp, reason: reason, isCollapsed: false)
        }
        let key = lookUp.flightKey(onBehalfOf: principal(of: lookUp))
        // When a leader fails before its head came, one of its followers makes the next call and the others follow that one. After the second
        // failure the fault is the upstream's and not the leader's, and all are told: no herd of calls of their own.
        var handovers = 1
        while true {
            switch coalescer.join(key, limit: options.maximumAnswerBytes) {
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
    func launch(
        _ flight: Flight, for lookUp: LookUp, vector: UnitVector?, key: RequestCoalescer.Key?, attending: Flight.Subscription? = nil
    ) {
        let isShort = pressure.level > .none
        let limit = isShort ? 0 : options.maximumAnswerBytes(for: lookUp.content)
        let recorder = ResponseRecorder(forwarder: forwarder, flight: flight, limit: limit)
        let (departed, mark) = (ContinuousClock.now, cache.flushMark)
        flight.launch {
            // A vector that the look-up did not need is made while the upstream works.
            let late = vector.map { LateVector($0) } ?? (isShort ? nil : lateVector(of: lookUp))
            async let attended: Void = Self.readToTheEnd(attending)
            await recorder.run(
                lookUp.outgoing(asksForUsage: options.asksForUsage), content: lookUp.content,
                refusal: { isShort ? .memoryShort : refusal(of: lookUp.request) }
            ) { recorded, refused in
                store(recorded, unless: refused, of: lookUp, vector: late, departed: departed, mark: mark)
            }
            if let key { coalescer.close(key, flight) }
            await attended
        }
    }

    static func readToTheEnd(_ subscription: Flight.Subscription?) async {
        guard let subscription else { return }
        do { for try await _ in subscription.body {} } catch { return }
    }

    func response(
        _ head: Result<Flight.Head, UpstreamError>, _ subscription: Flight.Subscription, of lookUp: LookUp, reason: MissReason, isCollapsed: Bool
    ) -> ProxyResponse {
        switch head {
        case .success(let head):
            let isStored = head.status == .ok && !isCollapsed && head.refusal == nil && !lookUp.controls.forbidsStoring
            var answer = ProxyResponse(status: head.status, fields: head.fields, body: .stream(subscription.body))
            if options.asksForUsage, lookUp.content.hidesUsage { answer.hideUsage(subscription.body) }
            return answer.adding(CacheOutcome.miss(reason, isStored: isStored, isCollapsed: isCollapsed).fields)
        case .failure(let error):
            return ErrorResponse.upstream(error, path: lookUp.request.path).adding(
                CacheOutcome.miss(reason, isStored: false, isCollapsed: isCollapsed).fields)
        }
    }
}
