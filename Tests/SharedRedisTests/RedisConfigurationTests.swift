import Testing

@testable import SharedRedis

struct RedisConfigurationTests {
    private struct Parts: Equatable, CustomTestStringConvertible {
        var url: String
        var host = "cache"
        var port = 6379
        var isSecure = false
        var user: String?
        var password: String?
        var database = 0
        var caFile: String?

        var testDescription: String { url }
    }

    @Test(
        "URLs are read",
        arguments: [
            Parts(url: "redis://cache"), Parts(url: "redis://cache/"), Parts(url: "REDIS://cache:7000/3", port: 7000, database: 3),
            Parts(url: "rediss://cache", isSecure: true), Parts(url: "redis://ann@cache", user: "ann", password: ""),
            Parts(url: "redis://ann:s3cret@cache/2", user: "ann", password: "s3cret", database: 2),
            Parts(url: "redis://:s3cret@cache", user: "default", password: "s3cret"),
            Parts(url: "redis://a%40b:p%3A%2F%25@cache", user: "a@b", password: "p:/%"),
            Parts(url: "redis://ann:a:b@c@cache", user: "ann", password: "a:b@c"),
            Parts(url: "redis://[::1]:7000", host: "::1", port: 7000), Parts(url: "redis://[::1]", host: "::1"),
            Parts(url: "rediss://cache/0?ca_file=/etc/my%20ca.pem", isSecure: true, caFile: "/etc/my ca.pem"),
            Parts(url: "rediss://cache?ca_file=ca.pem", isSecure: true, caFile: "ca.pem"),
        ])
    private func reads(_ parts: Parts) throws {
        let found = try RedisConfiguration(url: parts.url, prefix: "p")
        #expect(
            Parts(
                url: parts.url, host: found.host, port: found.port, isSecure: found.isSecure, user: found.user, password: found.password,
                database: found.database, caFile: found.caFile) == parts)
        #expect(!"\(found)".contains("s3cret") && !"\(found)".contains("ann"))
    }

    @Test(
        "what is no such URL is refused, and its password is not said",
        arguments: [
            ("cache:6379", RedisURLError.notAURL), ("http://cache", .scheme("http")), ("redis://", .notAURL), ("redis://:s3cret@", .notAURL),
            ("redis://cache:0", .port("0")), ("redis://cache:65536", .port("65536")), ("redis://cache:x", .port("x")), ("redis://cache:", .port("")),
            ("redis://cache/one", .database("one")), ("redis://cache/1/2", .database("1/2")), ("redis://cache/-1", .database("-1")),
            ("redis://cache/99999999999999999999", .database("99999999999999999999")), ("redis://u:s3cret%4@cache", .credential),
            ("redis://u:s3cret%zz@cache", .credential), ("redis://u%+1:s3cret@cache", .credential), ("redis://ca che", .notAURL),
            ("redis://cache#x", .notAURL), ("redis://cache?db=1", .query("db=1")), ("redis://cache?ca_file=", .query("ca_file=")),
            ("redis://[::1", .notAURL), ("redis://[::1]7000", .port("000")),
        ])
    func refuses(_ url: String, _ error: RedisURLError) {
        #expect(throws: error) { try RedisConfiguration(url: url, prefix: "p") }
        #expect(!"\(error)".contains("s3cret"))
    }

    @Test("keys need a prefix")
    func prefix() {
        #expect(throws: RedisURLError.prefix) { try RedisConfiguration(url: "redis://cache", prefix: "") }
    }
}
