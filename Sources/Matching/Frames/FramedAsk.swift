// Frames: the last user message, split into what is asked and what it is asked about.
//
// - `FramedAsk` is the split. The ask is the query: it is embedded, guarded and verified. The frame (contexts, e-mails, code, tables, logs, labelled
//   fields, examples) joins the scope, so that questions about other texts never meet, however long the texts are.
// - `AskFinder` says where the ask stands; `AskForm` says what an ask looks like.
//
// Invariants: everything of the message is either ask or frame, so that a wrong split costs hits and never a wrong answer: whatever was taken for the
// frame must be equal. A message of one question, with or without greetings, has no frame. Only the message's ends are looked at closely (some
// kilobytes), the frame is passed over once, line by line: O(n) in time and O(longest line) in memory.
//
// Left out: which message is the last, and hashing (the request's reading).

/// A message as what is asked and what it is asked about.
package struct FramedAsk: Sendable, Equatable {
    /// What is asked; the whole message where it has no frame.
    package let ask: String
    /// What it is asked about; `nil` where the message is its own ask.
    package let frame: Frame?

    /// What stands before the ask and behind it.
    package struct Frame: Sendable, Equatable {
        package let before: Substring
        package let after: Substring
    }

    /// - Complexity: O(n) in the message for a message that has to be copied into contiguous UTF-8; else O(1), a few kilobytes at either end.
    package init(_ message: String) {
        var message = message
        message.makeContiguousUTF8()
        guard let range = message.utf8.withContiguousStorageIfAvailable({ AskFinder($0).range }) ?? nil else {
            ask = message
            frame = nil
            return
        }
        let (low, high) = (
            message.utf8.index(message.startIndex, offsetBy: range.lowerBound), message.utf8.index(message.startIndex, offsetBy: range.upperBound)
        )
        ask = String(message[low..<high])
        frame = Frame(before: message[..<low], after: message[high...])
    }
}

extension FramedAsk.Frame {
    /// What stands between the two halves in place of the ask; in no text, for it is no UTF-8.
    private static let gap: UInt8 = 0xFE

    /// The frame as it is compared, piece by piece, in UTF-8: line ends are line feeds, blanks at line ends are gone, and so are the blank
    /// lines next to the ask. Nothing else is left out.
    ///
    /// - Parameters:
    ///   - composed: puts a line that is not ASCII into one Unicode form (NFC). Lines of over 64 KiB, or with over 30 marks on one letter,
    ///     are taken as they are: they would take long, and a miss is all that it costs.
    ///   - body: takes the pieces, for a hash.
    /// - Complexity: O(n) in the frame; no more than a line is copied.
    package func forEachCanonicalPiece(composed: (String) -> String, _ body: (UnsafeRawBufferPointer) -> Void) {
        Self.lines(of: before, isBefore: true, composed, body)
        withUnsafeBytes(of: Self.gap, body)
        Self.lines(of: after, isBefore: false, composed, body)
    }

    private static func lines(of text: Substring, isBefore: Bool, _ composed: (String) -> String, _ body: (UnsafeRawBufferPointer) -> Void) {
        var text = text
        text.withUTF8 { bytes in
            var blankLines = 0
            var hasLine = false
            var start = 0
            while start < bytes.count {
                var end = start
                while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end += 1 }
                var trimmed = end
                while trimmed > start, bytes[trimmed - 1] == 0x20 || bytes[trimmed - 1] == 0x09 { trimmed -= 1 }
                if trimmed == start {
                    blankLines += 1
                } else {
                    // Blank lines next to the ask are left out; those in between and at the message's own ends are not.
                    let kept = !isBefore && !hasLine ? 0 : blankLines
                    for _ in 0..<kept { withUnsafeBytes(of: UInt8(0x0A), body) }
                    blankLines = 0
                    hasLine = true
                    line(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<trimmed]), composed, body)
                    withUnsafeBytes(of: UInt8(0x0A), body)
                }
                start = end + 1
                if end < bytes.count, bytes[end] == 0x0D, start < bytes.count, bytes[start] == 0x0A { start += 1 }
            }
        }
    }

    private static func line(_ bytes: UnsafeRawBufferPointer, _ composed: (String) -> String, _ body: (UnsafeRawBufferPointer) -> Void) {
        guard bytes.contains(where: { $0 >= 0x80 }), bytes.count <= 64 * 1024 else { return body(bytes) }
        let text = String(decoding: bytes, as: UTF8.self)
        var marks = 0
        for scalar in text.unicodeScalars {
            marks = ReadText.isMark(scalar) ? marks + 1 : 0
            if marks > 30 { return body(bytes) }
        }
        var line = composed(text)
        line.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}
