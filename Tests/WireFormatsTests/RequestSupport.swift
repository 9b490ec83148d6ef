import SemanticCache
import Testing

@testable import WireFormats

let tenant = TenantID(Digest256(bytes: [UInt8](repeating: 7, count: 32))!)
let otherTenant = TenantID(Digest256(bytes: [UInt8](repeating: 8, count: 32))!)

/// The request that `body` is; records an issue when it is none.
func request(_ body: String, endpoint: Endpoint = .chatCompletions) throws -> CacheableRequest {
    guard case .cacheable(let request) = RequestReader.read(endpoint: endpoint, body: Array(body.utf8)) else {
        Issue.record("not cacheable: \(body)")
        throw NotCacheable()
    }
    return request
}

struct NotCacheable: Error {}

extension CacheableRequest {
    var plainKey: CacheKey { key(tenant: tenant, namespace: "", pathAndQuery: "") }
    var plainScope: Scope? { scope(tenant: tenant, namespace: "", pathAndQuery: "") }
}
