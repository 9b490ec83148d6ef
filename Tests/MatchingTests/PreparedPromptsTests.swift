@testable import Matching
import Testing

struct PreparedPromptsTests {
    private func text(_ number: Int) -> String { "question number \(number) " + String(repeating: "word ", count: 400) }

    @Test func whatIsHeldIsBoundedInBytes() throws {
        let prompts = PreparedPrompts(capacity: 1000, textBytes: 100_000)
        for number in 0..<500 { _ = try prompts.prepared(text(number)) }
        #expect((40_000...110_000).contains(prompts.heldBytes))
        let last = try prompts.prepared(text(499))
        #expect(try prompts.prepared(text(499)) === last)
    }

    @Test func whatIsHeldIsBoundedInNumber() throws {
        let prompts = PreparedPrompts(capacity: 10)
        let first = try prompts.prepared("question 0")
        #expect(try prompts.prepared("question 0") === first)
        for number in 1..<20 { _ = try prompts.prepared("question \(number)") }
        #expect(try prompts.prepared("question 0") !== first)
        #expect(prompts.heldBytes < 200)
    }

    /// Prompts that no model reads to their end are taken apart each time.
    @Test func longOnesAreNotHeld() throws {
        let prompts = PreparedPrompts()
        let long = String(repeating: "word ", count: 1000)
        let first = try prompts.prepared(long)
        #expect(try prompts.prepared(long) !== first)
        #expect(prompts.heldBytes == 0)
    }
}
