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

    /// `exact hit`, `semantic hit` or `miss`.
    let decision: String
    /// Why it is a miss.
    let reason: String?
    let mode, profile: String
    let threshold: Double
    let scope: String?
    let query: String?
    /// The entry that would be served.
    let entry: String?
    let nearest: [Neighbour]
    let guards: [Guard]
    let learned: Learned?
}

extension RequestPipeline {
    /// Decides for a request as if it came now, and changes nothing: nothing is counted, learned, explored or forwarded.
    ///
    /// Throws ``ExplainError`` for a request that would not be looked up.
    package func explain(_ request: ProxyRequest) async throws(ExplainError) -> Explanation {
        let lookUp: LookUp
        switch recognise(
            request, caller: options.access.caller(of: request.fields) ?? .anyone, settings,
            RequestTrace(request, at: clock.now(), started: .now, observers: []))
        {
        case .lookUp(let found): lookUp = found
        case .passThrough(_, let reason, _): throw .bypass(reason)
        case .refused(let response):
            guard case .bytes(let bytes) = response.body else { throw .refused("the request was refused") }
            throw .refused(String(decoding: bytes, as: UTF8.self))
        }
        let matching = matching(of: lookUp)
        var nearest: [Candidate] = []
        if case .success(let entry) = await lookUpExactly(lookUp.key, lookUp.controls) {
            return explanation(lookUp, matching, "exact hit", entry: entry.id, nil, nil, nearest)
        }
        let found = await lookUpByMeaning(lookUp, unless: .emptyScope, explores: false) { nearest = $0 }
        switch found.verdict {
        case .serve(let entry, _): return explanation(lookUp, matching, "semantic hit", entry: entry.id, nil, found.decision, nearest)
        case .forward(let reason): return explanation(lookUp, matching, "miss", entry: nil, reason, found.decision, nearest)
        }
    }

    private func explanation(
        _ lookUp: LookUp, _ matching: MatchingOptions, _ word: String, entry: EntryID?, _ reason: MissReason?, _ decision: Decision?,
        _ nearest: [Candidate]
    ) -> Explanation {
        Explanation(
            decision: word, reason: reason?.rawValue, mode: matching.mode.rawValue, profile: matching.profile.rawValue,
            threshold: Double(max(matching.threshold, lookUp.controls.threshold ?? 0)), scope: lookUp.scope.map { String($0.digest.hex.prefix(16)) },
            query: lookUp.content.query, entry: entry?.description,
            nearest: nearest.map {
                Explanation.Neighbour(
                    entry: $0.id.description, similarity: Double($0.similarity), query: $0.query, answer: $0.answer.description, right: $0.right,
                    wrong: $0.wrong)
            },
            guards: (decision?.evidence.guards ?? []).map { Explanation.Guard(name: $0.guardName, fired: $0.isFired, finding: $0.finding) },
            learned: decision?.evidence.calibration.map { learned in
                Explanation.Learned(
                    score: learned.score, cut: learned.cut.score.isFinite ? learned.cut.score : nil, errorBound: learned.errorBound,
                    estimatedError: learned.cut.estimate, upperBound: learned.cut.upperBound, observations: learned.observations,
                    features: Dictionary(uniqueKeysWithValues: zip(Feature.allCases, learned.features.values).map { ("\($0)", $1) }))
            })
    }
}

/// Why a request cannot be explained.
package enum ExplainError: Error, Sendable {
    /// It would pass through without a look-up.
    case bypass(BypassReason)
    /// It would be refused; the message is the refusal's body.
    case refused(String)
}

extension RequestPipeline {
    /// The tenant of an `Authorization` field.
    package func tenant(authorization: String) -> TenantID { tenants.tenant(of: [.authorization: authorization]) }
}
