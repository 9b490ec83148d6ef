import HTTPTypes
@testable import Proxy
import SemanticCache
import Testing

struct RecentDecisionsTests {
    @Test func theLastAreRememberedInOrder() {
        let recent = RecentDecisions(capacity: 3)
        #expect(recent.items().isEmpty)
        for number in 1...5 {
            var record = RequestRecord(
                id: "r\(number)", method: .post, path: "/v1/chat/completions", traceID: nil, time: Timestamp(milliseconds: Int64(number)))
            record.body = [1, 2, 3]
            recent.observe(record)
            #expect(recent.items().map(\.number) == Array(max(1, number - 2)...number))
        }
        #expect(recent.items().map(\.record.id) == ["r3", "r4", "r5"])
        #expect(recent.items().allSatisfy { $0.record.body.isEmpty })
        #expect(recent.items(after: 4).map(\.number) == [5])
        #expect(recent.items(limit: 2).map(\.number) == [4, 5])
    }
}
