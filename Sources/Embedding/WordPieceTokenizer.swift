// Embedding: text to unit vector.
//
// `OnnxEmbedder` runs all-MiniLM-L6-v2 in the process: `WordPieceTokenizer` turns text into token ids, ONNX Runtime (opened at run time from the
// model folder) turns ids into a sentence vector. `ModelFolder` says what is in the folder, and whether it is what it should be.
//
// Invariants
// - Equal texts give equal vectors, bit for bit: each text is run on its own. Activations are quantised per tensor, so a text's vector would depend
//   on who shares its batch.
// - The model runs on a thread of its own, never on the cooperative pool.
// - Work is bounded before it begins: a text longer than the window is refused after reading no more of it than the window needs.
//
// Sources: BERT (Devlin et al. 2018), WordPiece (Schuster and Nakajima 2012), the `tokenizers` library's BERT normaliser as the reference for ids.

package import SemanticCache

/// Token ids as all-MiniLM-L6-v2 was trained with: BERT's uncased WordPiece.
package struct WordPieceTokenizer: Sendable {
    /// The model's window in tokens, `[CLS]` and `[SEP]` included.
    package let limit: Int
    private let ids: [String: Int64]
    private let unknown: Int64
    private let first: Int64
    private let last: Int64
    /// Marks that stand for themselves wherever they are written out in a text, as they do in the reference.
    private let marks: [(text: String, id: Int64)]
    /// Whether the vocabulary has all of printable ASCII, letter by letter, so that only an endless word of it is unknown.
    private let readsASCII: Bool

    /// A word with more characters than this is unknown as a whole.
    private static let longestWord = 100

    /// - Parameters:
    ///   - vocabulary: one token a line; its line number is its id. Must hold `[UNK]`, `[CLS]` and `[SEP]`.
    ///   - limit: the window in tokens.
    package init?(vocabulary: String, limit: Int) {
        var ids: [String: Int64] = [:]
        // Split at line feeds alone: some tokens are characters that Unicode counts as line ends.
        for (number, line) in vocabulary.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() where !line.isEmpty
        {
            ids[String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)] = Int64(number)
        }
        guard let unknown = ids["[UNK]"], let first = ids["[CLS]"], let last = ids["[SEP]"] else { return nil }
        self.ids = ids
        self.unknown = unknown
        self.first = first
        self.last = last
        readsASCII = Self.holdsASCII(ids)
        marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].compactMap { mark in ids[mark].map { (mark, $0) } }
        self.limit = limit
    }

    /// The ids of `text` between `[CLS]` and `[SEP]`; `.tooLong` when there are more than `limit`.
    ///
    /// - Complexity: O(n) in the text, or in the window where the text is longer.
    package func ids(of text: String) -> Result<[Int64], ModelRefusal> {
        var result = [first]
        var rest = text[...]
        while let (start, mark) = firstMark(in: rest) {
            guard append(String(rest[..<start]), to: &result) else { return .failure(.tooLong(tokens: result.count + 1, limit: limit)) }
            result.append(mark.id)
            rest = rest[rest.index(start, offsetBy: mark.text.count)...]
        }
        guard append(rest.startIndex == text.startIndex ? text : String(rest), to: &result) else {
            return .failure(.tooLong(tokens: result.count + 1, limit: limit))
        }
        guard result.count > 1 else { return .failure(.empty) }
        result.append(last)
        return .success(result)
    }

    /// The words as the model reads them, beside what stands in the text.
    ///
    /// - Complexity: O(n) in the text.
    package func readWords(in text: String) -> [ReadWord] {
        if readsASCII, let words = Self.plainWords(text) { return words }
        return decomposedWords(text)
    }

    /// ``readWords(in:)`` for any text.
    func decomposedWords(_ text: String) -> [ReadWord] {
        let scalars = Array(BertNormalisation.decomposed(text).unicodeScalars)
        var words: [ReadWord] = []
        words.reserveCapacity(scalars.count / 4)
        var iterator = BertWords.Iterator(text)
        var end = 0
        while let word = iterator.next() {
            let range = iterator.range
            words.append(
                ReadWord(
                    seen: isRead(word) ? Self.text(word[...], isContinuation: false) : nil,
                    written: Self.text(scalars[range], isContinuation: false),
                    gap: Self.text(scalars[min(end, range.lowerBound)..<range.lowerBound], isContinuation: false)))
            end = range.upperBound
        }
        return words
    }

    /// The same for a text that is all ASCII without controls, and has no stretch long enough to hold an endless word; `nil` for others.
    static func plainWords(_ text: String) -> [ReadWord]? {
        var words: [ReadWord] = []
        words.reserveCapacity(text.utf8.count / 4)
        let isPlain = text.utf8.withContiguousStorageIfAvailable { bytes -> Bool in
            func string(_ range: Range<Int>) -> String { String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) }
            var place = 0
            var end = 0
            while place < bytes.count {
                let byte = bytes[place]
                if isBlank(byte) {
                    place += 1
                    continue
                }
                guard byte > 0x20, byte < 0x7F else { return false }
                let start = place
                var hasCapital = false
                if BertNormalisation.role(of: Unicode.Scalar(byte)) == .single {
                    place += 1
                } else {
                    while place < bytes.count, bytes[place] > 0x20, bytes[place] < 0x7F,
                        BertNormalisation.role(of: Unicode.Scalar(bytes[place])) == .letter
                    {
                        hasCapital = hasCapital || bytes[place] >= 0x41 && bytes[place] <= 0x5A
                        place += 1
                    }
                    guard place - start <= longestWord else { return false }
                }
                let written = string(start..<place)
                words.append(
                    ReadWord(
                        seen: hasCapital ? written.lowercased() : written, written: written,
                        gap: start == end ? "" : start == end + 1 && bytes[end] == 0x20 ? " " : string(end..<start)))
                end = place
            }
            return true
        }
        return isPlain == true ? words : nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    /// Whether the vocabulary has pieces for a word.
    private func isRead(_ word: [Unicode.Scalar]) -> Bool {
        if readsASCII, word.count <= Self.longestWord, word.allSatisfy(\.isASCII) { return true }
        var pieces: [Int64] = []
        append(word, to: &pieces)
        return pieces != [unknown]
    }

    /// Whether each letter and digit is there both as the beginning of a word and as its continuation, and each mark as a word.
    private static func holdsASCII(_ ids: [String: Int64]) -> Bool {
        (UInt8(0x21)...0x7E).allSatisfy { byte in
            let scalar = Unicode.Scalar(byte)
            if (0x41...0x5A).contains(byte) { return true }
            return ids[String(scalar)] != nil && (BertNormalisation.role(of: scalar) == .single || ids["##\(scalar)"] != nil)
        }
    }

    /// Adds the words of a text without marks; `false` as soon as the window is full: the words that follow are not even read.
    private func append(_ text: String, to result: inout [Int64]) -> Bool {
        for word in BertWords(text) {
            append(word, to: &result)
            if result.count >= limit { return false }
        }
        return result.count < limit
    }

    /// The first mark that is written out, and where. Only a text with a bracket is looked at closely.
    private func firstMark(in text: Substring) -> (Substring.Index, (text: String, id: Int64))? {
        var position = text.startIndex
        while let bracket = text[position...].utf8.firstIndex(of: UInt8(ascii: "[")) {
            if let mark = marks.first(where: { text[bracket...].hasPrefix($0.text) }) { return (bracket, mark) }
            position = text.utf8.index(after: bracket)
        }
        return nil
    }

    /// Splits a word into the longest pieces that the vocabulary has, from the left.
    private func append(_ word: [Unicode.Scalar], to result: inout [Int64]) {
        guard word.count <= Self.longestWord else {
            result.append(unknown)
            return
        }
        if let whole = ids[Self.text(word[...], isContinuation: false)] {
            result.append(whole)
            return
        }
        var pieces: [Int64] = []
        var start = 0
        while start < word.count {
            var end = word.count
            var found: Int64?
            while end > start {
                found = ids[Self.text(word[start..<end], isContinuation: start > 0)]
                if found != nil { break }
                end -= 1
            }
            guard let found else {
                result.append(unknown)
                return
            }
            pieces.append(found)
            start = end
        }
        result += pieces
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>, isContinuation: Bool) -> String {
        var text = isContinuation ? "##" : ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }
}
