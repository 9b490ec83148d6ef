import Cache
import Logging
import Sealing
import SemanticCache
import Synchronization
import Telemetry

// Coming together with the engine, and parting from it.

extension SharedCache {
    private static let positionName = "shared-position"

    /// The engine is not asked any more, until it was brought up to date again. What was read of it before and is still under way is not served.
    ///
    /// - Parameter error: what it failed with; `nil` where it is this proxy that has something to tell first.
    func leave(because error: SharedTierError?) {
        let wasOpen = state.withLock { state in
            defer { state.isOpen = false }
            return state.isOpen
        }
        reader.lose()
        if let error {
            if link.isClosed { link.open(after: error) }
            tell(of: error, wasOpen: wasOpen)
        }
        bell.continuation.yield()
    }

    /// Leaves it when the breaker has opened.
    func leaveIfBroken(_ error: SharedTierError) {
        if !link.isClosed, state.withLock({ $0.isOpen }) { leave(because: error) }
    }

    private func tell(of error: SharedTierError, wasOpen: Bool) {
        let text = error.description
        let isNew = state.withLock { state in
            defer { state.fault = text }
            return state.fault != text
        }
        metrics.setState(error.isPassing ? .down(reason: text) : .refused(reason: text))
        guard isNew || wasOpen else { return }
        let metadata: Logger.Metadata = ["engine": "\(options.kind)", "reason": "\(text)"]
        if error.isPassing {
            logger.warning("the shared tier is away; this proxy serves what it has itself", metadata: metadata)
        } else {
            logger.error("the shared tier cannot be used; this proxy serves what it has itself", metadata: metadata)
        }
    }

    /// Brings the engine up to date with this proxy, and this proxy with it; then it is asked.
    ///
    /// In this order: what the others said; what was said here meanwhile; the engine is rid of that; what was made here. Else what was flushed here would
    /// come back from there, or the other way.
    func connect() async {
        await begin()
        do throws(SharedTierError) {
            let head = try await link.call(isTrial: true) { [identity = sealing.identity(of: embedder)] (tier, _) throws(SharedTierError) in
                try await tier.open(identity)
            }
            await settle(head)
            try await catchUp()
            try await renewLease(isTrial: true)
            repeat {
                try await appendWaiting()
                for event in own.unswept { if let number = event.position?.number { await sweep(event.event, before: number, isTrial: true) } }
                await own.keep()
                try await putWaiting(isTrial: true)
            } while await !open()
        } catch {
            link.open(after: error)
            leave(because: error)
        }
    }

    private func catchUp() async throws(SharedTierError) {
        do throws(JournalReader.Break) { try await reader.catchUp(isTrial: true) } catch {
            throw error.fault
        }
    }

    /// What an earlier run left.
    private func begin() async {
        let isFirst = state.withLock { state in
            defer { state.hasBegun = true }
            return !state.hasBegun
        }
        guard isFirst else { return }
        await own.load()
        for event in own.waiting {
            if event.isDone {
                reader.noteDone(event.event)
            } else if await reader.carryOutAhead(event.event) {
                await cache.persist()
                own.note(event.event) { $0.isDone = true }
            }
        }
        // What the last run had not given to the engine.
        state.withLock { $0.nextPart = 0 }
    }

    /// Holds the journal's lineage and end against what this proxy knows of.
    private func settle(_ head: SharedPosition) async {
        let isFirst = reader.position == nil
        let position: SharedPosition? = if let known = reader.position { known } else { await keptPosition() }
        guard let known = position else { return reader.begin(head.lineage, applied: nil) }
        if known.lineage != head.lineage {
            logger.warning("the shared tier came back empty; it gets what this proxy has", metadata: ["engine": "\(options.kind)"])
            dropFetched()
            own.putBack { $0.lineage == head.lineage }
            cache.forgetTaken()
            // What is read of the store from now on waits as well.
            await cache.persist()
            state.withLock { ($0.nextPart, $0.isRefilling) = (0, true) }
            reader.begin(head.lineage, applied: nil)
        } else if known.number > head.number {
            logger.warning("the shared tier lost its last events", metadata: ["known": "\(known.number)", "found": "\(head.number)"])
            dropFetched()
            own.putBack { $0.lineage == head.lineage && $0.number <= head.number }
            // What it lost of the entries cannot be told apart from what it kept.
            cache.forgetTaken()
            state.withLock { ($0.nextPart, $0.isRefilling) = (0, true) }
            reader.begin(head.lineage, applied: head.number)
        } else if isFirst {
            reader.begin(head.lineage, applied: known.number)
        }
    }

    /// What came from the engine goes where a flush of it may have been missed.
    private func dropFetched() {
        let count = cache.removeFetched()
        if count > 0 { logger.notice("what came from the shared tier was dropped here", metadata: ["entries": "\(count)"]) }
    }

    /// Brings the events into the journal that were said while the engine was away.
    private func appendWaiting() async throws(SharedTierError) {
        let waiting = own.waiting
        for own in waiting {
            let sealed = sealing.seal(own.event)
            let position = try await link.call(isTrial: true) { (tier, _) throws(SharedTierError) in try await tier.append(sealed) }
            self.own.note(own.event) { $0.position = position }
        }
        guard !waiting.isEmpty else { return }
        await own.keep()
        try await catchUp()
    }

    /// Opens, unless something was said meanwhile.
    private func open() async -> Bool {
        await eventGate.pass { [self] in
            guard own.waiting.isEmpty else { return false }
            link.close()
            let recovered = state.withLock { state in
                defer { (state.isOpen, state.fault) = (true, nil) }
                return state.fault != nil
            }
            metrics.setState(.works)
            if recovered { logger.notice("the shared tier works again", metadata: ["engine": "\(options.kind)"]) }
            return true
        }
    }

    // MARK: The node's number

    private static let leaseInterval = Duration.seconds(20)

    func renewLease(isTrial: Bool = false) async throws(SharedTierError) {
        let (held, due) = state.withLock { ($0.node, $0.leaseDue) }
        let now = instant()
        if let due, now < due { return }
        let number: Int
        do throws(SharedTierError) {
            number = try await link.call(isTrial: isTrial) { [owner] (tier, _) throws(SharedTierError) in try await tier.lease(for: owner, held: held)
            }
        } catch {
            // With more proxies than there are numbers, or an engine that takes no writes, a number that was drawn must do.
            guard error.isOfRoom || error.isReadOnly else { throw error }
            return
        }
        if let node = EntryIDSource.Node(number) { ids.use(node) }
        state.withLock { ($0.node, $0.leaseDue) = (number, now + Self.leaseInterval) }
    }

    // MARK: The position

    private func keptPosition() async -> SharedPosition? {
        guard let bytes = try? await store.state(named: Self.positionName) else { return nil }
        var reader = ByteReader(bytes)
        guard let lineage = try? reader.readText(), let number = try? reader.read(Int64.self) else { return nil }
        return SharedPosition(lineage: lineage, number: number)
    }

    /// Keeps how far the journal was read, once the store has forgotten what it was told to.
    func keepPosition() async {
        guard let position = reader.takeMoved() else { return }
        await cache.persist()
        var writer = ByteWriter()
        writer.write(position.lineage)
        writer.write(position.number)
        do throws(StoreError) { try await store.setState(writer.bytes, named: Self.positionName) } catch { reader.putBackMoved() }
    }
}

extension SharedTierError {
    var isOfRoom: Bool { if case .full = self { true } else { false } }

    var isReadOnly: Bool { if case .readOnly = self { true } else { false } }
}
