import Cache
import HTTPTypes
import SemanticCache
import WireFormats

/// Steps 7b and 8: asks the upstream, once for equal requests, and has what it says recorded on its way.
struct Calls: Sendable {
    let forwarder: Forwarder
    let keeper: Keeper
    let tenants: TenantResolver
    let pressure: MemoryPressure
    let reporter: Reporter
    let crossOrigin: CrossOrigin
    private let coalescer = RequestCoalescer()
    private let endings = Endings()
    private let sleep: @Sendable (Duration) async throws -> Void

    /// How long after a stream's last event its connection's end is waited for, before what came is kept.
    static let endPatience: Duration = .milliseconds(500)

    /// - Parameter sleep: waits; throws when the task is cancelled.
    init(
        forwarder: Forwarder, keeper: Keeper, tenants: TenantResolver, pressure: MemoryPressure, reporter: Reporter, crossOrigin: CrossOrigin,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.forwarder = forwarder
        self.keeper = keeper
        self.tenants = tenants
        self.pressure = pressure
        self.reporter = reporter
        self.crossOrigin = crossOrigin
        self.sleep = sleep
    }

    /// Whether an answer to this question has been said to its end and is about to be kept.
    func isEnding(_ key: CacheKey) -> Bool { endings.isOpen(key) }

    /// Waits until it is kept, at most ``endPatience``.
    func settle(_ key: CacheKey) async { await endings.settle(key) }

    /// Makes the call, or joins an equal one that is under way; returns when the answer's head is there.
    func fetch(_ inquiry: Inquiry, _ order: CallOrder) async -> Call {
        let limit = inquiry.options.maximumAnswerBytes
        // A request that insists on a fresh answer gets a call of its own.
        guard order.reason != .refreshRequested else {
            let (flight, subscription) = coalescer.alone(limit: limit)
            launch(flight, inquiry, order, key: nil)
            return Call(head: await subscription.head(), body: subscription.body, isCollapsed: false)
        }
        let key = flightKey(of: inquiry)
        // When a leader fails before its head came, one of its followers makes the next call and the others follow that one. After the second
        // failure the fault is the upstream's and not the leader's, and all are told: no herd of calls of their own.
        var handovers = 1
        while true {
            switch coalescer.join(key, limit: limit) {
            case .leader(let flight, let subscription):
                launch(flight, inquiry, order, key: key)
                return Call(head: await subscription.head(), body: subscription.body, isCollapsed: false)
            case .follower(let subscription):
                let head = await subscription.head()
                if case .failure = head, handovers > 0, !Task.isCancelled {
                    handovers -= 1
                    continue
                }
                return Call(head: head, body: subscription.body, isCollapsed: true)
            }
        }
    }

    /// Fetches a fresh answer for the cache alone. Nothing happens when an equal call is under way.
    func refresh(_ inquiry: Inquiry, vector: LateVector?) {
        let key = flightKey(of: inquiry)
        guard case .leader(let flight, let subscription) = coalescer.join(key, limit: inquiry.options.maximumAnswerBytes) else { return }
        launch(flight, inquiry, CallOrder(reason: .expired, vector: vector), key: key, attending: subscription)
    }

    private func flightKey(of inquiry: Inquiry) -> RequestCoalescer.Key {
        RequestCoalescer.Key(
            key: inquiry.key, principal: tenants.principal(of: inquiry), wantsStream: inquiry.content.wantsStream,
            wantsUsage: inquiry.content.wantsUsage, origin: inquiry.request.fields.value(of: .origin))
    }

    /// - Parameter attending: the flight's only reader, where no client waits: it is read to the end here.
    private func launch(
        _ flight: Flight, _ inquiry: Inquiry, _ order: CallOrder, key: RequestCoalescer.Key?, attending: Flight.Subscription? = nil
    ) {
        var order = order
        let isShort = pressure.level > .none
        if isShort { order.vector = nil }
        let keeping = keeper.begin(inquiry, order)
        flight.launch { [order] in
            // A vector that the look-up did not need is made while the upstream works.
            order.vector?.begin()
            async let attended: Void = Self.readToTheEnd(attending)
            await carry(inquiry, keeping, into: flight, isShort: isShort)
            if let key { coalescer.close(key, flight) }
            await attended
        }
    }

