import Cache
import Foundation
import HTTPTypes
import Learning
@testable import Proxy
import SemanticCache
import Telemetry
import Testing
import TestSupport
import WireFormats

/// Two users who ask the same in other words have one history, for as long as the cache itself knows that it is one.
struct ConversationTests {
    /// A provider's way to write a conversation down.
    struct Form: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let path: String
        /// Texts by turns, the user's first.
        let body: @Sendable ([String]) -> [String: Any]
        let answer: @Sendable (String) -> [String: Any]
        let said: @Sendable ([String: Any]) -> String?

        static let all = [chat, chatInParts, messages, responses, bareResponses, gemini]

        private static func completion(_ text: String) -> [String: Any] {
            [
                "id": "c", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [["index": 0, "message": ["role": "assistant", "content": text], "finish_reason": "stop"] as [String: Any]],
                "usage": ["prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2],
            ]
        }

        private static func roles(_ count: Int, model: String = "assistant") -> [String] {
            (0..<count).map { $0.isMultiple(of: 2) ? "user" : model }
        }

        static let chat = Form(
            testDescription: "chat", path: "/v1/chat/completions",
            body: { texts in
                let said = zip(texts, roles(texts.count)).map { ["role": $1, "content": $0] }
                return ["model": "m", "temperature": 0, "messages": [["role": "system", "content": "Be brief."]] + said]
            },
            answer: completion,
            said: { (($0["choices"] as? [[String: Any]])?.first?["message"] as? [String: Any])?["content"] as? String })

        /// With a picture beside each text.
        static let chatInParts = Form(
            testDescription: "chat in parts", path: "/v1/chat/completions",
            body: { texts in
                let said = zip(texts, roles(texts.count)).map { text, role -> [String: Any] in
                    let picture: [String: Any] = ["type": "image_url", "image_url": ["url": "https://example.com/a.png"]]
                    let part: [String: Any] = ["type": "text", "text": text]
                    return ["role": role, "content": role == "user" ? [part, picture] : [part]]
                }
                return ["model": "m", "messages": said]
            },
            answer: completion, said: chat.said)

        static let messages = Form(
            testDescription: "messages", path: "/v1/messages",
            body: { texts in
                let said = zip(texts, roles(texts.count)).map { ["role": $1, "content": $0] }
                return ["model": "m", "max_tokens": 10, "system": "Be brief.", "messages": said]
            },
            answer: { text in
                [
                    "id": "a", "type": "message", "role": "assistant", "model": "m", "content": [["type": "text", "text": text]],
                    "stop_reason": "end_turn", "usage": ["input_tokens": 1, "output_tokens": 1],
                ]
            },
            said: { ($0["content"] as? [[String: Any]])?.first?["text"] as? String })

        static let responses = Form(
            testDescription: "responses", path: "/v1/responses",
            body: { texts in
                let said = zip(texts, roles(texts.count)).map { text, role -> [String: Any] in
                    role == "user"
                        ? ["role": role, "content": [["type": "input_text", "text": text]]]
                        : ["type": "message", "role": role, "content": [["type": "output_text", "text": text]]]
                }
                return ["model": "m", "input": said]
            },
            answer: { text in
                [
                    "id": "r", "object": "response", "status": "completed", "model": "m",
                    "output": [
                        ["type": "message", "id": "i", "role": "assistant", "content": [["type": "output_text", "text": text]]] as [String: Any]
                    ], "usage": ["input_tokens": 1, "output_tokens": 1, "total_tokens": 2],
                ]
            },
            said: { ((($0["output"] as? [[String: Any]])?.first?["content"]) as? [[String: Any]])?.first?["text"] as? String })

        /// The first question as the input itself.
        static let bareResponses = Form(
            testDescription: "responses, the first as a string", path: responses.path,
            body: { texts in
                guard texts.count > 1 else { return ["model": "m", "input": texts[0]] }
                return ["model": "m", "input": zip(texts, roles(texts.count)).map { ["role": $1, "content": $0] }]
            }, answer: responses.answer, said: responses.said)

        static let gemini = Form(
            testDescription: "gemini", path: "/v1beta/models/m:generateContent",
            body: { texts in
                ["contents": zip(texts, roles(texts.count, model: "model")).map { ["role": $1, "parts": [["text": $0]]] as [String: Any] }]
            },
            answer: { text in
                [
                    "candidates": [
                        ["content": ["role": "model", "parts": [["text": text]]] as [String: Any], "finishReason": "STOP", "index": 0]
                            as [String: Any]
                    ], "modelVersion": "m", "usageMetadata": ["promptTokenCount": 1, "candidatesTokenCount": 1],
                ]
            },
            said: {
                let content = ($0["candidates"] as? [[String: Any]])?.first?["content"] as? [String: Any]
                return (content?["parts"] as? [[String: Any]])?.first?["text"] as? String
            })
    }

