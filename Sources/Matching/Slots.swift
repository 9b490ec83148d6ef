import SemanticCache

/// A text as its words and the marks between them.
struct Slots {
    /// The words without marks.
    private(set) var words: [String] = []
    /// The marks before each word, and after the last.
    private(set) var slots: [Slot] = [Slot()]

    /// The marks between two words.
    struct Slot: Equatable {
        /// As the model sees them; quotation marks in one style, as ``quote``.
        fileprivate(set) var marks: [String] = []
        /// Whether the first of them is glued to the word before.
        fileprivate(set) var isAttached = true

        /// Any quotation mark.
        fileprivate static let quote = "“"

        var text: String { marks.joined() }

        /// Whether they are nothing but prose's own.
        var isProse: Bool { marks.allSatisfy { Self.prose.contains($0) } }

        static func == (a: Slot, b: Slot) -> Bool { a.marks == b.marks }

        private static let prose: Set<String> = [".", ",", "!", "?", ";", ":", "…", "-", "–", "—", quote, "¿", "¡", "。", "，", "、", "？", "！", "؟"]

        /// Whether the difference is one of style: quotation marks, how a sentence ends, a hyphen.
        func isHarmless(beside other: Slot, isLast: Bool) -> Bool {
            let (one, two) = (reduced(isLast), other.reduced(isLast))
            if one == two { return true }
            // A hyphen for a blank between words.
            return Set([one, two]) == [["-"], []] && !isLast
        }

        /// Without quotation marks and what ends a sentence, which are the same whatever their form.
        private func reduced(_ isLast: Bool) -> [String] {
            var rest = marks.filter { $0 != Self.quote && $0 != "¿" && $0 != "¡" }
            if isLast || isAttached, rest.allSatisfy(ReadText.ends.contains), rest.first != ":", rest.first != ";" {
                rest = isLast || rest.isEmpty ? [] : ["."]
            }
            return rest
        }
    }

    init(_ text: ReadText) {
        for (index, key) in text.keys.enumerated() {
            if text.isMark(index) {
                let last = slots.count - 1
                if slots[last].marks.isEmpty { slots[last].isAttached = !words.isEmpty && text.words[index].gap.isEmpty }
                slots[last].marks.append(isQuote(text, index) ? Slot.quote : key)
            } else {
                words.append(key)
                slots.append(Slot())
            }
        }
    }

    /// A quotation mark, and none of feet and inches.
    private func isQuote(_ text: ReadText, _ index: Int) -> Bool {
        guard ReadText.quotes[text.keys[index]] != nil || ["«", "»"].contains(text.keys[index]) else { return false }
        return !(index > 0 && text.words[index].gap.isEmpty && text.keys[index - 1].utf8.allSatisfy { $0 >= 48 && $0 <= 57 })
    }
}
