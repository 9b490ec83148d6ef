import Cache
import SemanticCache
@testable import Sharing
import Testing
import TestSupport

/// Thousands of random operations on several proxies, held against what a fleet may serve.
///
/// Whatever the engine does meanwhile: what it gives is never of another tenant, namespace, model or scope, never over, never anything that a flush
/// means which had returned before the question was asked, and never an answer that was taken out of reach, to another wording.
struct FleetModelTests {
    private struct Kept {
        let entry: Entry
        let tags: Set<String>
        /// The operation that kept it.
        let at: Int
        let answer: String
    }

    private struct Gone {
        let at: Int
        let means: @Sendable (Kept) -> Bool
    }

    /// What goes wrong, and how often in a hundred calls.
    enum Weather: String, CaseIterable, Sendable {
        case fine, flaky, lossy, garbled, forgetful
    }

    private static let questions = [
        "how do i reset my account password please", "what is the capital of france", "how long is the nile", "who wrote the tempest",
        "when does the museum open on sunday",
    ]
    private static let wordings = [
        "please how do i reset my account password", "the capital of france is what", "is the nile how long", "the tempest who wrote",
        "on sunday when does the museum open",
    ]

    @Test(arguments: Weather.allCases, 0..<6)
    func nothingIsServedThatMayNotBe(weather: Weather, seed: Int) async throws {
        var generator = SeededGenerator(seed: UInt64(seed * 31 + 7))
        let clock = ManualClock()
        let engine = MemorySharedTier.Engine(clock: clock, journalLimit: weather == .forgetful ? 20 : 10_000)
        let nodes = (0..<3).map { Node(engine, clock: clock, node: $0 + 10) }
        for node in nodes { await node.shared.turn() }
        for (place, node) in nodes.enumerated() { storm(weather, seed: seed, place, node) }
        var kept: [CacheKey: [Kept]] = [:]
        var gone: [Gone] = []
        var unreached: [(id: EntryID, at: Int)] = []
        var underway: [(node: Int, question: String, tenant: Int, tag: String, mark: Flushes.Mark, at: Int)] = []
        var served = 0

        /// Why an entry should not have been served to a question that was asked at `moment`; `nil` when it may.
        func fault(_ found: Entry, at moment: Int, isReworded: Bool) -> String? {
            guard let made = kept[found.key]?.first(where: { $0.answer == Self.text(found) }) else { return "nobody made it" }
            if found.isExpired(at: clock.now()) { return "its time is over" }
            if gone.contains(where: { $0.at > made.at && $0.at < moment && $0.means(made) }) { return "it was flushed" }
            if isReworded, unreached.contains(where: { $0.id == found.id && $0.at < moment }) { return "it is out of reach" }
            return nil
        }

        for step in 0..<400 {
            let (place, topic) = (Int.random(in: 0..<3, using: &generator), Int.random(in: 0..<Self.questions.count, using: &generator))
            let (node, tenant) = (nodes[place], Int.random(in: 1...2, using: &generator))
            let (question, tag) = (Self.questions[topic], ["a", "b"].randomElement(using: &generator)!)
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<25:
                let answer = "answer \(step)"
                let entry = node.keep(question, tenant: tenant, tags: [tag], life: .seconds(topic == 0 ? 30 : 3600), answer: answer)
                kept[entry.key, default: []].append(Kept(entry: entry, tags: [tag], at: step, answer: answer))
            case 25..<30:
                underway.append((place, question, tenant, tag, node.cache.flushMark, step))
            case 30..<35:
                guard !underway.isEmpty else { continue }
                let late = underway.removeFirst()
                let answer = "late answer \(step)"
                let entry = nodes[late.node].keep(late.question, tenant: late.tenant, tags: [late.tag], answer: answer, since: late.mark)
                kept[entry.key, default: []].append(Kept(entry: entry, tags: [late.tag], at: late.at, answer: answer))
            case 35..<55:
                let key = Node.key(question, 1, tenant, "", "m")
                // What is here may be a second old; what the engine gives may not.
                guard let found = await node.shared.glimpse(of: key, in: Node.scope(1, tenant, "", "m"), isKept: step % 2 == 0).entry else {
                    continue
                }
                served += 1
                if let fault = fault(found, at: step, isReworded: false) { Issue.record("\(weather) \(seed) step \(step), by key: \(fault)") }
                if found.key != key || found.tenant != Node.tenant(tenant) { Issue.record("another's answer") }
            case 55..<75:
                let scope = Node.scope(1, tenant, "", "m")
                let vector = try node.embedder.outcome(of: Self.wordings[topic]).get()
                let matches = await node.shared.nearest(to: vector, in: scope, count: 8, isCounted: true)
                guard let best = matches.first else { continue }
                guard let found = await node.shared.entry(best.entry, isKept: true) else { continue }
                served += 1
                if let fault = fault(found, at: step, isReworded: true) { Issue.record("\(weather) \(seed) step \(step), by meaning: \(fault)") }
                if found.scope != scope || found.tenant != Node.tenant(tenant) { Issue.record("another scope's answer") }
            case 75..<80:
                var selector = EntrySelector()
                let name = Node.tenant(tenant).description
                let means: @Sendable (Kept) -> Bool
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: (selector.tag, means) = (tag, { $0.tags.contains(tag) })
                case 1: (selector.tenant, means) = (name, { $0.entry.tenant.description == name })
                case 2: (selector.matching, means) = ("nile|tempest", { $0.entry.query.contains("nile") || $0.entry.query.contains("tempest") })
                case 3: (selector.all, means) = (true, { _ in true })
                default:
                    guard let made = kept.values.randomElement(using: &generator)?.last else { continue }
                    let id = made.entry.id
                    (selector.id, means) = (id, { $0.entry.id == id })
                }
                // While the engine is away the others cannot know.
                if await node.shared.flush(selector).isTold { gone.append(Gone(at: step, means: means)) }
            case 80..<84:
                guard let made = kept.values.randomElement(using: &generator)?.last else { continue }
                await node.cache.removeFromReach(made.entry.id)
                if node.shared.isAsked, node.cache.metadata(made.entry.id) != nil { unreached.append((made.entry.id, step)) }
            case 84..<86: clock.advance(by: .seconds(Int.random(in: 1...20, using: &generator)))
            case 86..<88 where weather == .forgetful:
                guard Int.random(in: 0..<4, using: &generator) == 0 else { continue }
                // What nobody but who said it had read of when the engine lost it is said again, and until then not known to the others.
                for _ in 0..<2 {
                    for node in nodes {
                        node.instant.advance(by: .seconds(60))
                        await node.shared.turn()
                    }
                }
                engine.loseEverything()
            default:
                for node in nodes { node.instant.advance(by: .seconds(Int.random(in: 0...40, using: &generator))) }
                await node.shared.turn()
            }
        }
        #expect(served > 5 || weather != .fine, "nothing was served, so nothing was shown")
    }

    /// What happens to the calls of one proxy; the same in every run.
    private func storm(_ weather: Weather, seed: Int, _ place: Int, _ node: Node) {
        let salt = UInt64(seed * 3 + place)
        node.tier.setScript { call, number in
            var generator = SeededGenerator(seed: salt &* 1_000_003 &+ UInt64(number))
            let chance = Int.random(in: 0..<100, using: &generator)
            switch weather {
            case .fine, .forgetful: return nil
            case .flaky: return chance < 10 ? .before(.unreachable("flaky")) : nil
            case .lossy: return chance < 10 ? .after(.timedOut) : nil
            // A journal that cannot be read is taken for a flush of everything: of that there is a test of its own.
            case .garbled: return chance < 15 && call != "events" ? .garble : nil
            }
        }
    }

    private static func text(_ entry: Entry) -> String {
        guard case .message(let bytes) = entry.answer.recording else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Every call of a whole life fails once, each in a run of its own: before it happens, or after.
    @Test(arguments: [false, true])
    func anyCallMayFail(happens: Bool) async throws {
        var number = 1
        while true {
            let clock = ManualClock()
            let engine = MemorySharedTier.Engine(clock: clock)
            let (node, other) = (Node(engine, clock: clock, node: 1), Node(engine, clock: clock, node: 2))
            await other.shared.turn()
            let failing = number
            node.tier.setScript { _, number in number == failing ? happens ? .after(.timedOut) : .before(.unreachable("once")) : nil }
            func settle() async {
                for _ in 0..<4 {
                    for node in [node, other] {
                        node.instant.advance(by: .seconds(40))
                        await node.shared.turn()
                    }
                }
            }
            await node.shared.turn()
            let meant = node.keep(Self.questions[0], tags: ["a"])
            let wrong = node.keep(Self.questions[1])
            let kept = node.keep(Self.questions[2])
            await node.shared.turn()
            await settle()
            for entry in [meant, wrong, kept] { #expect(await other.fetch(entry)?.id == entry.id, "call \(number)") }
            var selector = EntrySelector()
            selector.tag = "a"
            let outcome = await node.shared.flush(selector)
            await node.cache.removeFromReach(wrong.id)
            if outcome.isTold { #expect(await other.fetch(meant) == nil, "call \(number)") }
            _ = await node.fetch(kept)
            _ = await node.reword(Self.wordings[2], of: kept)
            await settle()
            let isOver = node.tier.count < failing
            node.tier.setScript(nil)
            for node in [node, other] {
                #expect(await node.local(meant) == nil, "call \(number)")
                #expect(await node.fetch(meant) == nil, "call \(number)")
                #expect(await node.reword(Self.wordings[1], of: wrong) == nil, "call \(number)")
                #expect(await node.fetch(kept)?.id == kept.id, "call \(number)")
            }
            #expect(engine.keys == [wrong.key, kept.key], "call \(number)")
            if isOver { break }
            number += 1
        }
        #expect(number > 10)
    }

    /// What comes back is rubbish at any one call.
    @Test func anyAnswerMayBeRubbish() async throws {
        for failing in 1..<25 {
            let engine = MemorySharedTier.Engine(clock: ManualClock())
            let (node, other) = (Node(engine), Node(engine))
            for node in [node, other] { await node.shared.turn() }
            let entry = node.keep(Self.questions[0])
            await node.shared.turn()
            other.tier.setScript { _, number in number == failing ? .garble : nil }
            for _ in 0..<6 {
                for found in [await other.fetch(entry), await other.reword(Self.wordings[0], of: entry)] {
                    guard let found else { continue }
                    #expect("\(found)" == "\(entry)")
                }
                other.cache.removeFetched()
                other.instant.advance(by: .seconds(40))
                await other.shared.turn()
            }
            #expect(await other.fetch(entry)?.id == entry.id)
        }
    }
}
