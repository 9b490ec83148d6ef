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

    init(forwarder: Forwarder, keeper: Keeper, tenants: TenantResolver, pressure: MemoryPressure, reporter: Reporter, crossOrigin: CrossOrigin) {
        self.forwarder = forwarder
        self.keeper = keeper
        self.tenants = tenants
        self.pressure = pressure
        self.reporter = reporter
        self.crossOrigin = crossOrigin
    }

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
    /// The answer is kept as soon as its protocol's end is there and before the chunk with that end goes on, so that a client which repeats its request
    /// at once finds the entry, also one that leaves at `[DONE]` without waiting for the connection's end. An answer that breaks off is not kept,
    /// whoever broke it off.
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
        var recorder: AnswerRecorder? = AnswerRecorder(
            request: inquiry.content, status: response.status.code, fields: response.fields, limit: limit)
        var received = 0
        func keep() async {
            guard var finished = recorder else { return }
            recorder = nil
            await RequestExecutor.away(reading: received) {
                reporter.report(keeper.keep(finished.finish(), unless: refused, isStandIn: response.isStandIn, keeping), of: keeping)
            }
        }
        let length = response.fields[.contentLength].flatMap { Int($0) }
        flight.resolve(.success(Flight.Head(status: response.status, fields: response.fields, refusal: refused ?? recorder?.refusal)))
        do {
            var started: ContinuousClock.Instant?
            for try await chunk in response.body {
                let now = ContinuousClock.now
                started = started ?? now
                received += chunk.count
                recorder?.append(chunk, milliseconds: UInt32(clamping: (now - (started ?? now)).wholeMilliseconds))
                if received == length || recorder?.isComplete == true { await keep() }
                await flight.bring(chunk)
                try Task.checkCancellation()
            }
            await keep()
            flight.finish()
        } catch {
            if recorder != nil {
                reporter.report(keeper.keep(.failure(Task.isCancelled ? .abandoned : .truncated), unless: refused, keeping), of: keeping)
            }
            flight.fail(error)
        }
    }

    private static func readToTheEnd(_ subscription: Flight.Subscription?) async {
        guard let subscription else { return }
        do { for try await _ in subscription.body {} } catch { return }
    }
}
