/// Text folded for comparison: lower case, curly quotation marks straightened, white space collapsed.
enum FoldedText {
    /// The folded text as UTF-8.
    static func fold(_ scalars: some Sequence<Unicode.Scalar>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(scalars.underestimatedCount)
        var pendingSpace = false
        for scalar in scalars {
            if scalar.isSpace {
                pendingSpace = !bytes.isEmpty
                continue
            }
            if pendingSpace { bytes.append(UInt8(ascii: " ")) }
            pendingSpace = false
            append(scalar, to: &bytes)
        }
        return bytes
    }

    /// The folded text of one word.
    static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        guard scalars.allSatisfy({ $0.isASCII && !$0.isSpace }) else { return String(decoding: fold(scalars), as: UTF8.self) }
        // Most words are short enough to be kept in the string itself, without an array on the way.
        return String(unsafeUninitializedCapacity: scalars.count) { buffer in
            for (place, scalar) in zip(buffer.indices, scalars) { buffer[place] = lowerCase(scalar) }
            return scalars.count
        }
    }

    private static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        if scalar.isASCII {
            bytes.append(lowerCase(scalar))
            return
        }
        switch scalar {
        case "’", "‘", "ʼ": bytes.append(UInt8(ascii: "'"))
        case "“", "”", "„": bytes.append(UInt8(ascii: "\""))
        default: bytes.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
        }
    }

    /// A folded word in the Latin script without its marks: "é" is "e". Letters that no mark makes ("ø", "ß") stay.
    static func withoutMarks(_ word: String) -> String {
        guard !word.utf8.allSatisfy({ $0 < 0x80 }) else { return word }
        var view = String.UnicodeScalarView()
        for scalar in word.unicodeScalars where scalar.properties.generalCategory != .nonspacingMark {
            view.append(contentsOf: base(of: scalar).unicodeScalars)
        }
        return String(view)
    }

    /// The letter that a letter with a mark is made of, by its name: "LATIN SMALL LETTER E WITH ACUTE".
    private static func base(of scalar: Unicode.Scalar) -> String {
        guard !scalar.isASCII, let name = scalar.properties.name, name.hasPrefix("LATIN SMALL LETTER "), let with = start(of: " WITH ", in: name),
            !name.hasSuffix("STROKE")
        else { return String(scalar) }
        let letter = name.utf8[name.utf8.index(name.startIndex, offsetBy: 19)..<with]
        return letter.count == 1 ? String(decoding: letter.map { $0 | 0x20 }, as: UTF8.self) : String(scalar)
    }

    private static func start(of part: String, in text: String) -> String.Index? {
        text.utf8.indices.first { text.utf8[$0...].starts(with: part.utf8) }
    }

    /// The small letter of a scalar of ASCII, other scalars as they are.
    private static func lowerCase(_ scalar: Unicode.Scalar) -> UInt8 {
        let byte = UInt8(truncatingIfNeeded: scalar.value)
        return byte >= 65 && byte <= 90 ? byte + 32 : byte
    }

    /// Whether `needle` stands in `text` and is not a part of a longer word there. Needles over 200 bytes are not looked for.
    ///
    /// - Complexity: O(n m), with m at most 200.
    static func contains(_ text: [UInt8], _ needle: String) -> Bool {
        let needle = Array(needle.utf8)
        guard let first = needle.first, needle.count <= 200, needle.count <= text.count else { return false }
        var start = 0
        while start + needle.count <= text.count {
            if text[start] == first, text[start..<(start + needle.count)].elementsEqual(needle),
                isBoundary(text, start - 1, needle[0]), isBoundary(text, start + needle.count, needle[needle.count - 1])
            {
                return true
            }
            start += 1
        }
        return false
    }

    /// Whether the byte outside does not continue the word that the byte `inside` is a part of.
    private static func isBoundary(_ text: [UInt8], _ outside: Int, _ inside: UInt8) -> Bool {
        guard text.indices.contains(outside) else { return true }
        return !(isWord(text[outside]) && isWord(inside))
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 97 && byte <= 122 || byte >= 48 && byte <= 57 || byte == UInt8(ascii: "_") || byte >= 0x80
    }
}
