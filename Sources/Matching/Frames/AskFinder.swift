/// Finds where the ask stands in a message: under its label, outside of what is fenced, in the last paragraph or the first.
struct AskFinder {
    /// Where the ask stands, in bytes; `nil` where the message is its own ask.
    private(set) var range: Range<Int>?

    /// How much of the message's beginning and end is looked at.
    private static let window = 4096
    /// Up to so many bytes, a message on one line is asked as a whole.
    private static let shortest = 240

    private let bytes: UnsafeBufferPointer<UInt8>
    /// The message without white space at its ends.
    private let whole: Range<Int>

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        var (low, high) = (0, bytes.count)
        while low < high, Self.isSpace(bytes[low]) { low += 1 }
        while high > low, Self.isSpace(bytes[high - 1]) { high -= 1 }
        whole = low..<high
        range = nil
        range = find().flatMap(trimmed).flatMap { isFramed($0) ? $0 : nil }
    }

    private func find() -> Range<Int>? {
        let isOneLine = !bytes[whole].contains { $0 == 0x0A || $0 == 0x0D }
        if whole.count <= Self.shortest, isOneLine || isProse { return nil }
        let (head, tail) = (headLines(), tailLines())
        // "Summarise this e-mail:": the text that follows may ask as well.
        if let first = firstPart(head), bytes[first].last(where: { !Self.isSpace($0) }) == 0x3A { return labelled(tail) ?? first }
        return labelled(tail) ?? lastPart(tail) ?? firstPart(head) ?? lastSentence()
    }

    /// Whether a short message is a few sentences, each on a line of its own, without any blank line.
    private var isProse: Bool {
        let lines = lines(in: whole)
        return lines.count <= 3
            && lines.allSatisfy { line in
                trimmed(line).map { AskForm.fieldLabel(text($0)) == nil && ".?!".utf8.contains(bytes[$0.upperBound - 1]) } ?? false
            }
    }

    /// Whether what is left is a frame: more than courtesy, and more than the one or two sentences that go with a question.
    private func isFramed(_ ask: Range<Int>) -> Bool {
        let (before, after) = (whole.lowerBound..<ask.lowerBound, ask.upperBound..<whole.upperBound)
        return !ask.isEmpty && [before, after].contains { part in part.count > 2048 || AskForm.hasContent(Substring(text(part))) }
    }

    // MARK: Labels

    /// The text under the last label that names the ask, up to the label of an answer or another field.
    private func labelled(_ lines: [Range<Int>]) -> Range<Int>? {
        for index in lines.indices.reversed() {
            guard let length = AskForm.askLabel(text(lines[index])), lines[index].lowerBound > whole.lowerBound || lines.count > 1 else { continue }
            let start = lines[index].lowerBound + length
            var end = whole.upperBound
            for next in lines[(index + 1)...] where AskForm.fieldLabel(text(next)) != nil {
                end = next.lowerBound
                break
            }
            return end > start && end - start <= AskForm.longest && AskForm.hasContent(Substring(text(start..<end))) ? start..<end : nil
        }
        return nil
    }

    // MARK: Parts

    /// The last paragraph, or the last line, where it asks.
    private func lastPart(_ lines: [Range<Int>]) -> Range<Int>? {
        var lines = lines[...]
        // "Answer:" waits for the model, and thanks ask nothing.
        while let last = lines.last, AskForm.answerLabel(text(last)).map({ $0 >= last.count }) ?? isCourtesy(last) { lines.removeLast() }
        guard let last = lines.last, last.lowerBound > whole.lowerBound, !isFence(last) else { return nil }
        let start = lines.lastIndex { isBlank($0) }.map { $0 + 1 } ?? lines.startIndex
        // A paragraph of several lines asks as a whole only where its first line does, and it is not the whole window.
        let isWhole = lines[start].lowerBound <= whole.lowerBound
        if start < lines.index(before: lines.endIndex), let line = asked(in: last) { return line }
        let paragraph = lines[start].lowerBound..<last.upperBound
        if !isWhole, start > lines.startIndex, AskForm.isAsk(text(paragraph)), !isFence(lines[start]) { return paragraph }
        return asked(in: last)
    }

    /// The first paragraph, or the first line, where it asks.
    private func firstPart(_ lines: [Range<Int>]) -> Range<Int>? {
        guard let first = lines.first, first.upperBound < whole.upperBound, !isFence(first) else { return nil }
        let end = lines.firstIndex { isBlank($0) } ?? lines.endIndex
        // Whatever stands before a text that is fenced in asks about it.
        if let fence = lines.prefix(12).firstIndex(where: isFence), let part = trimmed(first.lowerBound..<lines[fence].lowerBound),
            part.count <= AskForm.longest, end >= fence - 1
        {
            return part
        }
        if end > 1, end < lines.count {
            let paragraph = first.lowerBound..<lines[end - 1].upperBound
            if AskForm.isAsk(text(paragraph)) { return paragraph }
        }
        return asked(in: first)
    }

    /// A line that asks, without what introduces the ask in it: "Based on it: What is the name?"
    private func asked(in line: Range<Int>) -> Range<Int>? {
        guard line.count <= AskForm.longest else { return nil }
        if let colon = bytes[line].firstIndex(of: 0x3A), colon + 1 < line.upperBound, bytes[colon + 1] == 0x20,
            bytes[line.lowerBound..<colon].count(where: { $0 == 0x20 }) < 5, AskForm.isAsk(text(colon + 1..<line.upperBound))
        {
            return colon + 1..<line.upperBound
        }
        return AskForm.isAsk(text(line)) ? line : nil
    }

    /// The last sentence of a long message on one line.
    private func lastSentence() -> Range<Int>? {
        guard whole.count > Self.shortest else { return nil }
        let low = Swift.max(whole.lowerBound, whole.upperBound - AskForm.longest)
        var place = whole.upperBound - 2
        while place > low {
            if bytes[place] == 0x20 || bytes[place] == 0x0A, [0x2E, 0x21, 0x3F, 0x3A].contains(bytes[place - 1]) {
                let sentence = place + 1..<whole.upperBound
                return AskForm.isAsk(text(sentence)) ? sentence : nil
            }
            place -= 1
        }
        return nil
    }

    // MARK: Lines

    /// The lines of the message's end; the first may be cut.
    private func tailLines() -> [Range<Int>] { lines(in: Swift.max(whole.lowerBound, whole.upperBound - Self.window)..<whole.upperBound) }

    private func headLines() -> [Range<Int>] { lines(in: whole.lowerBound..<Swift.min(whole.upperBound, whole.lowerBound + Self.window)) }

    private func lines(in part: Range<Int>) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = part.lowerBound
        for place in part where bytes[place] == 0x0A || bytes[place] == 0x0D {
            // A line ended by both is one.
            if bytes[place] == 0x0A, place > start || place == part.lowerBound || bytes[place - 1] != 0x0D { lines.append(start..<place) }
            if bytes[place] == 0x0D { lines.append(start..<place) }
            start = place + 1
        }
        lines.append(start..<part.upperBound)
        return lines
    }

    /// A line that fences something in or off: "```", `"""`, "---", "</context>".
    private func isFence(_ line: Range<Int>) -> Bool {
        guard let trimmed = trimmed(line) else { return false }
        let first = bytes[trimmed.lowerBound]
        if "`\"'-=~*_#|+".utf8.contains(first), trimmed.count >= 3, bytes[trimmed].prefix(3).allSatisfy({ $0 == first }) { return true }
        return first == 0x3C && (bytes[trimmed.upperBound - 1] == 0x3E)
    }

    private func isCourtesy(_ line: Range<Int>) -> Bool {
        isBlank(line) || line.count < 80 && !isFence(line) && !AskForm.hasContent(Substring(text(line)))
    }

    private func isBlank(_ line: Range<Int>) -> Bool { bytes[line].allSatisfy(Self.isSpace) }

    private func trimmed(_ range: Range<Int>) -> Range<Int>? {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high, Self.isSpace(bytes[low]) { low += 1 }
        while high > low, Self.isSpace(bytes[high - 1]) { high -= 1 }
        return low < high ? low..<high : nil
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 0x09 && byte <= 0x0D }
}
