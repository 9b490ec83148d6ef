package import HTTPTypes
package import Matching
package import SemanticCache
package import WireFormats

/// What is known of a request when its response has ended: what a log line, an access-log record and a decision on the dashboard are made of.
package struct RequestRecord: Sendable {
    package let id: String
    package let method: HTTPRequest.Method
    /// Without its query, which may hold a credential.
    package let path: String
    /// The trace of the client's `traceparent` (W3C Trace Context), 32 hexadecimal digits; `nil` when it sent none that is valid.
    package let traceID: String?
    /// When the request came.
    package let time: Timestamp
    package var outcome = Outcome.refused
    package var endpoint: Endpoint?
    package var model = ""
    /// `nil` for requests that were not looked up.
    package var tenant: TenantID?
    package var namespace = ""
    package var tags: [String] = []
    /// What the request asked; `nil` for requests that were not looked up.
    package var content: CacheableRequest?
    /// The body as it was sent; only for requests that were looked up.
    package var body: [UInt8] = []
    /// What a decision by meaning rested on; `nil` when it did not come to one.
    package var evidence: Decision.Evidence?
    /// What was served, or what the upstream said when it was complete.
    package var answer: Answer?
    package var notStored: NotStoredReason?
    package var status = 0
    /// The bytes of the response's body that went to the client.
    package var responseBytes = 0
    /// From the request's arrival to the last byte of its response.
    package var duration = Duration.zero
    /// Whether the response broke off, or the client left before its end.
    package var isBroken = false
}

extension RequestRecord {
    /// Takes over what is known of a request that is looked up.
    mutating func describe(_ inquiry: Inquiry) {
        endpoint = inquiry.content.endpoint
        model = inquiry.content.model
        tenant = inquiry.tenant
        namespace = inquiry.namespace
        content = inquiry.content
        tags = inquiry.controls.tags
    }
}

/// Is told of every request, once, when its response has ended. Called on the request's path: it must be quick and never wait.
package protocol RequestObserver: Sendable {
    func observe(_ record: RequestRecord)
}

extension RequestRecord {
    /// The similarity of the best neighbour; `nil` where none was found or none was looked for.
    package var similarity: Float? { evidence?.similarity }
    /// What the similarity had to reach.
    package var threshold: Float? { evidence?.threshold }
    /// The score of the best neighbour where a learned one decides; `nil` where none was come to, or a guard fired.
    package var score: Double? { firedGuards.isEmpty ? evidence?.calibration?.score : nil }
    /// The score from which answers were served; `nil` without a score, and where no score was enough.
    package var cut: Double? { score == nil ? nil : evidence?.calibration.flatMap { $0.cut.score.isFinite ? $0.cut.score : nil } }
    /// The best neighbour, served or not.
    package var nearest: EntryID? { evidence?.best }
    /// What the guards that fired saw; quotes words of the prompts.
    package var findings: [String] { evidence?.findings ?? [] }
    /// The names of the guards that fired.
    package var firedGuards: [String] { evidence?.guards.filter(\.isFired).map(\.guardName) ?? [] }
}
