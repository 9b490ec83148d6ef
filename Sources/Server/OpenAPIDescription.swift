import HTTPTypes
import Hummingbird
import NIOCore

/// The description of the admin surface, OpenAPI 3.1, as it stands in `Page/openapi.json`.
enum OpenAPIDescription {
    static var response: Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
    }
}
