import Testing

@testable import Forwarding

@Suite struct UpstreamAddressTests {
    @Test(arguments: [
        ("https://api.openai.com/v1/realtime?model=m", true, "api.openai.com", "api.openai.com", 443, "/v1/realtime?model=m"),
        ("http://127.0.0.1:8000/v1/x", false, "127.0.0.1:8000", "127.0.0.1", 8000, "/v1/x"), ("HTTPS://a", true, "a", "a", 443, "/"),
        ("http://[::1]:81/x", false, "[::1]:81", "::1", 81, "/x"), ("http://[::1]/x", false, "[::1]", "::1", 80, "/x"),
        ("http://a?b=c", false, "a", "a", 80, "/?b=c"),
    ])
    func parts(url: String, isSecure: Bool, authority: String, host: String, port: Int, target: String) throws {
        let address = try #require(UpstreamAddress(url: url))
        #expect(address.isSecure == isSecure && address.authority == authority && address.host == host)
        #expect(address.port == port && address.target == target)
    }

    @Test(arguments: ["", "a", "http:", "http://", "http:///x", "http://:80/x", "http://a:b/x", "http://[::1]x/y"])
    func whatIsNone(url: String) {
        #expect(UpstreamAddress(url: url) == nil)
    }
}