    /// A proxy whose model says something new to everything that it is asked.
    struct Bench {
        let form: Form
        let proxy: ProxyBench

        init(_ form: Form = .chat, store: FaultyStore = FaultyStore()) {
            self.form = form
            proxy = ProxyBench(store: store) { _, body in
                let text = "this is \(body.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFF_FFFF_FFFF })"
                let bytes = (try? JSONSerialization.data(withJSONObject: form.answer(text))).map { Array($0) } ?? []
                return .response(status: .ok, fields: [.contentType: "application/json"], chunks: [bytes])
            }
        }

        /// Asks with the texts of a conversation, and waits until everything is in its place.
        func ask(_ texts: [String], fields: HTTPFields = [:]) async -> (said: String, match: String?, entry: String?) {
            let body = (try? JSONSerialization.data(withJSONObject: form.body(texts))).map { Array($0) } ?? []
            let answer = await proxy.send(ProxyRequest(id: "r", method: .post, path: form.path, fields: fields, body: .bytes(body)))
            await proxy.pipeline.settleVectors()
            let object = (try? JSONSerialization.jsonObject(with: Data(answer.body.utf8))) as? [String: Any]
            return (object.flatMap(form.said) ?? "", answer.match, answer.fields[.xCacheEntry])
        }

        /// Asks one question after the other, each with what was answered before; how each was answered.
        func talk(_ questions: [String]) async -> [String?] {
            var texts: [String] = []
            var matches: [String?] = []
            for question in questions {
                let (said, match, _) = await ask(texts + [question])
                texts += [question, said]
                matches.append(match)
            }
            return matches
        }
    }

    private static let first = [
        "how do i reset my account password please", "where do i find the button for that then", "does it work on a phone as well too",
    ]
    private static let reworded = [
        "please how do i reset my account password", "then where do i find the button for that", "too does it work on a phone as well",
    ]

    @Test("later turns of the same conversation in other words hit", arguments: Form.all)
    func laterTurnsHit(_ form: Form) async {
        let bench = Bench(form)
        #expect(await bench.talk(Self.first) == [nil, nil, nil])
        #expect(await bench.talk(Self.reworded) == ["semantic", "semantic", "semantic"])
        #expect(bench.proxy.metrics.snapshot.replacedTurns == 3)
    }

    @Test("what was asked in other words on the way is there for the next", arguments: Form.all)
    func chainsGrow(_ form: Form) async {
        let bench = Bench(form)
        _ = await bench.talk([Self.first[0]])
        // The second turn is new, in a history with a replaced turn; the third user meets it in the first one's words.
        #expect(await bench.talk([Self.reworded[0], Self.first[1]]) == ["semantic", nil])
        #expect(await bench.talk([Self.first[0], Self.reworded[1]]) == ["exact", "semantic"])
    }

    @Test("an answer that the client changed, or that another one gave, makes a history of its own", arguments: Form.all)
    func editsAreSeen(_ form: Form) async {
        let bench = Bench(form)
        _ = await bench.talk(Self.first)
        let (said, match, _) = await bench.ask([Self.reworded[0]])
        #expect(match == "semantic")
        #expect(await bench.ask([Self.reworded[0], said + " ", Self.reworded[1]]).match == nil)
        #expect(await bench.ask([Self.reworded[0] + " now", said, Self.reworded[1]]).match == nil)
        #expect(await bench.ask([Self.reworded[0], said, Self.reworded[1]]).match == "semantic")
    }

    @Test("other instructions, tenants and namespaces have conversations of their own")
    func othersDoNotMeet() async {
        let bench = Bench()
        for fields in [[.authorization: "Bearer a"], [.authorization: "Bearer b"], [.cacheNamespace: "n"]] as [HTTPFields] {
            let (said, match, _) = await bench.ask([Self.first[0]], fields: fields)
            #expect(match == nil)
            #expect(await bench.ask([Self.first[0], said, Self.first[1]], fields: fields).match == nil)
        }
        let (said, match, _) = await bench.ask([Self.reworded[0]], fields: [.authorization: "Bearer a"])
        #expect(match == "semantic")
        #expect(await bench.ask([Self.reworded[0], said, Self.reworded[1]], fields: [.authorization: "Bearer b"]).match == nil)
        #expect(await bench.ask([Self.reworded[0], said, Self.reworded[1]], fields: [.authorization: "Bearer a"]).match == "semantic")
    }

