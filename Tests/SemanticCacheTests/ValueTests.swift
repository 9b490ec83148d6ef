import SemanticCache
import TestSupport
import Testing

struct DigestTests {
    @Test func bytesComeBack() throws {
        let bytes = (0..<32).map { UInt8($0 * 7 % 256) }
        let digest = try #require(Digest256(bytes: bytes))
        #expect(digest.bytes == bytes)
        #expect(digest.hex.count == 64)
        #expect(digest.hex.hasPrefix("00070e15"))
    }

    @Test(arguments: [0, 31, 33, 64])
    func otherCountsAreRefused(count: Int) {
        #expect(Digest256(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func everyByteCounts() throws {
        let zero = [UInt8](repeating: 0, count: 32)
        let base = try #require(Digest256(bytes: zero))
        for index in 0..<32 {
            var bytes = zero
            bytes[index] = 1
            #expect(Digest256(bytes: bytes) != base)
        }
    }
}

struct EntryIDTests {
    @Test func textComesBack() {
        for raw: Int64 in [0, 1, 0x1234_5678_9abc_def0, .max] {
            let id = EntryID(rawValue: raw)
            #expect(id.description.count == 16)
            #expect(EntryID(id.description) == id)
        }
    }

    @Test(arguments: ["", "12", "g000000000000000", "ffffffffffffffff", "00000000000000001", "-000000000000001"])
    func otherTextIsRefused(text: String) { #expect(EntryID(text) == nil) }
}

struct UnitVectorTests {
    @Test func lengthBecomesOne() throws {
        let vector = try #require(UnitVector(normalizing: [3, 4]))
        #expect(abs(vector.components[0] - 0.6) < 1e-6)
        #expect(abs(vector.similarity(to: vector) - 1) < 1e-6)
    }

    @Test(arguments: [[], [0, 0], [.nan, 1], [.infinity, 1]] as [[Float]])
    func unusableVectorsAreRefused(components: [Float]) { #expect(UnitVector(normalizing: components) == nil) }

    @Test func aUnitVectorStaysBitForBit() throws {
        let once = try #require(UnitVector(normalizing: [0.3, -0.5, 0.7, 0.123]))
        #expect(try #require(UnitVector(normalizing: once.components)).components == once.components)
    }
}

struct TimestampTests {
    @Test func additionSaturates() {
        #expect(Timestamp(milliseconds: .max) + .seconds(1) == Timestamp(milliseconds: .max))
        #expect(Timestamp(milliseconds: 0) + .seconds(Int64.max / 2) == Timestamp(milliseconds: .max))
        #expect(Timestamp(milliseconds: 1000) + .milliseconds(-1500) == Timestamp(milliseconds: -500))
    }
}

struct SelectorTests {
    private let now = Timestamp(milliseconds: 1_790_000_000_000)

    private func selects(_ entry: Entry, _ change: (inout EntrySelector) -> Void) throws -> Bool {
        var selector = EntrySelector()
        change(&selector)
        return try CompiledSelector(selector).selects(entry, at: now + .seconds(100))
    }

    @Test func nothingSelectsNothing() throws {
        #expect(try !selects(Sample.entry(1)) { _ in })
        #expect(try selects(Sample.entry(1)) { $0.all = true })
    }

    @Test func membersCombineWithAnd() throws {
        let entry = Sample.entry(1, model: "a", tags: ["x"], query: "how to reset")
        #expect(try selects(entry) { $0.model = "a" })
        #expect(try selects(entry) { ($0.model, $0.tag) = ("a", "x") })
        #expect(try !selects(entry) { ($0.model, $0.tag) = ("a", "y") })
        #expect(try selects(entry) { $0.matching = "re+set$" })
        #expect(try !selects(entry) { $0.matching = "^reset" })
        #expect(try selects(entry) { $0.olderThan = .seconds(99) })
        #expect(try !selects(entry) { $0.olderThan = .seconds(100) })
        #expect(try selects(entry) { $0.tenant = entry.tenant.description })
        #expect(try !selects(entry) { $0.tenant = String(entry.tenant.description.prefix(8)) })
    }

    @Test func aBadExpressionIsAnError() {
        var selector = EntrySelector()
        selector.matching = "(["
        #expect(throws: SelectorError.self) { _ = try CompiledSelector(selector) }
    }
}

struct ByteStreamTests {
    @Test func chunksComeInOrderAndEnd() async throws {
        let stream = ByteStream([[1], [2, 3], []])
        #expect(try await stream.collect(upTo: 3) == [1, 2, 3])
        #expect(try await ByteStream([[1], [2, 3]]).collect(upTo: 2) == nil)
    }

    @Test func aStreamIsMadeOfItsState() async throws {
        let stream = ByteStream(state: UInt8(0)) { count in
            await Task.yield()
            count = min(count + 1, 3)
            return count < 3 ? [count] : nil
        }
        #expect(try await stream.next() == [1])
        #expect(try await stream.collect(upTo: 9) == [2])
        #expect(try await stream.next() == nil)
    }

    @Test func droppingTheStreamCancels() async throws {
        try await confirmation { cancelled in
            var stream: ByteStream? = ByteStream(next: { [1] }, cancel: { cancelled() })
            var iterator = stream?.makeAsyncIterator()
            let before = try await iterator?.next()
            stream = nil
            let after = try await iterator?.next()
            #expect(before == [1] && after == [1])
            iterator = nil
        }
    }
}

struct AnswerBoundsTests {
    /// These numbers come from upstreams, files and imports, and are added up.
    @Test func sumsHaveAnEnd() {
        let fields = Sample.entry(1).answer.fields
        let usage = TokenUsage(prompt: .max, completion: .max, cachedPrompt: -5)
        #expect(usage.prompt + usage.completion == 2_000_000_000)
        #expect(usage.cachedPrompt == 0)
        let late = Answer(recording: .message([]), fields: fields, usage: usage, upstreamTime: .milliseconds(Int64.max))
        #expect(late.upstreamTime == .seconds(7 * 86_400))
        #expect(late.savedCost < 10_000_000)
        #expect(Answer(recording: .message([]), fields: fields, usage: nil, upstreamTime: .seconds(-1)).upstreamTime == .zero)
    }
}
