import Cache
import Learning
import SemanticCache
import WireFormats

/// Steps 3 to 6: by key, then by meaning, tier by tier.
///
/// A look-up returns what it found and changes nothing: what is counted, remembered or learned of it, whoever acts on the finding tells afterwards
/// (``Lessons``). Chance, which may forward what could be served, is drawn by the learner's policy, and never for an explanation.
struct LookUps: Sendable {
    let tiers: [any CacheTier]
    let byMeaning: MeaningLookUp
    let pressure: MemoryPressure
    let clock: any WallClock

    // MARK: By key

    /// Step 3 as far as memory knows. Does not block.
    func remembered(_ inquiry: Inquiry) -> KeyFinding {
        if inquiry.controls.wantsFresh { return .unusable(.refreshRequested) }
        var finding = KeyFinding.nothing
        for tier in tiers {
            switch tier.remembered(inquiry.key) {
            case .entry(let entry):
                let found = usable(entry, of: tier.name, inquiry.controls)
                if case .found = found { return found }
                if case .nothing = finding { finding = found }
            case .nothing: continue
            case .unknown: return .unknown
            }
        }
        return finding
    }

    /// Step 3, from what memory knew on.
    func byKey(_ inquiry: Inquiry, known: KeyFinding, for purpose: LookUpPurpose = .answer) async -> KeyLookUp {
        guard case .unknown = known else { return KeyLookUp(finding: known) }
        return await byKey(inquiry.key, inquiry.controls, for: purpose) {
            byMeaning.embedder == nil || whyNotSought(inquiry) != nil || inquiry.isOfTheMoment ? nil : inquiry.asked?.scope
        }
    }

    /// Step 3: the first tier's entry that may be served, else what the nearest tier has to say.
    ///
    /// - Parameter scope: where the question is looked up by meaning; `nil` where it is not.
    func byKey(
        _ key: CacheKey, _ controls: RequestControls, for purpose: LookUpPurpose = .answer, in scope: @Sendable () -> Scope? = { nil }
    ) async -> KeyLookUp {
        if controls.wantsFresh { return KeyLookUp(finding: .unusable(.refreshRequested)) }
        var lookUp = KeyLookUp.nothing
        for tier in tiers {
            let answer: KeyAnswer?
            if let deadline = tier.deadline {
                let scope = scope()
                answer = (try? await withDeadline(deadline) { await tier.entry(for: key, in: { scope }, purpose) }) ?? nil
            } else {
                answer = await tier.entry(for: key, in: scope, purpose)
            }
            if let hasVectors = answer?.hasVectors { lookUp.hasVectors[tier.name] = hasVectors }
            guard let entry = answer?.entry else { continue }
            let found = usable(entry, of: tier.name, controls)
            if case .found = found { return KeyLookUp(finding: found) }
            if case .nothing = lookUp.finding { lookUp.finding = found }
        }
        return lookUp
    }

    private func usable(_ entry: Entry, of tier: Outcome.Tier, _ controls: RequestControls) -> KeyFinding {
        let now = clock.now()
        if entry.isExpired(at: now) { return .unusable(.expired) }
        if let maximum = controls.maxAge, now - entry.createdAt > maximum { return .unusable(.tooOld) }
        return .found(Found(entry: entry, match: .exact, tier: tier))
    }

    // MARK: By meaning

    /// Steps 4 to 6, where nothing that is kept under the key may be served.
    ///
    /// - Parameter lookUp: by key. Why what is kept there may not be served says more than that nothing else was there.
    func byMeaning(_ inquiry: Inquiry, after lookUp: KeyLookUp, for purpose: LookUpPurpose) async -> Finding {
        var keyReason: MissReason?
        if case .unusable(let reason) = lookUp.finding { keyReason = reason }
        if keyReason == .refreshRequested { return Finding(verdict: .forward(.refreshRequested)) }
        if let reason = whyNotSought(inquiry) { return Finding(verdict: .forward(keyReason ?? reason)) }
        guard let asked = inquiry.asked else {
            return Finding(verdict: .forward(keyReason ?? inquiry.content.noScopeReason ?? .notText))
        }
        if inquiry.isOfTheMoment { return Finding(verdict: .forward(keyReason ?? .timeSensitive)) }
        let meaning = await byMeaning.find(asked, of: inquiry, knowing: lookUp.hasVectors, for: purpose)
        return Finding(verdict: verdict(meaning, of: inquiry, keyReason, for: purpose), meaning: meaning)
    }

    /// Why a question is not looked up by meaning, as far as that does not depend on its text.
    private func whyNotSought(_ inquiry: Inquiry) -> MissReason? {
        if pressure.level > .none { return .memoryShort }
        if inquiry.matching.mode == .exact || inquiry.controls.mode == .exact { return .exactOnly }
        if inquiry.options.allowsRewording(inquiry.content) { return nil }
        return !inquiry.content.hasTools && inquiry.isOfTheMoment ? .timeSensitive : .tools
    }

    private func verdict(_ meaning: MeaningFinding, of inquiry: Inquiry, _ keyReason: MissReason?, for purpose: LookUpPurpose) -> Finding.Verdict {
        guard let found = meaning.found else { return .forward(meaning.reason == .emptyScope ? keyReason ?? .emptyScope : meaning.reason) }
        switch purpose {
        case .explanation: return .serve(found)
        case .answer: return inquiry.matching.mode == .shadow ? .forward(.shadow) : .serve(found)
        // Nobody waits for it any more.
        case .behind: return .forward(.notAwaited)
        }
    }
}
