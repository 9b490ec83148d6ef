package import Foundation
import Matching

/// One prompt of a stream: a cached answer is right for it when it was made for a prompt of the same group.
package struct StreamItem: Hashable, Sendable {
    package let prompt: String
    package let group: String
    /// The messages before the prompt; part of what must be equal.
    package let history: [String]

    package init(prompt: String, group: String, history: [String] = []) {
        self.prompt = prompt
        self.group = group
        self.history = history
    }
}

/// Two requests, and whether one answer is right for both.
package struct LabelledPair: Hashable, Sendable {
    package let cached: String
    package let asked: String
    package let isSame: Bool
    /// What kind of pair it is, where the file says so.
    package let category: String
    /// The language of the pair, where the file says so.
    package let language: String
    package let cachedHistory: [String]
    package let askedHistory: [String]

    package init(
        cached: String, asked: String, isSame: Bool, category: String = "", language: String = "", cachedHistory: [String] = [],
        askedHistory: [String] = []
    ) {
        self.cached = cached
        self.asked = asked
        self.isSame = isSame
        self.category = category
        self.language = language
        self.cachedHistory = cachedHistory
        self.askedHistory = askedHistory
    }
}

/// What a file of labelled examples holds.
package enum LabelledData: Sendable {
    case stream([StreamItem])
    case pairs([LabelledPair])

    /// A line that is not of any known form.
    package struct Failure: Error, CustomStringConvertible {
        package let line: Int
        package let reason: String

        package var description: String { "line \(line): \(reason)" }
    }

    private enum Text: Decodable {
        case prompt(String)
        case messages([String])

        private struct Message: Decodable { let content: String }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let prompt = try? container.decode(String.self) {
                self = .prompt(prompt)
            } else if let messages = try? container.decode([String].self) {
                self = .messages(messages)
            } else {
                self = .messages(try container.decode([Message].self).map(\.content))
            }
        }

        /// What is asked, and what must be equal: the messages before it, and the frame of the last one.
        var split: (ask: String, history: [String]) {
            let (last, before): (String, [String]) =
                switch self {
                case .prompt(let prompt): (prompt, [])
                case .messages(let messages): (messages.last ?? "", messages.dropLast())
                }
            let framed = FramedAsk(last)
            guard let frame = framed.frame else { return (last, before) }
            var bytes: [UInt8] = []
            frame.forEachCanonicalPiece(composed: { $0.precomposedStringWithCanonicalMapping }) { bytes += $0 }
            return (framed.ask, before + [String(decoding: bytes, as: UTF8.self)])
        }
    }

    private struct Line: Decodable {
        let prompt: String?
        let group: String?
        let messages: Text?
        let answerKey: String?
        let a: Text?
        let b: Text?
        let sameAnswer: Bool?
        let category: String?
        let subtype: String?
        let kind: String?
        let lang: String?

        enum CodingKeys: String, CodingKey {
            case prompt, group, messages, a, b, category, subtype, kind, lang
            case answerKey = "answer_key"
            case sameAnswer = "same_answer"
        }
    }

    /// Reads JSON lines: `prompt` and `group`; `messages` and `answer_key`; or `a`, `b` and `same_answer`, each side a text or a list of messages.
    /// The first line decides whether the file is a stream or pairs. As in the proxy, the last message is split: what is asked is the prompt, and what it is
    /// asked about joins the history.
    package init(lines data: Data) throws(Failure) {
        var items: [StreamItem] = []
        var pairs: [LabelledPair] = []
        let decoder = JSONDecoder()
        for (index, bytes) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() where !bytes.isEmpty {
            let line: Line
            do { line = try decoder.decode(Line.self, from: bytes) } catch { throw Failure(line: index + 1, reason: Self.reason(error)) }
            if let prompt = line.prompt, let group = line.group {
                let split = Text.prompt(prompt).split
                items.append(StreamItem(prompt: split.ask, group: group, history: split.history))
            } else if let messages = line.messages, let key = line.answerKey {
                let split = messages.split
                items.append(StreamItem(prompt: split.ask, group: key, history: split.history))
            } else if let a = line.a, let b = line.b, let isSame = line.sameAnswer {
                let (cached, asked) = (a.split, b.split)
                pairs.append(
                    LabelledPair(
                        cached: cached.ask, asked: asked.ask, isSame: isSame, category: line.category ?? line.subtype ?? line.kind ?? "",
                        language: line.lang ?? "",
                        cachedHistory: cached.history, askedHistory: asked.history))
            } else {
                throw Failure(line: index + 1, reason: "expected prompt and group, messages and answer_key, or a, b and same_answer")
            }
            guard items.isEmpty || pairs.isEmpty else { throw Failure(line: index + 1, reason: "a stream and pairs in one file") }
        }
        self = pairs.isEmpty ? .stream(items) : .pairs(pairs)
    }

    /// What is wrong with a line, without the decoder's own words where they are not needed.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "expected a JSON object; \(error)" }
        if case .dataCorrupted(let context) = error, context.codingPath.isEmpty { return "this is not JSON" }
        guard case .typeMismatch(_, let context) = error else { return "expected a JSON object; \(error)" }
        let member = context.codingPath.map(\.stringValue).joined(separator: ".")
        return member.isEmpty ? "expected a JSON object" : "\(member): this member has no such value"
    }

    /// Every text that must be embedded, once.
    package var texts: [String] {
        var seen: Set<String> = []
        let all: [String] =
            switch self {
            case .stream(let items): items.map(\.prompt)
            case .pairs(let pairs): pairs.flatMap { [$0.cached, $0.asked] }
            }
        return all.filter { seen.insert($0).inserted }
    }
}
