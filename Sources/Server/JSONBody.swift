import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Proxy

/// JSON for the admin surface: snake_case members, RFC 3339 times.
enum JSONBody {
    /// A response with this value as its body.
    static func response(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: bytes(value))))
    }

    /// The value as JSON on one line.
    static func bytes(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Only a number that is not finite can fail to be encoded, and none is let in.
        return (try? encoder.encode(value)).map { Array($0) } ?? Array("null".utf8)
    }

    /// The refusal of a body of more than `limit` bytes, which closes the connection.
    ///
    /// - Parameter advice: what to do about it; ends the sentence.
    static func tooLarge(limit: Int, advice: String = "") -> Response {
        var response = error(.contentTooLarge, "The body is larger than \(limit) bytes\(advice).", code: "body_too_large")
        response.headers[.connection] = "close"
        return response
    }

    /// An error in OpenAI's shape.
    static func error(_ status: HTTPResponse.Status, _ message: String, code: String) -> Response {
        let answer = ErrorResponse.client(status, message: message, code: code)
        guard case .bytes(let bytes) = answer.body else { return Response(status: status) }
        return Response(status: status, headers: answer.fields, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
