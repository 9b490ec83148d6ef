import SemanticCache
import Testing

@testable import SharedRedis

struct RedisFaultTests {
    @Test(
        "servers' errors are told apart",
        arguments: [
            ("LOADING Redis is loading the dataset in memory", SharedTierError.starting("LOADING Redis is loading the dataset in memory")),
            ("MASTERDOWN Link with MASTER is down", .starting("MASTERDOWN Link with MASTER is down")),
            ("BUSY Redis is busy running a script", .starting("BUSY Redis is busy running a script")),
            ("NOSCRIPT No matching script.", .starting("NOSCRIPT No matching script.")),
            ("READONLY You can't write against a read only replica.", .readOnly("READONLY You can't write against a read only replica.")),
            ("OOM command not allowed when used memory > 'maxmemory'.", .full("OOM command not allowed when used memory > 'maxmemory'.")),
            ("MISCONF Errors writing to the AOF file", .full("MISCONF Errors writing to the AOF file")),
            ("NOAUTH Authentication required.", .refused("NOAUTH Authentication required.")),
            ("WRONGPASS invalid username-password pair", .refused("WRONGPASS invalid username-password pair")),
            ("NOPERM No permissions to access a key", .refused("NOPERM No permissions to access a key")),
            ("DENIED Redis is running in protected mode", .refused("DENIED Redis is running in protected mode")),
            ("MOVED 3999 127.0.0.1:6381", .refused("it is a node of a cluster: MOVED 3999 127.0.0.1:6381")),
            ("CROSSSLOT Keys in request don't hash", .refused("it is a node of a cluster: CROSSSLOT Keys in request don't hash")),
            ("WRONGTYPE Operation against a key", .wrongLayout(found: "a key of ours with a value of another type", expected: "1")),
            ("ERR unknown command 'FT.CREATE'", .noSearch("it has no search module: ERR unknown command 'FT.CREATE'")),
            ("ERR unknown command `HELLO`", .refused("it does not speak RESP3: Redis 6, Valkey or newer is needed")),
            ("NOPROTO unsupported protocol version", .refused("NOPROTO unsupported protocol version")),
            ("Cannot create index on db != 0", .noSearch("it searches database 0 alone")),
            ("ERR max number of clients reached", .unreachable("ERR max number of clients reached")),
            ("ERR syntax error", .engine("ERR syntax error")), ("", .engine("")),
        ])
    func faults(_ message: String, _ error: SharedTierError) {
        #expect(RedisFault.of(message) == error)
    }

    @Test(
        "an index that is gone is known in every version's words",
        arguments: [
            "rp:ix: no such index", "Unknown index name", "Unknown Index name", "Unknown index name (or name is an alias itself)", "Index not found",
            "SEARCH_INDEX_NOT_FOUND Index not found: rp:ix", "Index with name 'rp:ix' not found in database 0",
        ])
    func noIndex(_ message: String) {
        #expect(RESPValue.error(message).meansNoIndex)
        #expect(!RESPValue.string(Array(message.utf8)).meansNoIndex)
    }

    @Test("other errors do not mean that", arguments: ["Index already exists", "ERR no such key", "Syntax error at offset 3 near index"])
    func otherErrors(_ message: String) {
        #expect(!RESPValue.error(message).meansNoIndex)
    }
}
