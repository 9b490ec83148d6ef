package import Foundation
import Matching
package import SemanticCache

/// How well the judge tells answers apart, on answers of which somebody said whether they are the same.
package struct JudgeTrial: Sendable {
    /// Two answers to one question.
    package struct Pair: Sendable {
        package let questions: [String]
        package let first: String
        package let second: String
        package let isSame: Bool
        package let kind: String

        package init(questions: [String], first: String, second: String, isSame: Bool, kind: String) {
            self.questions = questions
            self.first = first
            self.second = second
            self.isSame = isSame
            self.kind = kind
        }
    }

    /// Several answers to one instruction.
    package struct Instruction: Sendable {
        package let family: String
        package let text: String
        package let answers: [String]
    }

    /// What a file holds.
    package enum Content: Sendable {
        case pairs([Pair])
        case instructions([Instruction])
    }

    /// The pairs of one kind.
    package struct Row: Sendable, Equatable {
        package let kind: String
        package let isSame: Bool
        package let calledSame: Proportion
        package let calledDifferent: Proportion
    }

    private struct Line: Decodable {
        let question: String?
        let a: String?
        let b: String?
        let same: Bool?
        let kind: String?
        let family: String?
        let instruction: String?
        let answers: [String]?
    }

    /// Reads JSON lines of `question`, `a`, `b`, `same` and `kind`, or of `family`, `instruction` and `answers`; `nil` where they are of another form.
    package static func read(lines data: Data) -> Content? {
        var pairs: [Pair] = []
        var instructions: [Instruction] = []
        for bytes in data.split(separator: UInt8(ascii: "\n")) {
            guard let line = try? JSONDecoder().decode(Line.self, from: bytes) else { return nil }
            if let question = line.question, let a = line.a, let b = line.b, let isSame = line.same {
                pairs.append(Pair(questions: [question], first: a, second: b, isSame: isSame, kind: line.kind ?? ""))
            } else if let text = line.instruction, let answers = line.answers {
                instructions.append(Instruction(family: line.family ?? "", text: text, answers: answers))
            } else {
                return nil
            }
        }
        guard pairs.isEmpty != instructions.isEmpty else { return nil }
        return pairs.isEmpty ? .instructions(instructions) : .pairs(pairs)
    }

    /// Pairs of answers to the same instruction, and to it and the nearest other one of its family.
    ///
    /// - Parameter vector: of an instruction.
    package static func pairs(_ instructions: [Instruction], vector: (String) -> UnitVector?) -> [Pair] {
        var pairs: [Pair] = []
        for (family, members) in Dictionary(grouping: instructions, by: \.family).sorted(by: { $0.key < $1.key }) {
            let vectors = members.map { vector($0.text) }
            for (place, member) in members.enumerated() {
                for (number, first) in member.answers.enumerated() {
                    for second in member.answers.dropFirst(number + 1) {
                        pairs.append(Pair(questions: [member.text], first: first, second: second, isSame: true, kind: family))
                    }
                }
                guard let own = vectors[place] else { continue }
                let near = members.indices.lazy.filter { $0 != place }.compactMap { other in vectors[other].map { (other, own.similarity(to: $0)) } }
                guard let nearest = near.max(by: { $0.1 < $1.1 })?.0 else { continue }
                for first in member.answers {
                    for second in members[nearest].answers {
                        pairs.append(
                            Pair(questions: [member.text, members[nearest].text], first: first, second: second, isSame: false, kind: family))
                    }
                }
            }
        }
        return pairs
    }

    /// Judges every pair as on traffic of which nothing is known; gives what came of it by kind, and for all of them as the kind "all".
    ///
    /// - Parameter vector: of an answer.
    package static func run(_ pairs: [Pair], vector: (String) -> UnitVector?) -> [Row] {
        struct Key: Hashable {
            let kind: String
            let isSame: Bool
        }
        let likeness = AnswerLikeness()
        var claims: [String: AnswerClaims] = [:]
        func read(_ text: String) -> AnswerClaims {
            if let known = claims[text] { return known }
            let made = AnswerClaims(text)
            claims[text] = made
            return made
        }
        var counts: [Key: (all: Int, same: Int, different: Int)] = [:]
        for pair in pairs {
            let similarity = vector(pair.first).flatMap { one in vector(pair.second).map { Double(one.similarity(to: $0)) } }
            let verdict = AnswerComparison.compare(
                read(pair.first), read(pair.second), questions: pair.questions.map(read), similarity: similarity, likeness: likeness
            ).verdict
            for kind in [pair.kind, "all"] {
                let key = Key(kind: kind, isSame: pair.isSame)
                counts[key, default: (0, 0, 0)].all += 1
                if verdict == .same { counts[key, default: (0, 0, 0)].same += 1 }
                if verdict == .different { counts[key, default: (0, 0, 0)].different += 1 }
            }
        }
        return counts.map { key, count in
            Row(
                kind: key.kind, isSame: key.isSame, calledSame: Proportion(count.same, of: count.all),
                calledDifferent: Proportion(count.different, of: count.all))
        }
        .sorted { ($0.kind == "all" ? 1 : 0, $0.kind, $0.isSame ? 0 : 1) < ($1.kind == "all" ? 1 : 0, $1.kind, $1.isSame ? 0 : 1) }
    }
}