    /// Step 8: carries one answer from the upstream into a flight, recording every chunk on its way.
    ///
    /// A body of known length is kept before its last chunk goes on. A stream is kept when its connection ends, or ``endPatience`` after its last event:
    /// what comes in between, be it the last line feed, belongs to it. Nobody waits for that but who asks the same again meanwhile: every chunk goes on at
    /// once, and a client that leaves at the last event does not cut off what follows it. An answer that breaks off before is not kept, whoever broke it
    /// off.
    private func carry(_ inquiry: Inquiry, _ keeping: Keeper.Keeping, into flight: Flight, isShort: Bool) async {
        let options = inquiry.options
        // It may take its time to see whether the request may be kept: that is looked at while the upstream works.
        async let early = isShort ? .memoryShort : options.refusalToStore(inquiry.request)
        let response: UpstreamResponse
        do throws(UpstreamError) { response = try await forwarder.send(recordable: inquiry.outgoing) } catch {
            flight.resolve(.failure(error))
            flight.fail(error)
            return
        }
        if response.status == .ok { crossOrigin.note(response.fields, to: inquiry) }
        let refused = await early
        let limit = isShort ? 0 : options.maximumAnswerBytes(for: inquiry.content)
        let recorder = AnswerRecorder(request: inquiry.content, status: response.status.code, fields: response.fields, limit: limit)
        flight.resolve(.success(Flight.Head(status: response.status, fields: response.fields, refusal: refused ?? recorder.refusal)))
        let answer = PassingAnswer(
            recorder, length: response.fields[.contentLength].flatMap { Int($0) }, isStandIn: response.isStandIn)
        var ending: Task<Void, Never>?
        defer { ending?.cancel() }
        do {
            var started: ContinuousClock.Instant?
            for try await chunk in response.body {
                let now = ContinuousClock.now
                started = started ?? now
                switch answer.append(chunk, at: now, milliseconds: UInt32(clamping: (now - (started ?? now)).wholeMilliseconds)) {
                case .underway: break
                case .settled: await keep(answer, unless: refused, keeping)
                case .ended: ending = end(answer, unless: refused, keeping, of: flight)
                }
                await flight.bring(chunk)
                try Task.checkCancellation()
            }
            await keep(answer, unless: refused, keeping)
            flight.finish()
        } catch {
            await keep(answer, unless: refused, keeping, brokenBy: Task.isCancelled ? .abandoned : .truncated)
            flight.fail(error)
        }
    }

    /// Keeps the answer, if that was not done yet.
    ///
    /// - Parameter fault: why it broke off, which counts where it was not said to its end.
    private func keep(
        _ answer: PassingAnswer, unless refused: NotStoredReason?, _ keeping: Keeper.Keeping, brokenBy fault: NotStoredReason? = nil
    ) async {
        guard var recorder = answer.take() else { return }
        if let fault, !recorder.isComplete {
            let kept = keeper.keep(.failure(recorder.fault ?? fault), unless: refused, keeping)
            return reporter.report(kept, of: keeping, unknownFinish: recorder.unknownFinish)
        }
        await RequestExecutor.away(reading: answer.received) {
            let kept = keeper.keep(recorder.finish(), until: answer.lastByte, unless: refused, isStandIn: answer.isStandIn, keeping)
            reporter.report(kept, of: keeping, unknownFinish: recorder.unknownFinish)
        }
    }

    /// The stream's last event is there. What follows it is waited for, so long and not longer, whether or not anybody still reads; the task ends the wait.
    private func end(
        _ answer: PassingAnswer, unless refused: NotStoredReason?, _ keeping: Keeper.Keeping, of flight: Flight
    ) -> Task<Void, Never> {
        let ending = endings.begin(keeping.inquiry.key)
        flight.hold()
        // Who leaves now has had the whole answer, and what is told of the request says so.
        keeping.inquiry.trace.update { record in
            guard let recorded = answer.soFar else { return }
            let judged = keeper.judge(recorded, until: answer.lastByte, unless: refused, isStandIn: answer.isStandIn, keeping)
            record.answer = judged.answer
            record.notStored = judged.refusal
        }
        return Task(executorPreference: RequestExecutor.current) {
            // Cancelled where the connection has ended, and its answer is kept.
            try? await sleep(Self.endPatience)
            await keep(answer, unless: refused, keeping)
            ending.end()
            flight.release()
        }
    }

    private static func readToTheEnd(_ subscription: Flight.Subscription?) async {
        guard let subscription else { return }
        do { for try await _ in subscription.body {} } catch { return }
    }
}
