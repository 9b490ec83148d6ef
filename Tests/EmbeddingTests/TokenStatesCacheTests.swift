@testable import Embedding
import Testing

struct TokenStatesCacheTests {
    private func states(_ mark: UInt8, tokens: Int = 2) -> TokenStates {
        TokenStates(tokenCount: tokens, bytes: [UInt8](repeating: mark, count: tokens * 384))
    }

    @Test func whatWasKeptIsFound() {
        let cache = TokenStatesCache(limit: 1 << 20)
        cache.keep(states(1), of: [101, 5, 102])
        #expect(cache.states(of: [101, 5, 102]) == states(1))
        #expect(cache.states(of: [101, 6, 102]) == nil)
    }

    /// A thousand texts of about one kilobyte pass through memory for sixteen: what is asked for again and again stays, what is not goes.
    @Test func whatIsUsedStaysWithinTheLimit() {
        let cache = TokenStatesCache(limit: 16 << 10)
        cache.keep(states(7), of: [7])
        for id in 1000..<2000 {
            cache.keep(states(1), of: [Int64(id)])
            #expect(cache.states(of: [7]) == states(7))
        }
        let left = (1000..<2000).count { cache.states(of: [Int64($0)]) != nil }
        #expect(left > 0 && left <= 16)
        #expect(cache.states(of: [1000]) == nil)
    }

    @Test func longTextsAndEmptyMemoriesKeepNothing() {
        let cache = TokenStatesCache(limit: 1 << 20)
        cache.keep(states(1, tokens: TokenStatesCache.longestText + 1), of: [1])
        #expect(cache.states(of: [1]) == nil)
        let none = TokenStatesCache(limit: 0)
        none.keep(states(1), of: [1])
        #expect(none.states(of: [1]) == nil)
    }
}
