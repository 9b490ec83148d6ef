/// A quantity, time, month, weekday or identifier that a prompt states, in a form that can be compared.
package struct NumberFact: Sendable {
    package enum Kind: Hashable, Sendable { case quantity, clock, month, weekday, literal }

    package let kind: Kind
    /// The value in the unit's base; minutes after midnight for a clock; the number of a month or weekday.
    package let value: Double
    /// Digits as written, for numbers without a unit (3.10 is not 3.1), or the folded literal.
    package let text: String
    /// The base unit ("second"), when one is named.
    package let unit: String?
    /// "one" and its like: a number only where the other prompt has one too.
    package let isWeak: Bool
    /// The word before and the digits in one ("gpt4"), which another prompt may write as one identifier.
    package let joined: String?
    /// As written, for the evidence.
    package let shown: String

    /// Whether both say the same.
    package func matches(_ other: NumberFact) -> Bool {
        if kind == .literal || other.kind == .literal {
            return (kind == .literal ? text : joined) == (other.kind == .literal ? other.text : other.joined)
        }
        guard kind == other.kind else { return false }
        guard kind == .quantity else { return value == other.value }
        if let unit, let otherUnit = other.unit {
            return unit == otherUnit && Self.isNear(value, other.value)
        }
        // Without a unit on both sides a fraction's digits count, as in versions; whole numbers compare by value (1,000 and 1000).
        if unit == nil, other.unit == nil, text != other.text, text.utf8.contains(UInt8(ascii: ".")) || other.text.utf8.contains(UInt8(ascii: ".")) {
            return Double(text) == Double(other.text) && Self.isWholeFraction(text) && Self.isWholeFraction(other.text)
        }
        return Self.isNear(unit == nil ? value : statedValue, other.unit == nil ? other.value : other.statedValue)
    }

    /// The value as it was written, before the unit's factor.
    package let statedValue: Double

    private static func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(abs(a), abs(b)) }

    private static func isWholeFraction(_ text: String) -> Bool {
        let parts = text.split(separator: ".")
        return parts.count < 2 || parts[1].allSatisfy { $0 == "0" }
    }
}

/// Reads the numbers of a prompt from its tokens: digits, number words, units, clocks, dates.
struct NumberReader {
    private(set) var facts: [NumberFact] = []
    /// Tokens that are a part of a number, month, weekday or unit.
    private(set) var consumed: Set<Int> = []

    private let tokens: [Token]
    private let words = WordLists.shared

    init(_ tokens: [Token]) {
        self.tokens = tokens
        var index = 0
        while index < tokens.count { index = read(at: index) }
    }

    private mutating func read(at index: Int) -> Int {
        let token = tokens[index]
        switch token.kind {
        case .number(let number): return readDigits(number, at: index)
        case .identifier:
            add(.literal, 0, text: token.text, shown: token.text, from: index, to: index + 1)
            return index + 1
        case .code: return index + 1
        case .word:
            if token.traits.contains(.calendar), let entry = words.calendar[token.text], !entry.isAmbiguous || isDated(index) {
                add(entry.isMonth ? .month : .weekday, Double(entry.number), text: token.text, shown: token.text, from: index, to: index + 1)
                return index + 1
            }
            if let entry = calendarSlip(token.text) {
                add(entry.isMonth ? .month : .weekday, Double(entry.number), text: token.text, shown: token.text, from: index, to: index + 1)
                return index + 1
            }
            return token.traits.contains(.number) ? readWords(at: index) : index + 1
        }
    }

    /// "mondys": a month or weekday of six letters or more, one slip of the keyboard away.
    private func calendarSlip(_ word: String) -> WordLists.CalendarWord? {
        guard word.utf8.count >= 5, word.utf8.count <= 11, let first = word.utf8.first, "jfasondmtw".utf8.contains(first) else { return nil }
        let bytes = Array(word.utf8)
        for (name, entry) in words.longCalendarWords where name[0] == first && Slip.isOne(bytes, name) { return entry }
        return nil
    }

    /// "May" is a month beside a number, or after a word that dates when it has a capital or follows "in".
    private func isDated(_ index: Int) -> Bool {
        if index > 0 {
            if case .number = tokens[index - 1].kind { return true }
            if ["in", "of", "since", "until", "by", "from", "every", "last", "next", "early", "late", "mid", "on", "and", "to"].contains(
                tokens[index - 1].text)
            {
                return tokens[index].isCapitalised && !tokens[index].isUpperCase || tokens[index - 1].text == "in"
                    || tokens[index - 1].text == "since"
            }
        }
        if index + 1 < tokens.count, case .number(let number) = tokens[index + 1].kind { return number.unit == nil }
        return false
    }

    private mutating func readDigits(_ number: NumberToken, at index: Int) -> Int {
        var number = number
        var end = index + 1
        switch number.form {
        case .date(let year, let month, let day):
            add(.quantity, Double(year), text: "\(year)", shown: number.text, from: index, to: end)
            add(.month, Double(month), text: "\(month)", shown: number.text, from: index, to: end)
            add(.quantity, Double(day), text: "\(day)", shown: number.text, from: index, to: end)
            return end
        case .literal:
            add(.literal, 0, text: number.text, shown: number.text, from: index, to: end)
            return end
        case .plain, .ordinal, .clock: break
        }
        while let next = word(end), case .scale(let factor)? = words.numberWords[next] {
            number.value *= factor
            number.text = "\(number.value)"
            end += 1
        }
        if let clock = clock(number, after: end) {
            add(.clock, clock.value, text: clock.text, shown: shown(index, clock.end), from: index, to: clock.end)
            return clock.end
        }
        if number.form == .clock {
            add(.clock, number.value, text: number.text, shown: number.text, from: index, to: end)
            return end
        }
        addQuantity(number.value, text: number.text, unit: number.unit, isWeak: false, from: index, to: end)
        return end + (number.unit == nil && unit(at: end) != nil ? 1 : 0)
    }

