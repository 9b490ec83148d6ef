import Crypto
import SemanticCache

/// What the engine does in one piece.
///
/// Each pipeline that runs a script loads it first: that costs microseconds and no round trip, and no restart of the engine is in the way.
struct RedisScript: Sendable {
    let text: String
    private let digest: String

    init(_ text: String) {
        self.text = text
        digest = Insecure.SHA1.hash(data: Array(text.utf8)).map { Hexadecimal.digits($0) }.joined()
    }

    var load: [RedisCommands.Word] { ["SCRIPT", "LOAD", .text(text)] }

    func run(_ keys: [String], _ arguments: [RedisCommands.Word]) -> [RedisCommands.Word] {
        ["EVALSHA", .text(digest), .number(keys.count)] + keys.map { .text($0) } + arguments
    }

    /// What ``put`` and ``append`` answer where the tier was emptied since it was opened: numbers of two lineages say nothing of each other.
    static let otherLineage: Int64 = -1

    /// Keys: meta, journal. Arguments: layout, lineage, check values of tenancy and encryption. Makes what is not there; decides between several that
    /// begin at once.
    static let begin = RedisScript(
        """
        if redis.call('EXISTS', KEYS[1]) == 0 then
            redis.call('HSET', KEYS[1], 'layout', ARGV[1], 'lineage', ARGV[2], 'tenancy', ARGV[3], 'encryption', ARGV[4], 'number', '0')
            redis.call('DEL', KEYS[2])
        end
        return 0
        """)

    /// Keys: entry, its id's, meta. Arguments: lineage, when it ends for the engine ('' for never), what names of ids begin with, then the fields.
    ///
    /// The fields are set before anything is taken away, since that is what an engine without room refuses: a former entry stays then. 0 stored, 1 the id
    /// is another entry's.
    static let put = RedisScript(
        """
        local lineage = redis.call('HGET', KEYS[3], 'lineage')
        if lineage ~= ARGV[1] then return -1 end
        local id = ARGV[5]
        local owner = redis.pcall('GET', KEYS[2])
        if type(owner) == 'string' and owner ~= KEYS[1] and redis.pcall('HGET', owner, 'id') == id then return 1 end
        local kind = redis.call('TYPE', KEYS[1]).ok
        local former
        local stale = {}
        if kind == 'hash' then
            former = redis.call('HGET', KEYS[1], 'id')
            local fresh = {line = true}
            for i = 4, #ARGV, 2 do fresh[ARGV[i]] = true end
            for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
                if not fresh[field] then stale[#stale + 1] = field end
            end
        elseif kind ~= 'none' then
            redis.call('DEL', KEYS[1])
        end
        redis.call('HSET', KEYS[1], 'line', string.sub(lineage, 1, \(RedisEntry.lineDigits)), unpack(ARGV, 4))
        if #stale > 0 then redis.call('HDEL', KEYS[1], unpack(stale)) end
        if former and former ~= id then redis.call('DEL', ARGV[3] .. former) end
        if ARGV[2] == '' then
            redis.call('PERSIST', KEYS[1])
            redis.call('SET', KEYS[2], KEYS[1])
        else
            redis.call('PEXPIREAT', KEYS[1], ARGV[2])
            redis.call('SET', KEYS[2], KEYS[1], 'PXAT', ARGV[2])
        end
        return 0
        """)

    /// Keys: entry. Arguments: what names of ids begin with, the number below which it is to go ('' for whatever it is). 1 where it went.
    static let remove = RedisScript(
        """
        local id = redis.pcall('HGET', KEYS[1], 'id')
        if type(id) == 'table' then return 0 end
        if ARGV[2] ~= '' then
            local since = tonumber(redis.call('HGET', KEYS[1], 'since') or '')
            if not since or since >= tonumber(ARGV[2]) then return 0 end
        end
        if id and redis.pcall('GET', ARGV[1] .. id) == KEYS[1] then redis.call('DEL', ARGV[1] .. id) end
        return redis.call('DEL', KEYS[1])
        """)

    /// Keys: entry. Takes away all vectors, whoever made them.
    static let unreach = RedisScript(
        """
        local fields = redis.pcall('HKEYS', KEYS[1])
        if fields.err then return 0 end
        local gone = {}
        for _, field in ipairs(fields) do
            local kind = string.sub(field, 1, 2)
            if kind == '\(RedisVectors.fieldPrefix)' or kind == '\(RedisVectors.scopePrefix)' then gone[#gone + 1] = field end
        end
        if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
        return #gone
        """)

    /// Keys: meta, journal. Arguments: lineage, the event, how many are kept. Its number.
    static let append = RedisScript(
        """
        if redis.call('HGET', KEYS[1], 'lineage') ~= ARGV[1] then return -1 end
        local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], string.format('%.0f-0', number), 'e', ARGV[2])
        return number
        """)

    /// Arguments: what names of leases begin with, owner, milliseconds, the number held ('' for none), the last number there is. The number taken, or 0.
    static let lease = RedisScript(
        """
        local function take(number)
            local name = ARGV[1] .. number
            local owner = redis.call('GET', name)
            if owner and owner ~= ARGV[2] then return false end
            redis.call('SET', name, ARGV[2], 'PX', ARGV[3])
            return true
        end
        if ARGV[4] ~= '' and take(ARGV[4]) then return tonumber(ARGV[4]) end
        for number = 1, tonumber(ARGV[5]) do
            if take(number) then return number end
        end
        return 0
        """)
}
