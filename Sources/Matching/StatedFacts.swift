/// The numbers, dates and identifiers of a prompt as hashes, for asking many prompts at once what ``NumbersGuard`` would ask one by one.
///
/// Two facts that match share a key, so a prompt whose `required` facts find no key among those that others state has no neighbour that the guard
/// would let through. The reverse does not hold: the guard still has the last word. Hashes are good for one run of the program.
package struct StatedFacts: Sendable {
    /// The keys of each fact that a neighbour must state as well; weak numbers ("one") are not among them.
    package let required: [[Int]]
    /// The keys of all facts.
    package let stated: Set<Int>

    /// The facts of a prompt; none for one that cannot be read, which the decision refuses anyway.
    ///
    /// - Complexity: O(n) in the prompt's length.
    package init(_ prompt: String) {
        self.init((try? PromptTokens(prompt))?.facts ?? [])
    }

    /// Whether `other` states everything that this prompt requires: the guard refuses a neighbour that does not.
    package func mayMatch(_ other: StatedFacts) -> Bool { required.allSatisfy { keys in keys.contains { other.stated.contains($0) } } }

    init(_ facts: [NumberFact]) {
        required = facts.filter { !$0.isWeak }.map(\.keys)
        stated = Set(facts.flatMap(\.keys))
    }
}

extension NumberFact {
    /// Hashes of what ``matches(_:)`` compares: whatever matches has one in common.
    fileprivate var keys: [Int] {
        func key(_ parts: any Hashable...) -> Int {
            var hasher = Hasher()
            for part in parts { hasher.combine(AnyHashable(part)) }
            return hasher.finalize()
        }
        switch kind {
        case .literal: return [key("literal", text)]
        case .clock, .month, .weekday: return [key(kind, value)]
        case .quantity:
            // Rounded, because matching forgives the last digits; two values that straddle a rounding step cost a miss and nothing else.
            var keys = [key("number", Float(statedValue))]
            if let unit { keys.append(key(unit, Float(value))) }
            if let joined { keys.append(key("literal", joined)) }
            return keys
        }
    }
}
