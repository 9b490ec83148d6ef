import HTTPTypes
import SemanticCache
import WireFormats

/// Streams that are asked what they cost though their client was not curious: the recorded answer is then whole, for plain requests and for the count of
/// what was saved, and the client gets the stream that it asked for.
extension Inquiry {
    /// Whether the stream is asked what it cost without the client knowing.
    var asksForUsage: Bool { options.asksForUsage && content.hidesUsage }

    /// Whether nobody asks what the stream costs. What it says of that, the upstream says to all.
    var isUncurious: Bool { content.hidesUsage && !asksForUsage }

    /// The request as it goes to the upstream.
    var outgoing: ProxyRequest {
        guard asksForUsage, case .bytes(let body) = request.body, let asking = RequestReader.askingForUsage(body) else {
            return request
        }
        return request.withBody(asking)
    }
}

extension ProxyResponse {
    /// Gives `stream` less its usage chunk, where it is one of events.
    mutating func hideUsage(_ stream: ByteStream) {
        guard fields[.contentType]?.lowercased().hasPrefix("text/event-stream") ?? false else { return }
        fields[.contentLength] = nil
        body = .stream(stream.withoutUsage)
    }
}

extension ByteStream {
    /// The same stream less its usage chunk.
    fileprivate var withoutUsage: ByteStream {
        ByteStream(state: UsageOmission() as UsageOmission?) { [self] omission in
            while omission != nil, let chunk = try await next() {
                if let passed = omission?.append(chunk), !passed.isEmpty { return passed }
            }
            // What was held back goes on once.
            let rest = omission?.finish() ?? []
            omission = nil
            return rest.isEmpty ? nil : rest
        }
    }
}
