import HTTPTypes
import SemanticCache
@testable import Sharing
import Testing
import TestSupport

struct SharedSealingTests {
    private static let key = Array("a tenancy key of some length".utf8)
    private let sealed = SharedSealing(tenancyKey: Self.key, encryptionKey: "an encryption key of some length")
    private let plain = SharedSealing(tenancyKey: Self.key, encryptionKey: nil)

    private var records: [CacheRecord] {
        let vector = UnitVector(normalizing: [0.3, -0.4, 0.5]).map { StoredEmbedding(vector: $0, fingerprint: "model") }
        let stream = Entry(
            Sample.entry(3, tags: ["ä", "release 7"], query: "line one\n\u{1F600}\u{0}end").metadata,
            answer: Answer(
                recording: .events(
                    EventRecording(
                        bytes: Array("data: 1\n\ndata: [DONE]\n\n".utf8), marks: [.init(end: 9, milliseconds: 0), .init(end: 23, milliseconds: 70)])),
                fields: [.contentType: "text/event-stream", .contentLanguage: "de"], usage: nil, upstreamTime: .milliseconds(1234),
                tellsUsageRegardless: true, isStandIn: true))
        return [
            CacheRecord(entry: Sample.entry(1), embedding: vector), CacheRecord(entry: Sample.entry(2, body: []), embedding: nil),
            CacheRecord(entry: stream, embedding: vector),
            CacheRecord(entry: Entry(Sample.entry(4).metadata.withoutScope, answer: stream.answer), embedding: nil),
        ]
    }

    private func with(
        _ row: SharedEntry, key: CacheKey? = nil, id: EntryID? = nil, scope: Scope?? = .none, tenant: UInt64? = nil, expiresAt: Timestamp? = nil,
        since: Int64? = nil, vector: UnitVector?? = .none, metadata: [UInt8]? = nil, answer: [UInt8]? = nil
    ) -> SharedEntry {
        var marks = row.marks
        if let tenant { marks.tenant = tenant }
        return SharedEntry(
            key: key ?? row.key, id: id ?? row.id, scope: scope ?? row.scope, marks: marks, createdAt: row.createdAt,
            expiresAt: expiresAt ?? row.expiresAt, since: since ?? row.since, vector: vector ?? row.vector, metadata: metadata ?? row.metadata,
            answer: answer ?? row.answer)
    }

    @Test func whatIsSealedOpens() throws {
        for sealing in [sealed, plain] {
            for record in records {
                let row = sealing.seal(record, since: 7, sinceMark: 99)
                let opened = try #require(sealing.open(row))
                #expect("\(opened.metadata)" == "\(record.entry.metadata)" && opened.sinceMark == 99)
                #expect(opened.embedding == record.embedding)
                #expect(sealing.answer(of: row).map { "\($0)" } == "\(record.entry.answer)")
            }
        }
    }

    @Test func whoeverHoldsTheEngineReadsNothing() {
        let record = CacheRecord(
            entry: Sample.entry(1, model: "neighbour", tags: ["neighbour"], query: "neighbour", body: Array("neighbour".utf8)), embedding: nil)
        let row = sealed.seal(record, since: 0, sinceMark: 0)
        for bytes in [row.metadata, row.answer ?? []] { #expect(!String(decoding: bytes, as: UTF8.self).contains("neighbour")) }
        #expect(sealed.open(row) != nil && plain.open(row) == nil)
        #expect(SharedSealing(tenancyKey: Self.key, encryptionKey: "another encryption key").open(row) == nil)
        #expect(sealed.open(plain.seal(record, since: 0, sinceMark: 0)) == nil)
    }

    @Test func damageIsSeen() throws {
        for sealing in [sealed, plain] {
            let row = sealing.seal(records[0], since: 7, sinceMark: 99)
            for place in row.metadata.indices {
                var bytes = row.metadata
                bytes[place] ^= 1 << (place % 8)
                #expect(sealing.open(with(row, metadata: bytes)) == nil)
                #expect(sealing.open(with(row, metadata: Array(row.metadata[..<place]))) == nil)
            }
            let answer = try #require(row.answer)
            for place in answer.indices {
                var bytes = answer
                bytes[place] ^= 1 << (place % 8)
                #expect(sealing.answer(of: with(row, answer: bytes)) == nil)
            }
        }
    }

    @Test func aRowThatSaysSomethingElseIsNotOpened() throws {
        for sealing in [sealed, plain] {
            let row = sealing.seal(records[0], since: 7, sinceMark: 99)
            let other = sealing.seal(records[2], since: 7, sinceMark: 99)
            #expect(sealing.open(with(row, key: other.key)) == nil)
            #expect(sealing.open(with(row, id: other.id)) == nil)
            #expect(sealing.open(with(row, scope: .some(Scope(Sample.digest(77))))) == nil)
            #expect(sealing.open(with(row, tenant: row.marks.tenant + 1)) == nil)
            #expect(sealing.open(with(row, expiresAt: row.expiresAt + .seconds(1))) == nil)
            #expect(sealing.open(with(row, since: 8)) == nil)
            #expect(sealing.open(with(row, metadata: other.metadata)) == nil)
            #expect(sealing.answer(of: with(row, answer: other.answer)) == nil)
            // Another entry's vector is not this one's; out of every search, it answers exact repeats.
            #expect(sealing.open(with(row, vector: UnitVector(normalizing: [1, 0, 0])))?.embedding == nil)
            #expect(sealing.open(with(row, scope: .some(nil)))?.metadata.scope == nil)
        }
    }

    @Test func marksAreEqualForThoseWithTheKeyAlone() {
        let other = SharedSealing(tenancyKey: Array("another tenancy key".utf8), encryptionKey: nil)
        let metadata = Sample.entry(1, model: "m", tags: ["m", "b"]).metadata
        #expect(sealed.marks(of: metadata) == plain.marks(of: metadata))
        let (mine, theirs) = (sealed.marks(of: metadata), other.marks(of: metadata))
        #expect(mine.model != theirs.model && mine.tags[0] != theirs.tags[0] && mine.model != mine.tags[0] && mine.tags[0] != mine.tags[1])
        let (one, two) = (sealed.identity(of: nil), other.identity(of: nil))
        #expect(
            one.tenancyCheck != two.tenancyCheck && one.encryptionCheck != two.encryptionCheck
                && two.encryptionCheck == plain.identity(of: nil).encryptionCheck)
    }

