/// Folds the common English endings away, so that "refunds", "refunded" and "refunding" compare as equal.
///
/// Rough on purpose: it only has to map the forms of a word to one string, not to find its dictionary form.
package enum Stem {
    /// The stem of a lower-case word. Words that are not plain ASCII letters are their own stem.
    package static func of(_ word: String) -> String {
        let count = word.utf8.count
        // Every ending that is folded away ends in one of these letters.
        guard count > 3, count <= 40, let last = word.utf8.last, "sdge".utf8.contains(last) else { return word }
        var bytes = Array(word.utf8)
        guard bytes.allSatisfy({ $0 >= 0x61 && $0 <= 0x7A }) else { return word }
        stripPlural(&bytes)
        stripParticiple(&bytes)
        if bytes.count >= 6, bytes.last == UInt8(ascii: "e") { bytes.removeLast() }
        return bytes.count == count ? word : String(decoding: bytes, as: UTF8.self)
    }

    private static func stripPlural(_ word: inout [UInt8]) {
        if ends(word, "ies"), word.count > 4 {
            word.removeLast(3)
            word.append(UInt8(ascii: "y"))
        } else if word.count > 4, ends(word, "sses") || ends(word, "xes") || ends(word, "zes") || ends(word, "ches") || ends(word, "shes") {
            word.removeLast(2)
        } else if ends(word, "s"), !ends(word, "ss"), !ends(word, "us"), !ends(word, "is") {
            word.removeLast()
        }
    }

    private static func stripParticiple(_ word: inout [UInt8]) {
        if ends(word, "ied"), word.count > 4 {
            word.removeLast(3)
            word.append(UInt8(ascii: "y"))
            return
        }
        if ends(word, "ing"), word.count >= 6 {
            word.removeLast(3)
        } else if ends(word, "ed"), !ends(word, "eed"), word.count >= 5 {
            word.removeLast(2)
        } else {
            return
        }
        // "stopping" and "stop"; but "selling" and "sell", "passing" and "pass".
        if let last = word.last, word.count > 3, word[word.count - 2] == last, !"aeioulsz".utf8.contains(last) { word.removeLast() }
    }

    private static func ends(_ word: [UInt8], _ suffix: StaticString) -> Bool {
        let count = suffix.utf8CodeUnitCount
        guard word.count > count else { return false }
        return suffix.withUTF8Buffer { buffer in
            for offset in 0..<count where word[word.count - count + offset] != buffer[offset] { return false }
            return true
        }
    }
}
