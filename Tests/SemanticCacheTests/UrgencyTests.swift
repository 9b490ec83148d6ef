import SemanticCache
import Synchronization
import Testing

struct UrgencyTests {
    private final class Count: Sendable { let value = Mutex(0) }

    @Test func whatIsToBeDoneIsDoneOnceHoweverLateItIsAskedFor() {
        let (urgency, count) = (Urgency(), Count())
        urgency.onRaise { count.value.withLock { $0 += 1 } }
        #expect(!urgency.isRaised && count.value.withLock { $0 } == 0)
        urgency.raise()
        urgency.raise()
        #expect(urgency.isRaised && count.value.withLock { $0 } == 1)
        urgency.onRaise { count.value.withLock { $0 += 10 } }
        #expect(count.value.withLock { $0 } == 11)
    }
}
