import HTTPTypes
import Testing

@testable import WireFormats

@Suite struct RequestControlsTests {
    private func controls(_ fields: [(String, String)]) throws -> RequestControls {
        var result = HTTPFields()
        for (name, value) in fields { result.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        return try RequestControls(result)
    }

    @Test func readsEverything() throws {
        let read = try controls([
            ("Cache-Control", "No-Cache, max-age=60, community=\"a, no-store\""), ("cache-control", "only-if-cached , stale-if-error=\"30\""),
            ("X-Cache-TTL", "1h"),
            ("x-cache-namespace", "team-a"), ("X-Cache-Tags", " doc:42, release:7 ,,doc:42"), ("X-Cache-Threshold", "0.95"),
            ("X-Cache-Mode", "Exact"),
        ])
        var expected = RequestControls()
        expected.noCache = true
        expected.onlyIfCached = true
        expected.maxAge = .seconds(60)
        expected.staleIfError = .seconds(30)
        expected.ttl = .seconds(3600)
        expected.namespace = "team-a"
        expected.tags = ["doc:42", "release:7"]
        expected.threshold = 0.95
        expected.mode = .exact
        #expect(read == expected)
    }

    @Test func nothingAskedIsNothingSaid() throws {
        #expect(try controls([("Accept", "x"), ("Cache-Control", "")]) == RequestControls())
    }

    @Test(arguments: [("3600", Duration.seconds(3600)), ("250ms", .milliseconds(250)), ("0", .zero), ("7d", .seconds(604_800))])
    func readsTimesToLive(text: String, expected: Duration) throws {
        #expect(try controls([("X-Cache-TTL", text)]).ttl == expected)
    }

    @Test(arguments: ["no-store", "no-cache=\"Set-Cookie\"", "private, min-fresh=5, max-stale", "max-age=999999999999999999999"])
    func passesOverWhatItNeedNotKnow(value: String) throws {
        _ = try controls([("Cache-Control", value)])
    }

    @Test(arguments: [
        ("Cache-Control", "max-age"), ("Cache-Control", "max-age=-1"), ("Cache-Control", "max-age=1h"), ("Cache-Control", "stale-if-error=x"),
        ("X-Cache-TTL", "soon"),
        ("X-Cache-TTL", "-5"), ("X-Cache-TTL", ""), ("X-Cache-Namespace", ""), ("X-Cache-Namespace", "a b"), ("X-Cache-Namespace", "é"),
        ("X-Cache-Namespace", String(repeating: "a", count: 129)), ("X-Cache-Tags", String(repeating: "a", count: 129)),
        ("X-Cache-Tags", (0..<33).map { "t\($0)" }.joined(separator: ",")), ("X-Cache-Threshold", "1.01"), ("X-Cache-Threshold", "nan"),
        ("X-Cache-Threshold", "-0.1"), ("X-Cache-Threshold", "0x1"), ("X-Cache-Threshold", "90%"), ("X-Cache-Mode", "fuzzy"),
        ("X-Cache-Mode", "off, exact"),
    ])
    func refuses(name: String, value: String) throws {
        let error = try #require(throws: RequestError.self) { try controls([(name, value)]) }
        #expect(error.param == name)
        #expect(error.message.hasPrefix(name))
    }

    @Test func refusesTwoAnswersToOneQuestion() {
        #expect(throws: RequestError.self) { try controls([("X-Cache-Mode", "off"), ("X-Cache-Mode", "exact")]) }
    }

    @Test func stripsWhatIsNotForTheModel() throws {
        var fields: HTTPFields = [
            .cacheControl: "no-cache", .accept: "x", .cacheMode: "off", .cacheTTL: "1", .cacheTags: "a", .cacheNamespace: "n", .cacheThreshold: "1",
        ]
        RequestControls.strip(&fields)
        #expect(fields == [.accept: "x"])
    }
}