    private mutating func readWords(at index: Int) -> Int {
        var end = index
        var total = 0.0
        var current = 0.0
        var isWeak = false
        var count = 0
        loop: while let next = word(end) {
            switch words.numberWords[next] {
            case .ten(let value)?:
                if count > 0, current.truncatingRemainder(dividingBy: 100) != 0 { break loop }
                current += value
            case .unit(let value)?, .ordinal(let value)?:
                if count > 0, current == 0 || current.truncatingRemainder(dividingBy: 10) != 0 { break loop }
                current += value
            case .weak(let value)?:
                // "half past two", "twenty one": a weak word may end a number, not go on with one.
                if count > 0 {
                    guard value < 10, value >= 1, current > 0, current.truncatingRemainder(dividingBy: 10) == 0,
                        next == "one" || next == "first" || next == "second"
                    else { break loop }
                    current += value
                } else {
                    current = value
                    isWeak = true
                }
            case .scale(let value)?:
                if count == 0 {
                    // "a hundred"; "hundreds" alone is no number.
                    current = 1
                }
                isWeak = false
                if value == 100 {
                    current *= value
                } else {
                    total += current * value
                    current = 0
                }
            case nil:
                guard next == "and", count > 0, current.truncatingRemainder(dividingBy: 100) == 0, let after = word(end + 1),
                    isSmallNumber(after)
                else { break loop }
                end += 1
                continue
            }
            count += 1
            end += 1
        }
        guard count > 0 else { return index + 1 }
        // "second" after a number is the unit and is consumed there; "one of", "this one" are no numbers.
        if isWeak, count == 1, isPronoun(index) { return index + 1 }
        let value = total + current
        let text = value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
        let number = NumberToken(form: .plain, value: value, text: text, unit: nil)
        if !isWeak, let clock = clock(number, after: end) {
            add(.clock, clock.value, text: clock.text, shown: shown(index, clock.end), from: index, to: clock.end)
            return clock.end
        }
        addQuantity(value, text: text, unit: nil, isWeak: isWeak, from: index, to: end)
        return end + (unit(at: end) != nil ? 1 : 0)
    }

    private func isSmallNumber(_ word: String) -> Bool {
        switch words.numberWords[word] {
        case .unit?, .ten?: true
        default: word == "one"
        }
    }

    private func isPronoun(_ index: Int) -> Bool {
        guard tokens[index].text == "one" else { return false }
        if word(index + 1) == "of" { return true }
        guard index > 0 else { return false }
        return ["this", "that", "the", "which", "any", "each", "every", "no", "quick", "another", "new"].contains(tokens[index - 1].text)
    }

    /// A time of day: "7 am", "7 o'clock", "seven in the morning".
    private func clock(_ number: NumberToken, after end: Int) -> (value: Double, text: String, end: Int)? {
        guard let next = word(end), number.unit == nil else { return nil }
        var isAfternoon: Bool?
        var last = end
        if next == "am" || next == "pm" {
            isAfternoon = next == "pm"
            last = end + 1
        } else if next == "o'clock" {
            isAfternoon = dayPart()
            last = end + 1
            if isAfternoon == nil { return (number.value * 60, number.text, last) }
        } else if (next == "in" || next == "at"), let part = word(end + 1) == "the" ? word(end + 2) : word(end + 1),
            let afternoon = Self.dayParts[part]
        {
            isAfternoon = afternoon
            last = word(end + 1) == "the" ? end + 3 : end + 2
        }
        guard let isAfternoon, let clock = NumberLexer.clock(number, isAfternoon: isAfternoon) else { return nil }
        return (clock.value, clock.text, last)
    }

    private static let dayParts = ["morning": false, "afternoon": true, "evening": true, "night": true, "tonight": true]

    private func dayPart() -> Bool? {
        for token in tokens { if let part = Self.dayParts[token.text] { return part } }
        return nil
    }

    private func word(_ index: Int) -> String? {
        guard index < tokens.count, tokens[index].kind == .word else { return nil }
        return tokens[index].text
    }

    /// A unit that stands on its own after the number. Single letters count only when written against the digits.
    private func unit(at index: Int) -> WordLists.Unit? {
        guard let word = word(index), word.utf8.count > 1 || !(word.utf8.first ?? 0 >= 97) else { return nil }
        return WordLists.units[word]
    }

    private func shown(_ start: Int, _ end: Int) -> String { tokens[start..<min(end, tokens.count)].map(\.text).joined(separator: " ") }

    private mutating func addQuantity(_ value: Double, text: String, unit known: WordLists.Unit?, isWeak: Bool, from start: Int, to end: Int) {
        let found = known ?? unit(at: end)
        let last = known == nil && found != nil ? end + 1 : end
        // "1 gallon" may be "a gallon".
        let isWeak = isWeak || value == 1 && found != nil
        let previous = start > 0 ? word(start - 1) : nil
        facts.append(
            NumberFact(
                kind: .quantity, value: value * (found?.factor ?? 1), text: text, unit: found?.base, isWeak: isWeak,
                joined: previous.map { $0 + text }, shown: shown(start, last) + (known.map { " \($0.base)" } ?? ""), statedValue: value))
        consumed.formUnion(start..<last)
    }

    private mutating func add(_ kind: NumberFact.Kind, _ value: Double, text: String, shown: String, from start: Int, to end: Int) {
        facts.append(
            NumberFact(kind: kind, value: value, text: text, unit: nil, isWeak: false, joined: nil, shown: shown, statedValue: value))
        consumed.formUnion(start..<end)
    }
}
