import Crypto
package import SemanticCache

extension CacheableRequest {
    /// Names this request as a turn of its conversation; `nil` for one that has no messages.
    ///
    /// SHA-256 over what the key begins with, what of the canonical body follows the messages, and what comes before the end of the user's last one. So
    /// a later request with this one's messages at its beginning names it as well, and both read their bodies once.
    package func turnMark(tenant: TenantID, namespace: String, pathAndQuery: String) -> TurnMark? {
        guard let conversation else { return nil }
        var hash = startOfMarks(conversation, tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        canonical.withUnsafeBytes { bytes in
            if let text = conversation.bareText {
                // As the one message of a list, which it is in the requests that follow.
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<text]))
                hash.update(data: Array("[{\"content\":".utf8))
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[text..<conversation.end]))
                hash.update(data: Array(",\"role\":\"user\"}".utf8))
            } else {
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<conversation.end]))
            }
        }
        return Self.mark(hash)
    }

    /// Whether its history holds a turn.
    package var hasHistory: Bool { conversation.map { !$0.turns.isEmpty } ?? false }

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
        canonical.withUnsafeBytes { bytes in
            for turn in conversation.turns {
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[position..<turn.end]))
                position = turn.end
                let mark = Self.mark(hash)
                guard isKnown(mark), let text = Self.string(bytes[turn.text]), let answer = said(bytes[turn.answer]) else { continue }
                found.append(EarlierTurn(mark: mark, text: text, answer: AnswerText.check(answer), place: turn.text))
            }
        }
        return found
    }

    private func startOfMarks(_ conversation: Conversation, tenant: TenantID, namespace: String, pathAndQuery: String) -> SHA256 {
        var hash = start("reprise turn 1", tenant: tenant, namespace: namespace, pathAndQuery: pathAndQuery)
        canonical.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[conversation.rest...])) }
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

    private static func string(_ bytes: Slice<UnsafeRawBufferPointer>) -> String? { (try? JSONDocument(Array(bytes)))?.root.string }

    /// What the model's messages say.
    private func said(_ bytes: Slice<UnsafeRawBufferPointer>) -> String? {
        let list = [UInt8(ascii: "[")] + bytes + [UInt8(ascii: "]")]
        guard let root = (try? JSONDocument(list))?.root else { return nil }
        return AnswerText.joined(root.elements.compactMap { format.said($0) })
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