    @Test("what a wrong answer brought about goes with it")
    func disputesTakeTheChain() async throws {
        let bench = Bench()
        _ = await bench.talk([Self.first[0]])
        // Said to the second user alone, in a history that the first one's answer made.
        #expect(await bench.talk([Self.reworded[0], Self.first[1]]) == ["semantic", nil])
        let served = try #require(await bench.ask([Self.reworded[0]]).entry)
        let learner = try #require(bench.proxy.pipeline.learner)
        try await learner.feedback(entry: try #require(EntryID(served)), requestID: nil, isRight: false, tenant: nil)
        #expect(bench.proxy.cache.turns.isEmpty)
        // It was no question of the first one's.
        let (said, match, _) = await bench.ask([Self.first[0]])
        #expect(match == "exact")
        #expect(await bench.ask([Self.first[0], said, Self.reworded[1]]).match == nil)
    }

    @Test("a history counts as long as the entries live that it is made of")
    func livesAsLongAsItsEntries() async throws {
        let bench = Bench()
        _ = await bench.talk(Self.first)
        let (said, _, entry) = await bench.ask([Self.reworded[0]])
        #expect(await bench.ask([Self.reworded[0], said, Self.reworded[1]]).match == "semantic")
        bench.proxy.cache.remove([try #require(entry.flatMap { EntryID($0) })], as: .flushed)
        #expect(await bench.ask([Self.reworded[0], said, "so " + Self.reworded[1]]).match == nil)
    }

    @Test("an explanation shows the history as it is read, and adds nothing")
    func explains() async throws {
        let bench = Bench()
        _ = await bench.talk(Self.first)
        let (said, _, entry) = await bench.ask([Self.reworded[0]])
        let body = try JSONSerialization.data(withJSONObject: Form.chat.body([Self.reworded[0], said, Self.reworded[1]]))
        let before = bench.proxy.cache.turns.count
        let explanation = try await bench.proxy.pipeline.explain(
            ProxyRequest(id: "e", method: .post, path: Form.chat.path, fields: [:], body: .bytes(Array(body))))
        #expect(explanation.decision == "semantic hit")
        #expect(explanation.history.map(\.entry) == [entry])
        #expect(explanation.history.map(\.said) == [Self.reworded[0]] && explanation.history.map(\.counts) == [Self.first[0]])
        #expect(bench.proxy.cache.turns.count == before)
    }

    /// Random dialogues over a small alphabet, with clients that trim, edit and swap.
    @Test("no answer is served to a history that is not the same chain, turn by turn", arguments: 1...12)
    func onlyTheSameChain(_ seed: UInt64) async {
        struct Served {
            let wording: String
            let answer: String
            let parent: [String]?
        }
        let bench = Bench(Form.all[Int(seed) % 2 == 0 ? 0 : 2])
        var generator = SeededGenerator(seed: seed)
        let alphabet = Self.first.indices.map { [Self.first[$0], Self.reworded[$0]] }
        /// What was served for the request with these texts; what was asked, in which history, when an answer was first given.
        var served: [[String]: Served] = [:]
        var asked: [String: (history: [String], wording: String)] = [:]

        func normalised(_ texts: [String]) -> (history: [String], parent: [String]?) {
            var (history, parent): ([String], [String]?) = (texts, nil)
            for place in stride(from: 0, to: texts.count - 1, by: 2) {
                guard let known = served[Array(texts[...place])], known.answer == texts[place + 1], known.parent == parent else { continue }
                history[place] = known.wording
                parent = Array(texts[...place])
            }
            return (history, parent)
        }

        var (rewordings, later) = (0, 0)
        for _ in 0..<40 {
            var texts: [String] = []
            for _ in 0..<4 {
                let question = alphabet.randomElement(using: &generator)!.randomElement(using: &generator)!
                let (said, match, _) = await bench.ask(texts + [question])
                let (history, parent) = normalised(texts)
                if match == "semantic", let source = asked[said] {
                    rewordings += 1
                    if !texts.isEmpty, parent != nil { later += 1 }
                    #expect(source.history == history)
                    served[texts + [question]] = Served(wording: source.wording, answer: said, parent: parent)
                } else if match == nil {
                    asked[said] = (history, question)
                }
                texts += [question, said]
                switch Int.random(in: 0..<12, using: &generator) {
                case 0: texts[texts.count - 1] += "!"
                case 1: texts[texts.count - 2] = alphabet.randomElement(using: &generator)![0]
                case 2 where texts.count >= 4: texts.removeFirst(2)
                case 3 where texts.count >= 4: texts.swapAt(0, 2)
                case 4 where texts.count >= 4: texts.swapAt(1, 3)
                default: break
                }
            }
        }
        #expect(rewordings > 10 && later > 3)
    }
}
