import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
    /// The whole body; `nil` when it is larger than `limit` bytes, of one that says its length before any of it is read.
    ///
    /// What is left of a body that is too large would have to be read to keep the connection: whoever refuses it closes the connection.
    func bytes(upTo limit: Int) async throws -> [UInt8]? {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { return nil }
        do { return Array(try await body.collect(upTo: limit).readableBytesView) } catch is NIOTooManyBytesError { return nil }
    }
}
