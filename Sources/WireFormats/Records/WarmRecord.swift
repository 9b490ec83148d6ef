import Crypto
import HTTPTypes
import SemanticCache

/// A request to warm the cache with, perhaps with its answer, which is one that may be kept: what a ``WarmLine`` holds.
package struct WarmRecord: Sendable {
    /// `custom_id` or `id`, for reports.
    package let id: String?
    /// The request body, ready to be sent.
    package let body: [UInt8]
    package let request: CacheableRequest
    /// `nil` for a record that only asks.
    package let answer: RecordedAnswer?
    package let namespace: String?
    package let tags: [String]
    package let ttl: Duration?

    /// Reads one line, which must not be blank.
    /// - Parameters:
    ///   - defaultModel: the model of records that name none.
    ///   - created: the `created` of answers that are made from a text, in seconds since 1970.
    package static func read(line bytes: [UInt8], defaultModel: String? = nil, created: Int = 0) throws(WarmRecordError) -> WarmRecord {
        let line = try WarmLine(bytes, defaultModel: defaultModel)
        return WarmRecord(
            id: line.id, body: line.body, request: line.request, answer: try answer(of: line, created: created), namespace: line.namespace,
            tags: line.tags, ttl: line.ttl)
    }

    private static func answer(of line: WarmLine, created: Int) throws(WarmRecordError) -> RecordedAnswer? {
        guard var answer = line.answer else { return nil }
        if answer["status_code"] != nil, let body = answer["body"] {
            guard answer["status_code"]?.int == 200 else { throw WarmRecordError("'response' is an error: status_code is not 200") }
            answer = body
        }
        let request = line.request
        // The id comes from the line, so that reading it again gives the same answer.
        let id = SHA256.hash(data: line.root.document.bytes).prefix(12).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let made = answer.kind == .string ? request.format.message(saying: answer, id: id, model: request.model, created: created) : nil
        guard answer.kind == .object || made != nil else {
            throw WarmRecordError("the answer must be a response body, got \(answer.kind.article)")
        }
        let bytes = made ?? Array(answer.source)
        do throws(NotStoredReason) {
            let usage = try AnswerInspection(format: request.format).inspectMessage(bytes)
            return RecordedAnswer(recording: .message(bytes), fields: [.contentType: "application/json"], usage: usage)
        } catch {
            throw WarmRecordError("the answer cannot be stored (\(error.rawValue))")
        }
    }
}

/// Why a line is no record: what was expected and what came.
package struct WarmRecordError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// The names that the line has, where it has none by which its form is told.
    package let unknownNames: [String]

    init(_ description: String, unknownNames: [String] = []) {
        self.description = description
        self.unknownNames = unknownNames
    }
}
