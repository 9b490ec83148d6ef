import HTTPTypes
import Learning
import Logging
import SemanticCache
import Telemetry
import WireFormats

/// Step 10: says what became of a request. The one place where an outcome becomes header fields, counters and a record.
struct Reporter: Sendable {
    let metrics: ProxyMetrics
    let observers: [any RequestObserver]
    let logger: Logger
    private let unknownFinishes = SeenWords()

    init(metrics: ProxyMetrics, observers: [any RequestObserver], logger: Logger) {
        self.metrics = metrics
        self.observers = observers
        self.logger = logger
    }

    /// Begins to follow a request.
    func begin(_ request: ProxyRequest, at time: Timestamp) -> RequestTrace {
        RequestTrace(request, at: time, started: .now, observers: observers)
    }

    /// The response as it goes out, followed to its end.
    ///
    /// - Parameters:
    ///   - families: the peers in whose words it is said as well.
    ///   - isHidden: whether the client may not learn how it was answered: no field is written.
    func report(
        _ reply: consuming Reply, to trace: RequestTrace, _ labels: ProxyMetrics.Labels, in families: Set<PeerFamily> = [], isHidden: Bool = false
    ) -> ProxyResponse {
        let (outcome, served) = (reply.outcome, reply.served)
        metrics.record(outcome, labels, saving: served?.saving)
        if let hit = outcome.hit, !hit.isStale, let served {
            let histogram = if case .exact = hit.match { metrics.exactHitLatency } else { metrics.semanticHitLatency }
            histogram.record(served.saving.hitTime)
        }
        trace.update { record in
            record.outcome = outcome
            if let answer = served?.answer { record.answer = answer }
        }
        if !isHidden {
            // Added to in place: a copy of the fields would cost as much as all that is added.
            outcome.write(to: &reply.response.fields)
            if outcome.hit != nil { reply.response.fields[.xRequestID] = trace.requestID }
            outcome.write(to: &reply.response.fields, for: families)
        }
        return trace.follow(reply.response)
    }

    /// Says what became of a fresh answer.
    ///
    /// - Parameter unknownFinish: the reason for which it ended, where this program does not know it: named once, for whoever may know it.
    func report(_ kept: Keeper.Kept, of keeping: Keeper.Keeping, unknownFinish: String? = nil) {
        let inquiry = keeping.inquiry
        if let unknownFinish, unknownFinishes.isNew(unknownFinish) {
            logger.warning(
                "an answer ended for a reason that is not known; such answers are not kept",
                metadata: [
                    "finish_reason": "\(unknownFinish)", "endpoint": "\(inquiry.content.endpoint.rawValue)", "model": "\(inquiry.content.model)",
                    "request": "\(inquiry.request.id)",
                ])
        }
        if let usage = kept.usage {
            metrics.recordSpending(usage, inquiry.labels)
            if let purpose = keeping.order.lesson?.cost {
                metrics.recordCost(purpose, model: inquiry.content.model, usage: usage, inquiry.labels)
            }
        }
        if let answer = kept.answer { inquiry.trace.update { $0.answer = answer } }
        guard let reason = kept.refusal else { return }
        metrics.recordNotStored(reason)
        inquiry.trace.update { $0.notStored = reason }
        logger.debug("answer not stored", metadata: ["request": "\(inquiry.request.id)", "reason": "\(reason.rawValue)"])
    }
}
