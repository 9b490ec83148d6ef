import Testing

@testable import Proxy

struct SeenWordsTests {
    @Test func eachWordIsNewOnceAndNotMoreThanTheLimitAre() {
        let words = SeenWords()
        #expect(words.isNew("a") && !words.isNew("a") && words.isNew("b"))
        let new = (0..<1000).count { words.isNew("\($0)") }
        #expect(new == SeenWords.limit - 2)
    }
}
