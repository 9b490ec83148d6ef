package import SemanticCache

/// Finds what should not lie about in a cache: credentials, card numbers, e-mail addresses. Pure; one pass over the bytes for each kind.
package enum SensitiveText {
    /// The first kind among `kinds` that the text holds.
    package static func find(_ kinds: Set<SensitiveKind>, in text: [UInt8]) -> SensitiveKind? {
        if kinds.contains(.keys), holdsKey(text) { return .keys }
        if kinds.contains(.cards), holdsCard(text) { return .cards }
        if kinds.contains(.emails), holdsEmail(text) { return .emails }
        return nil
    }

    // MARK: Keys

    /// How a key begins, and how many of its characters must follow at the least.
    private static let prefixes: [(prefix: [UInt8], length: Int)] = [
        ("sk-", 20), ("rk_live_", 16), ("sk_live_", 16), ("pk_live_", 16), ("AKIA", 16), ("ASIA", 16), ("ghp_", 30), ("gho_", 30), ("ghs_", 30),
        ("github_pat_", 30), ("glpat-", 20), ("xoxb-", 20), ("xoxp-", 20), ("xoxa-", 20), ("AIza", 30), ("hf_", 30), ("gsk_", 30), ("npm_", 30),
        ("SG.", 40), ("ya29.", 30),
    ].map { (Array($0.0.utf8), $0.1) }
    private static let prefixFirsts = Set(prefixes.map { $0.prefix[0] })
    private static let pemMark = Array("PRIVATE KEY-----".utf8)
    private static let jwtMark = Array("eyJ".utf8)

    private static func holdsKey(_ text: [UInt8]) -> Bool {
        for index in text.indices {
            let byte = text[index]
            if byte == UInt8(ascii: "P"), text[index...].starts(with: pemMark) { return true }
            // A key is a word of its own: `task-...` holds no `sk-...`.
            guard index == 0 || !isTokenByte(text[index - 1]) || text[index - 1] == UInt8(ascii: "\\") || isEscapedBreak(text, before: index) else {
                continue
            }
            if byte == UInt8(ascii: "e"), text[index...].starts(with: jwtMark), isSignedToken(text[index...]) { return true }
            guard prefixFirsts.contains(byte) else { continue }
            for (prefix, length) in prefixes where text[index...].starts(with: prefix) {
                let body = text[(index + prefix.count)...].prefix { isTokenByte($0) }
                // Made-up words have no digits: `sk-learn-pipelines-and-more-words`.
                if body.count >= length, body.contains(where: isDigit), body.contains(where: isLetter) { return true }
            }
        }
        return false
    }

    /// In JSON a line break stands as `\n`, whose letter is no part of the word that follows.
    private static func isEscapedBreak(_ text: [UInt8], before index: Int) -> Bool {
        index >= 2 && text[index - 2] == UInt8(ascii: "\\") && [UInt8(ascii: "n"), UInt8(ascii: "t"), UInt8(ascii: "r")].contains(text[index - 1])
    }

    /// Three parts of base64url, the first two long.
    private static func isSignedToken(_ text: ArraySlice<UInt8>) -> Bool {
        let token = text.prefix { isTokenByte($0) || $0 == UInt8(ascii: ".") }
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count >= 3 && parts[0].count >= 16 && parts[1].count >= 16 && parts[2].count >= 16
    }

    // MARK: Cards

    private static func holdsCard(_ text: [UInt8]) -> Bool {
        var index = 0
        while index < text.count {
            guard isDigit(text[index]) else {
                index += 1
                continue
            }
            var digits: [UInt8] = []
            var end = index
            // Digits with at most one space or dash between two of them.
            while end < text.count {
                if isDigit(text[end]) {
                    digits.append(text[end] - UInt8(ascii: "0"))
                } else if ![UInt8(ascii: " "), UInt8(ascii: "-")].contains(text[end]) || end + 1 >= text.count || !isDigit(text[end + 1]) {
                    break
                }
                end += 1
            }
            let isBare =
                (index == 0 || !isLetter(text[index - 1]) && text[index - 1] != UInt8(ascii: ".")) && (end == text.count || !isLetter(text[end]))
            if isBare, (13...19).contains(digits.count), (2...6).contains(digits[0]), Set(digits).count > 1, isLuhn(digits) { return true }
            index = end
        }
        return false
    }

    /// Whether the last digit is the check digit of the others (ISO/IEC 7812-1).
    static func isLuhn(_ digits: [UInt8]) -> Bool {
        var sum = 0
        for (place, digit) in digits.reversed().enumerated() {
            let value = Int(digit) * (place.isMultiple(of: 2) ? 1 : 2)
            sum += value > 9 ? value - 9 : value
        }
        return sum.isMultiple(of: 10)
    }

    // MARK: E-mail addresses

    private static func holdsEmail(_ text: [UInt8]) -> Bool {
        for index in text.indices where text[index] == UInt8(ascii: "@") && index > 0 && isLocalByte(text[index - 1]) {
            let domain = text[(index + 1)...].prefix { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
            let labels = domain.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: true)
            if labels.count >= 2, let last = labels.last, last.count >= 2, last.allSatisfy(isLetter) { return true }
        }
        return false
    }

    private static func isLocalByte(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) || "._%+-".utf8.contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