    @Test func eventsComeBack() throws {
        var selector = EntrySelector()
        (selector.tenant, selector.matching, selector.olderThan, selector.id) = ("0123456789abcdef", "a.*ä", .seconds(3), EntryID(rawValue: 9))
        let vector = try #require(UnitVector(normalizing: [0.1, 0.2]))
        var similar = EntrySelector()
        similar.similarTo = ""
        let names = [JournalEvent.Named(key: CacheKey(Sample.digest(1)), id: EntryID(rawValue: 5))]
        let likeness = JournalEvent.Likeness(embedding: StoredEmbedding(vector: vector, fingerprint: "f"), threshold: 0.8)
        for kind: JournalEvent.Kind in [
            .flush(JournalEvent.Flush(selector: selector, likeness: nil)), .flush(JournalEvent.Flush(selector: similar, likeness: likeness)),
            .unreach(names), .remove(names + names), .remove([]),
        ] {
            let event = JournalEvent(kind, at: Timestamp(milliseconds: 77))
            for sealing in [sealed, plain] {
                let bytes = sealing.seal(event)
                #expect(sealing.event(bytes).map { "\($0)" } == "\(event)")
                for place in bytes.indices {
                    var damaged = bytes
                    damaged[place] ^= 0x10
                    #expect(sealing.event(damaged) == nil)
                }
            }
            for count in 0..<event.encoded.count { #expect(JournalEvent(encoded: Array(event.encoded[..<count])) == nil) }
        }
    }

    @Test func selectionsSayWhatAnEngineCanTell() {
        let entries = (0..<40).map {
            Sample.entry(
                $0, tenant: $0 % 2, model: $0 % 3 == 0 ? "x" : "y", tags: $0 % 5 == 0 ? ["t"] : [], now: Timestamp(milliseconds: Int64($0) * 1000))
        }
        let now = Timestamp(milliseconds: 40_000)
        for number in 0..<32 {
            var selector = EntrySelector()
            if number & 1 != 0 { selector.tenant = entries[1].tenant.description }
            if number & 2 != 0 { selector.model = "x" }
            if number & 4 != 0 { selector.tag = "t" }
            if number & 8 != 0 { selector.olderThan = .seconds(20) }
            if number & 16 != 0 { selector.namespace = "" }
            if number == 0 { selector.all = true }
            let (selection, isWhole) = sealed.selection(selector, at: now)
            #expect(isWhole)
            for entry in entries {
                let row = sealed.seal(CacheRecord(entry: entry, embedding: nil), since: 0, sinceMark: 0)
                #expect(selection.means(row) == (try? CompiledSelector(selector))?.selects(entry, at: now))
            }
        }
        var longer = EntrySelector()
        longer.tenant = String(entries[0].tenant.digest.hex.prefix(20))
        #expect(!sealed.selection(longer, at: now).isWhole)
        longer.tenant = "0123"
        #expect(!sealed.selection(longer, at: now).isWhole)
    }
}
