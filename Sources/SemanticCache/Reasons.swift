/// Why a request that was looked up had to go to the model. The names stand in headers, logs, metrics and the dashboard.
package enum MissReason: String, CaseIterable, Error, Sendable {
    /// Nothing is cached in the request's scope.
    case emptyScope = "empty-scope"
    /// The best neighbour is below the threshold.
    case belowThreshold = "below-threshold"
    /// The best neighbour's score is below what the error bound allows to be served.
    case belowCut = "below-cut"
    /// The verifier doubts that the two wordings ask the same, and little has been learned yet.
    case verifierDoubts = "verifier-doubts"
    /// The answer could have been served and was asked for afresh, to learn whether that would have been right.
    case explored = "explored"
    /// Numbers, dates, units or versions differ from the best neighbour's.
    case numbersDiffer = "numbers-differ"
    /// One prompt negates or opposes the other.
    case polarityDiffers = "polarity-differs"
    /// Quoted or fenced code, identifiers, paths, operators or other signs differ.
    case codeDiffers = "code-differs"
    /// Words differ that the embedder has no piece for.
    case unreadWords = "unread-words"
    /// The prompts are in different scripts or languages.
    case languageDiffers = "language-differs"
    /// Named things differ.
    case namesDiffer = "names-differ"
    /// The same names stand in another order.
    case orderDiffers = "order-differs"
    /// The prompts ask for different kinds of things, or for another degree, bound or time of one.
    case askDiffers = "ask-differs"
    /// One content word was replaced and the rest is the same (profile `strict`).
    case wordReplaced = "word-replaced"
    /// The prompt speaks of a moment (`today`, `latest`), so an old answer may be wrong.
    case timeSensitive = "time-sensitive"
    /// The prompt is longer than the embedder's window.
    case queryTooLong = "query-too-long"
    /// The last user message has no text to compare, or is not text alone.
    case notText = "not-text"
    /// The semantic tier does not serve requests with tools (a setting).
    case tools = "tools"
    /// A rewording would have been served, and mode `shadow` only looks on.
    case shadow = "shadow"
    /// The request or the configuration allows exact hits only.
    case exactOnly = "exact-only"
    /// No model is loaded, so only exact hits are served.
    case noEmbedder = "no-embedder"
    /// The embedder failed.
    case embedderFailed = "embedder-failed"
    /// Embedding or search took longer than its deadline.
    case lookupTimedOut = "lookup-timed-out"
    /// The entry's time to live is over.
    case expired = "expired"
    /// The entry is older than the request allows (`max-age`).
    case tooOld = "too-old"
    /// The request asked for a fresh answer (`no-cache`, mode `refresh`).
    case refreshRequested = "refresh-requested"
    /// The stored answer lacks something that this request asks for.
    case incompleteEntry = "incomplete-entry"
    /// Some inputs of a batch of embeddings are not cached; only these were asked for.
    case partialBatch = "partial-batch"
    /// The entry has answered so many wordings that the model is asked again first.
    case verificationDue = "verification-due"
    /// Rewordings hardly ever hit in this kind of traffic, so the request did not wait for being looked up; that follows behind it.
    case notAwaited = "not-awaited"
    /// Memory is short, so that nothing but exact repeats is looked for.
    case memoryShort = "memory-short"
    /// A part of the cache failed; see the log.
    case cacheFault = "cache-fault"
}

/// Why a request was not looked up at all.
package enum BypassReason: String, CaseIterable, Error, Sendable {
    /// The request said `no-store`, or mode `off`.
    case requested = "requested"
    /// The path is not one whose answers are cached.
    case path = "path"
    /// The method is not POST.
    case method = "method"
    /// The request has tools, and the configuration does not cache such requests.
    case tools = "tools"
    /// The body is not a JSON object of the endpoint's form; the upstream is left to say what is wrong.
    case unreadableBody = "unreadable-body"
    /// The body is encoded (`Content-Encoding`), so it cannot be compared.
    case encodedBody = "encoded-body"
    /// The request asks for something that must be computed anew (`background`, stored conversation state).
    case stateful = "stateful"
    /// Nothing vouches for the caller: it came over the network without a credential that the configuration accepts.
    case unauthenticated = "unauthenticated"
    /// The cache is switched off in the configuration.
    case disabled = "disabled"
    /// The connection is to be a WebSocket, whose bytes are handed on both ways.
    case webSocket = "websocket"
}

/// Why an upstream's answer was not stored.
package enum NotStoredReason: String, CaseIterable, Error, Sendable {
    /// The upstream answered with an error status.
    case errorStatus = "error-status"
    /// The body or the stream ended before its protocol's end.
    case truncated = "truncated"
    /// The answer stopped at a length limit.
    case lengthLimit = "length-limit"
    /// The answer was cut by a content filter.
    case contentFilter = "content-filter"
    /// The answer is larger than the size limit.
    case tooLarge = "too-large"
    /// The body is not of the endpoint's form.
    case unreadable = "unreadable"
    /// The body is encoded (`Content-Encoding`).
    case encoded = "encoded"
    /// The request was looked up and wants its answer not kept (a time to live of nothing, read-only). `no-store` is a bypass instead.
    case forbidden = "forbidden"
    /// An error event stood inside the stream.
    case errorEvent = "error-event"
    /// The client left and the call was cancelled.
    case abandoned = "abandoned"
    /// The request matches a pattern of what is never stored, or holds a key, a card number or an address.
    case sensitive = "sensitive"
    /// Memory is short, so that nothing is recorded.
    case memoryShort = "memory-short"
    /// The call began before a flush that meant its entry.
    case flushed = "flushed"
    /// The answer ended for a reason that this program does not know.
    case unknownFinish = "unknown-finish"
    /// The status is of success, and there is nothing in the answer but an error or nothing at all.
    case emptyAnswer = "empty-answer"
}

/// Why an answer that was to be kept never came to the store. It is served from memory until it has to leave that.
package enum NotWrittenReason: String, CaseIterable, Error, Sendable {
    /// As many answers as `store.queue_limit` waited for the store, this one longest.
    case queueLimit = "queue-limit"
    /// The answers that waited for the store held half of `cache.max_memory`, and this one waited longest.
    case queueBytes = "queue-bytes"
}
