import Foundation
import HTTPTypes
import SemanticCache
import Synchronization

/// Stands in for the provider of a labelled stream: answers each item as a model words the answers to its group, another wording each time it is asked.
final class BookUpstream: Upstream {
    /// Says in a request which item of the stream it is; an answer's `id` says it back.
    static let item = HTTPField.Name("x-evaluated-item")!

    private struct Asked {
        var counts: [Int: Int] = [:]
    }

    private let answers: @Sendable (_ item: Int, _ round: Int) -> String?
    private let asked = Mutex(Asked())

    /// - Parameter answers: what the model says to an item when it is asked for the n-th time, counted from 0.
    init(_ answers: @escaping @Sendable (_ item: Int, _ round: Int) -> String?) { self.answers = answers }

    func send(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse {
        guard let number = request.fields[Self.item].flatMap({ Int($0) }) else { throw .broken("a request that is no item of the stream") }
        let round = asked.withLock { asked in
            defer { asked.counts[number, default: 0] += 1 }
            return asked.counts[number, default: 0]
        }
        guard let text = answers(number, round) else { throw .broken("nothing is known to answer item \(number) with") }
        let body: [String: Any] = [
            "id": Self.id(of: number), "object": "chat.completion", "created": 1_700_000_000, "model": LiveReplay.model,
            "choices": [["index": 0, "message": ["role": "assistant", "content": text], "finish_reason": "stop"] as [String: Any]],
            "usage": ["prompt_tokens": 20, "completion_tokens": 100, "total_tokens": 120],
        ]
        guard let data = try? JSONSerialization.data(withJSONObject: body) else { throw .broken("an answer that is no text") }
        return UpstreamResponse(
            status: .ok, fields: [.contentType: "application/json", .contentLength: "\(data.count)"], body: ByteStream([Array(data)]))
    }

    private static func id(of item: Int) -> String { "item-\(item)" }

    /// The item whose answer this is.
    static func item(of answer: [UInt8]) -> Int? {
        let object = (try? JSONSerialization.jsonObject(with: Data(answer))) as? [String: Any]
        return (object?["id"] as? String).flatMap { Int($0.dropFirst("item-".count)) }
    }
}
