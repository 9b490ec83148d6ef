import SemanticCache
@testable import SharedPostgres
import Testing

/// What needs no engine.
struct PostgresValueTests {
    @Test("a URL that libpq takes is taken, and what people are told names no password")
    func takesURLs() throws {
        let url = "postgres://me:s3cret@db.example:6432/cache?sslmode=require&connect_timeout=3"
        let configuration = try PostgresConfiguration(url: url, schema: "reprise")
        #expect(configuration.endpoint == "db.example:6432/cache" && configuration.patience == .seconds(3))
        #expect(try PostgresConfiguration(url: "postgresql://localhost", schema: "r").patience == .seconds(5))
    }

    @Test(
        "a URL that cannot be read is refused without its password",
        arguments: [
            "redis://me:s3cret@host", "host=db password=s3cret", "", "postgres://me:s3cret%zz@host/db", "postgres://me:s3cret@host/db?sslmod=require",
            "postgres://me:s3cret@[host/db", "postgres://me:s3cret@host/db?x=s3cret%zz",
        ])
    func refusesURLs(_ url: String) throws {
        let error = try #require(throws: SharedTierError.self) { try PostgresConfiguration(url: url, schema: "reprise") }
        guard case .refused(let reason) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(reason.contains("URL") && (!reason.contains("s3cret") || url.hasSuffix("s3cret%zz")))
    }

    @Test("libpq's complaint says which parameter it does not know")
    func namesParameters() {
        #expect(throws: SharedTierError.refused("its URL cannot be read: invalid URI query parameter: \"sslmod\"")) {
            try PostgresConfiguration(url: "postgres://me:s3cret@host/db?sslmod=require", schema: "reprise")
        }
    }

    @Test("a schema has a name that PostgreSQL keeps whole", arguments: ["", String(repeating: "x", count: 64), "a\u{0}b", "a\nb"])
    func refusesSchemas(_ schema: String) {
        #expect(throws: SharedTierError.self) { try PostgresConfiguration(url: "postgres://host", schema: schema) }
    }

    @Test("names are quoted", arguments: [("a b", "\"a b\""), ("a\"; drop", "\"a\"\"; drop\""), ("\"", "\"\"\"\"")])
    func quotes(_ name: String, _ quoted: String) { #expect(name.quotedName == quoted) }

    @Test("times come back as they went, also before 2000; what the engine cannot hold becomes an end of time")
    func keepsTimes() {
        for milliseconds: Int64 in [0, -1, 1, 946_684_799_999, 946_684_800_000, 946_684_800_001, 4_102_444_800_123, .max, .min] {
            let time = Timestamp(milliseconds: milliseconds)
            #expect(PostgresTime.timestamp(PostgresTime.microseconds(of: time)) == time)
        }
        #expect(PostgresTime.timestamp(PostgresTime.microseconds(of: Timestamp(milliseconds: .max - 1))) == Timestamp(milliseconds: .max))
        // What an administrator wrote with microseconds is rounded down on either side.
        #expect(PostgresTime.timestamp(1_999).milliseconds - PostgresTime.timestamp(-1).milliseconds == 2)
    }

    @Test("an SQLSTATE means one fault each")
    func tellsFaultsApart() {
        func error(_ state: String) -> SharedTierError { PostgresFault(state: state, message: "m").error }
        for state in ["28P01", "28000", "3D000", "42501"] { #expect(error(state) == .refused("m"), "\(state)") }
        for state in ["57P01", "57P02", "53300", "08006", "08P01"] { #expect(error(state) == .unreachable("m"), "\(state)") }
        for state in ["53100", "53200"] { #expect(error(state) == .full("m"), "\(state)") }
        for state in ["57014", "55P03"] { #expect(error(state) == .timedOut, "\(state)") }
        for state in ["42883", "42704", "58P01"] { #expect(error(state) == .noSearch("m"), "\(state)") }
        #expect(error("57P03") == .starting("m") && error("25006") == .readOnly("m"))
        #expect(PostgresFault(state: "22000", message: "expected 9 dimensions, not 8").error == .wrongDimension(found: 9, expected: 8))
        guard case .wrongLayout = error("42703") else {
            Issue.record("\(error("42703"))")
            return
        }
        #expect(error("XX001") == .engine("m (XX001)") && error("42P01").isPassing)
    }
}
