import Crypto
package import SemanticCache

extension CacheableRequest {
    /// The conversation, by the nodes of the canonical body itself: their places are its bytes'. Read when it is asked for, which no exact hit does.
    private var conversation: Conversation? { (try? JSONDocument(canonical)).flatMap { format.conversation(in: $0.root) } }

    /// Names this request as a turn of its conversation; `nil` for one that has no messages.
    ///
    /// SHA-256 over what the key begins with, what of the canonical body follows the messages, and what comes before the end of the user's last one. So
    /// a later request with this one's messages at its beginning names it as well, and both read their bodies once.
    package func turnMark(tenant: TenantID, namespace: String, pathAndQuery: String) -> TurnMark? {
        guard let conversation else { return nil }
        var hash = startOfMarks(conversation, tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        if let last = conversation.last {
            hash.update(data: canonical[..<last.sourceRange.upperBound])
        } else {
            guard conversation.list.kind == .string else { return nil }
            // As the one message of a list, which it is in the requests that follow.
            let text = conversation.list.sourceRange
            hash.update(data: canonical[..<text.lowerBound])
            hash.update(data: Array("[{\"content\":".utf8))
            hash.update(data: canonical[text])
            hash.update(data: Array(",\"role\":\"user\"}".utf8))
        }
        return Self.mark(hash)
    }

    /// The turns of its history, in order, as far as they can be read.
    ///
    /// - Parameter isKnown: whether a turn is worth reading; asked of each mark, in order.
    /// - Complexity: O(n) in the body.
    package func earlierTurns(
        tenant: TenantID, namespace: String, pathAndQuery: String, where isKnown: (TurnMark) -> Bool
    ) -> [EarlierTurn] {
        guard let conversation, !conversation.turns.isEmpty else { return [] }
        var hash = startOfMarks(conversation, tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        var position = 0
        var found: [EarlierTurn] = []
        for turn in conversation.turns {
            let end = turn.message.sourceRange.upperBound
            hash.update(data: canonical[position..<end])
            position = end
            let mark = Self.mark(hash)
            guard isKnown(mark), let text = turn.text.string else { continue }
            let answer = AnswerText.check(AnswerText.joined(turn.answer.compactMap { format.said($0) }))
            found.append(EarlierTurn(mark: mark, text: text, answer: answer, place: turn.text.sourceRange))
        }
        return found
    }

    private func startOfMarks(_ conversation: Conversation, tenant: TenantID, namespace: String, pathAndQuery: String) -> SHA256 {
        var hash = start("reprise turn 1", tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        hash.update(data: canonical[conversation.list.sourceRange.upperBound...])
        hash.update(data: [0xFF])
        return hash
    }

    private static func mark(_ hash: SHA256) -> TurnMark {
        hash.finalize().withUnsafeBytes { bytes in
            TurnMark(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}

extension AnswerText {
    /// What an answer says, in short: the first 32 bits of the SHA-256 of its text; `nil` where there is nothing to read.
    package static func check(_ answer: Answer, endpoint: Endpoint) -> UInt32? {
        let text = preview(answer, endpoint: endpoint, limit: .max)
        return text.isEmpty ? nil : check(text)
    }

    static func check(_ text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
            return hash.finalize().withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) }
        }
    }
}
