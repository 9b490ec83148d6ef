import SemanticCache
import TestSupport
import Testing

@testable import SharedRedis

struct RedisPlaceTests {
    @Test("keys are met once, whatever the pages' size and however they are spread", arguments: [1, 3, 50])
    func coversOnce(_ limit: Int) throws {
        // Spread, and many in one corner.
        let digests = (1..<60).map { Sample.digest($0).hex } + (1..<120).map { "00000000" + Sample.digest($0).hex.dropFirst(8) }
        let keys = digests.map { ($0, RedisEntry.position(CacheKey(Digest256(hexadecimal: $0)!))) }
        var met: [String] = []
        var cursor: SharedCursor?
        repeat {
            var place = try #require(RedisPlace(cursor))
            while !place.isEnd {
                let window = place.window
                #expect(window.from < window.below)
                let all = keys.filter { (window.from..<window.below).contains($0.1) }.map(\.0)
                if all.count > 4 * limit, place.narrow() { continue }
                let here = all.filter { $0 >= place.from }.sorted()
                met += here.prefix(limit)
                if here.count > limit { place.move(behind: here[limit - 1]) } else { place.moveOn(wider: here.count < limit) }
                if !here.isEmpty { break }
            }
            cursor = place.cursor
        } while cursor != nil
        #expect(met == digests.sorted())
    }

    @Test(
        "a cursor that was not made here is none",
        arguments: ["", "x", "0 1", "0000000000000 0", "000000000000g 1", "0000000000000 99999999999999999"])
    func foreign(_ text: String) {
        #expect(RedisPlace(SharedCursor(text)) == nil)
    }
}
