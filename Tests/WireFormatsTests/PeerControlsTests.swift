import HTTPTypes
import SemanticCache
import Testing

@testable import WireFormats

@Suite struct PeerControlsTests {
    private func controls(_ fields: [(String, String)]) throws -> RequestControls {
        var all = HTTPFields()
        for (name, value) in fields { all.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        return try RequestControls(all)
    }

    private static func expected(_ family: PeerFamily, _ change: (inout RequestControls) -> Void = { _ in }) -> RequestControls {
        var controls = RequestControls()
        controls.families = [family]
        change(&controls)
        return controls
    }

    private static let understood: [(String, String, RequestControls)] = [
        ("Helicone-Cache-Enabled", "true", expected(.helicone)),
        ("helicone-cache-enabled", "False", expected(.helicone) { $0.mode = .off }),
        ("Helicone-Cache-Seed", "user-1", expected(.helicone) { $0.namespace = "user-1" }),
        ("Helicone-Cache-Bucket-Max-Size", "3", expected(.helicone)),
        ("cf-aig-cache-ttl", "3600", expected(.cloudflare) { $0.ttl = .seconds(3600) }),
        ("cf-aig-skip-cache", "true", expected(.cloudflare) { $0.mode = .off }),
        ("cf-aig-skip-cache", "false", expected(.cloudflare)),
        ("cf-aig-cache-key", "k", expected(.cloudflare) { $0.namespace = "k" }),
        ("X-OpenRouter-Cache", "true", expected(.openRouter)),
        ("X-OpenRouter-Cache", "false", expected(.openRouter) { $0.mode = .off }),
        ("X-OpenRouter-Cache-TTL", "300", expected(.openRouter) { $0.ttl = .seconds(300) }),
        ("X-OpenRouter-Cache-Clear", "true", expected(.openRouter) { $0.noCache = true }),
        ("x-portkey-cache-namespace", "team", expected(.portkey) { $0.namespace = "team" }),
        ("x-portkey-cache-force-refresh", "true", expected(.portkey) { $0.noCache = true }),
        ("x-bf-cache-key", "session", expected(.bifrost) { $0.namespace = "session" }),
        ("x-bf-cache-ttl", "30s", expected(.bifrost) { $0.ttl = .seconds(30) }),
        ("x-bf-cache-ttl", "90", expected(.bifrost) { $0.ttl = .seconds(90) }),
        ("x-bf-cache-threshold", "0.95", expected(.bifrost) { $0.threshold = 0.95 }),
        ("x-bf-cache-type", "direct", expected(.bifrost) { $0.mode = .exact }),
        ("x-bf-cache-type", "semantic", expected(.bifrost) { $0.mode = .semantic }),
        ("x-bf-cache-no-store", "true", expected(.bifrost) { $0.isReadOnly = true }),
    ]

    @Test func eachIsUnderstood() throws {
        for (name, value, controls) in Self.understood {
            #expect(try self.controls([(name, value)]) == controls, "\(name): \(value)")
        }
        // No field of the list is left untried.
        #expect(Set(Self.understood.map { $0.0.lowercased() }) == Set(PeerField.all.map(\.name.canonicalName)))
    }

    @Test(arguments: [
        ("Helicone-Cache-Enabled", "maybe"), ("Helicone-Cache-Bucket-Max-Size", "0"), ("Helicone-Cache-Bucket-Max-Size", "many"),
        ("cf-aig-cache-ttl", "1h"),
        ("cf-aig-cache-ttl", "-1"), ("cf-aig-skip-cache", ""), ("X-OpenRouter-Cache", "2"), ("X-OpenRouter-Cache-TTL", "soon"),
        ("x-portkey-cache-force-refresh", "refresh"), ("x-bf-cache-ttl", "1.5h"), ("x-bf-cache-threshold", "1.5"), ("x-bf-cache-threshold", "nan"),
        ("x-bf-cache-type", "fuzzy"), ("x-bf-cache-no-store", "no-store"),
    ])
    func whatCannotBeUnderstoodNamesItsHeader(name: String, value: String) throws {
        let error = #expect(throws: RequestError.self) { try controls([(name, value)]) }
        #expect(error?.param == name)
        #expect(error?.message.hasPrefix(name) == true)
    }

    @Test func standsOnce() {
        #expect(throws: RequestError.self) { try controls([("cf-aig-cache-ttl", "1"), ("cf-aig-cache-ttl", "2")]) }
    }

    @Test func ownFieldsComeFirst() throws {
        let both = try controls([
            ("X-Cache-TTL", "10"), ("cf-aig-cache-ttl", "20"), ("X-Cache-Namespace", "a"), ("Helicone-Cache-Seed", "b"), ("X-Cache-Threshold", "0.9"),
            ("x-bf-cache-threshold", "0.95"), ("X-Cache-Mode", "exact"), ("x-bf-cache-type", "semantic"),
        ])
        #expect(both.ttl == .seconds(10))
        #expect(both.namespace == "a")
        #expect(both.mode == .exact)
        #expect(both.threshold == 0.95)  // The stricter one, whoever asks for it.
        #expect(both.families == [.bifrost, .cloudflare, .helicone])
        #expect(try controls([("X-Cache-Mode", "exact"), ("Helicone-Cache-Enabled", "false")]).mode == .off)
    }

    @Test func namespacesOfSeveralPeersKeepApartTogether() throws {
        let seeds = [("Helicone-Cache-Seed", "a"), ("x-bf-cache-key", "b")]
        let namespaces = try [
            controls(seeds), controls([seeds[0]]), controls([seeds[1]]), controls([("Helicone-Cache-Seed", "a"), ("x-bf-cache-key", "c")]),
        ].map(\.namespace)
        #expect(Set(namespaces).count == 4)
        #expect(!namespaces.contains(nil))
    }

    @Test(arguments: ["a seed with spaces", "clé", String(repeating: "x", count: 300)])
    func anySeedIsANamespace(seed: String) throws {
        let namespace = try #require(try controls([("Helicone-Cache-Seed", seed)]).namespace)
        #expect(RequestControls.isNamespace(namespace))
        #expect(try controls([("Helicone-Cache-Seed", seed + "y")]).namespace != namespace)
    }

    @Test func allAreStripped() {
        var fields: HTTPFields = [.cacheControl: "max-age=1", .authorization: "Bearer k", .cacheTTL: "5"]
        for peer in PeerField.all { fields[peer.name] = "x" }
        RequestControls.strip(&fields)
        #expect(fields.map(\.name) == [.authorization])
    }

    @Test func bodiesAreReadByTheirFamilies() throws {
        let body = #""messages":[{"role":"user","content":"q"}]"#
        let lite = try request(#"{"cache":{"ttl":5},\#(body)}"#)
        #expect(lite.bodyControls.families == [.liteLLM])
        #expect(try request(#"{"cache_options":{"enabled":"read_only","max_age_s":60},\#(body)}"#).bodyControls.isReadOnly)
        let zero = try request(#"{"tensorzero::cache_options":{"enabled":"off"},\#(body)}"#)
        #expect(zero.bodyControls.mode == .off)
        #expect(zero.strippedBody.map { String(decoding: $0, as: UTF8.self) } == "{\(body)}")
        #expect(try zero.plainKey == request("{\(body)}").plainKey)
    }
}
