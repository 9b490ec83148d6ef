import HTTPTypes
import Learning
import Matching
package import SemanticCache
import WireFormats

/// What the cache would do with a request, and why; the body of `POST /cache/explain`.
package struct Explanation: Encodable, Sendable {
    package struct Neighbour: Encodable, Sendable {
        let entry: String
        let similarity: Double
        let query: String
        /// The entry whose answer this one's is the same as.
        let answer: String
        let right, wrong: Int
    }

    package struct Guard: Encodable, Sendable {
        let name: String
        let fired: Bool
        let finding: String?
    }

    package struct Learned: Encodable, Sendable {
        let score: Double
        /// `nil` while nothing may be served.
        let cut: Double?
        let errorBound, estimatedError, upperBound: Double
        let observations: Int
        let features: [String: Double]
    }

    /// An earlier turn of the conversation that counts as worded like the entry that answered it.
    package struct Turn: Encodable, Sendable {
        let entry: String
        /// What the history says, and as what it counts.
        let said, counts: String
    }

    /// `exact hit`, `semantic hit` or `miss`.
    let decision: String
    /// Why it is a miss.
    let reason: String?
    let mode, profile: String
    let threshold: Double
    let scope: String?
    /// What is looked up by meaning, without its frame.
    let query: String?
    /// Whether the message holds a frame beside the query, which must be equal.
    let framed: Bool
    /// The turns of the history that count as worded otherwise, in order.
    let history: [Turn]
    /// The class of text that the query is of.
    let text: String?
    /// The entry that would be served.
    let entry: String?
    /// Where that entry is kept: `local` or `shared`.
    let tier: String?
    let nearest: [Neighbour]
    let guards: [Guard]
    let learned: Learned?
}

extension RequestPipeline {
    /// Decides for a request as if it came now, and changes nothing: nothing is counted, learned, explored, loaded or forwarded.
    ///
    /// Throws ``ExplainError`` for a request that would not be looked up.
    package func explain(_ request: ProxyRequest) async throws(ExplainError) -> Explanation {
        let settings = settings
        let caller = settings.options.access.caller(of: request.fields) ?? .anyone
        let trace = RequestTrace(request, at: clock.now(), started: .now, observers: [])
        let inquiry: Inquiry
        switch recogniser.recognise(AccessControl.Admission(caller: caller, request: request, document: nil), settings, trace) {
        case .inquiry(let found): inquiry = found
        case .passThrough(_, let reason, _): throw .bypass(reason)
        case .refused(let response):
            guard case .bytes(let bytes) = response.body else { throw .refused("the request was refused") }
            throw .refused(String(decoding: bytes, as: UTF8.self))
        }
        let byKey = await lookUps.byKey(inquiry, known: .unknown, for: .explanation)
        if case .found(let found) = byKey.finding { return Explanation(inquiry, .serve(found), nil) }
        // Why what is kept under the key may not be served is not asked: the nearest neighbours are wanted in any case.
        let finding = await lookUps.byMeaning(inquiry, after: KeyLookUp(finding: .nothing, hasVectors: byKey.hasVectors), for: .explanation)
        return Explanation(inquiry, finding.verdict, finding.meaning)
    }
}

extension Explanation {
    fileprivate init(_ inquiry: Inquiry, _ verdict: Finding.Verdict, _ meaning: MeaningFinding?) {
        let (matching, evidence) = (inquiry.matching, meaning?.decision?.evidence)
        switch verdict {
        case .serve(let found):
            (decision, reason, entry, tier) = ("\(found.match.word) hit", nil, found.entry.id.description, found.tier.rawValue)
        case .forward(let why): (decision, reason, entry, tier) = ("miss", why.rawValue, nil, nil)
        }
        mode = matching.mode.rawValue
        profile = matching.profile.rawValue
        threshold = Double(max(matching.threshold, inquiry.controls.threshold ?? 0))
        scope = inquiry.asked.map { String($0.scope.digest.hex.prefix(16)) }
        query = inquiry.asked?.query ?? inquiry.content.query
        framed = inquiry.asked?.isFramed ?? false
        history = inquiry.history.replaced.map { Turn(entry: $0.entry.description, said: $0.said, counts: $0.counts.text) }
        text = inquiry.asked?.text?.description
        nearest = (meaning?.candidates ?? []).map {
            Neighbour(
                entry: $0.id.description, similarity: Double($0.similarity), query: $0.query, answer: $0.answer.description, right: $0.right,
                wrong: $0.wrong)
        }
        guards = (evidence?.guards ?? []).map { Guard(name: $0.guardName, fired: $0.isFired, finding: $0.finding) }
        learned = evidence?.calibration.map { learned in
            Learned(
                score: learned.score, cut: learned.cut.score.isFinite ? learned.cut.score : nil, errorBound: learned.errorBound,
                estimatedError: learned.cut.estimate, upperBound: learned.cut.upperBound, observations: learned.observations,
                features: Dictionary(uniqueKeysWithValues: zip(Feature.allCases, learned.features.values).map { ("\($0)", $1) }))
        }
    }
}

/// Why a request cannot be explained.
package enum ExplainError: Error, Sendable {
    /// It would pass through without a look-up.
    case bypass(BypassReason)
    /// It would be refused; the message is the refusal's body.
    case refused(String)
}
