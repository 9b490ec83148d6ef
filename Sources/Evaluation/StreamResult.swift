/// What one replay of a stream came to.
package struct StreamResult: Sendable {
    package var requests = 0
    package var hits = 0
    package var wrong = 0
    package var secondHalfRequests = 0
    package var secondHalfHits = 0
    package var secondHalfWrong = 0
    /// Would-be hits that were forwarded to learn from.
    package var explored = 0
    /// Answers that were compared, off the request's path.
    package var judgeCalls = 0
    /// Requests for which one of the nearest wordings had the right answer.
    package var possible = 0
    /// How many requests came before the first hit; `nil` without a hit.
    package var firstHit: Int?

    package init() {}

    mutating func note(serves: Bool, isRight: Bool, isSecondHalf: Bool, isPossible: Bool, isExplored: Bool) {
        requests += 1
        if isPossible { possible += 1 }
        if isExplored { explored += 1 }
        if isSecondHalf { secondHalfRequests += 1 }
        guard serves else { return }
        if firstHit == nil { firstHit = requests }
        hits += 1
        if isSecondHalf { secondHalfHits += 1 }
        guard !isRight else { return }
        wrong += 1
        if isSecondHalf { secondHalfWrong += 1 }
    }

    package var hitRate: Proportion { Proportion(hits, of: requests) }
    package var wrongPerHit: Proportion { Proportion(wrong, of: hits) }
    package var wrongPerRequest: Proportion { Proportion(wrong, of: requests) }
    package var secondHalfHitRate: Proportion { Proportion(secondHalfHits, of: secondHalfRequests) }
    package var secondHalfWrongPerHit: Proportion { Proportion(secondHalfWrong, of: secondHalfHits) }
}
