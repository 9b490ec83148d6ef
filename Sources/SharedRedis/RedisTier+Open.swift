package import SemanticCache

extension RedisTier {
    /// For connecting and everything that is asked then.
    private static let openLimit = Duration.seconds(5)

    package func open(_ identity: SharedIdentity) async throws(SharedTierError) -> SharedPosition {
        guard !isClosed else { throw .unreachable("closed") }
        let deadline = ContinuousClock.now + Self.openLimit
        let greeting = try await bulk.greeting(until: deadline)
        try Self.check(greeting)

        let meta = try await meta(identity, until: deadline)
        try Self.check(meta, against: identity)
        guard let lineage = meta["lineage"], let number = meta["number"].flatMap({ Int64($0) }) else {
            throw .wrongLayout(found: "'\(names.meta)' without lineage or number", expected: "\(SharedIdentity.layout)")
        }
        let vectors = RedisVectors(identity)
        if let vectors { try await claim(vectors, meta, until: deadline) }
        let index = RedisIndex(names, vectors, configuration.index)
        try await make(index, until: deadline)
        // A request would wait for the connection else.
        _ = try await lookups.call(RedisCommands(["PING"]), until: deadline)
        setOpened(Opened(identity: identity, lineage: lineage, vectors: vectors, index: index, server: Self.name(of: greeting)))
        return SharedPosition(lineage: lineage, number: number)
    }

    private static func check(_ greeting: RESPValue) throws(SharedTierError) {
        if greeting["mode"]?.text == "sentinel" { throw .refused("it is a sentinel: the URL has to name the server itself") }
        if let role = greeting["role"]?.text, role != "master" { throw .readOnly("it is a \(role)") }
    }

    /// What the tier says of itself, made where it is not there.
    private func meta(_ identity: SharedIdentity, until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> [String: String] {
        let read = RedisCommands(["HGETALL", .text(names.meta)], ["TYPE", .text(names.journal)])
        var answers = try await bulk.call(read, until: deadline)
        if case .map(let pairs) = answers[0], pairs.isEmpty {
            let lineage = StoreGeneration.freshLineage()
            let script = RedisScript.begin
            let words: [RedisCommands.Word] = [
                .number(SharedIdentity.layout), .text(lineage), .text(identity.tenancyCheck), .text(identity.encryptionCheck),
            ]
            let made = try await bulk.call(RedisCommands(script.load, script.run([names.meta, names.journal], words)), until: deadline)
            _ = try made[1].orThrow()
            answers = try await bulk.call(read, until: deadline)
        }
        guard case .map(let pairs) = try answers[0].orThrow() else { throw .garbled("HGETALL is not answered by a map") }
        if let kind = try answers[1].orThrow().text, kind != "stream", kind != "none" {
            throw .wrongLayout(found: "'\(names.journal)' of type \(kind)", expected: "\(SharedIdentity.layout)")
        }
        let fields = pairs.compactMap { pair in pair.key.text.flatMap { key in pair.value.text.map { (key, $0) } } }
        return Dictionary(fields, uniquingKeysWith: { first, _ in first })
    }

    private static func check(_ meta: [String: String], against identity: SharedIdentity) throws(SharedTierError) {
        guard let layout = meta["layout"], layout == "\(SharedIdentity.layout)" else {
            throw .wrongLayout(found: meta["layout"] ?? "of something else", expected: "\(SharedIdentity.layout)")
        }
        if meta["tenancy"] != identity.tenancyCheck { throw .otherKey(setting: "tenancy.key_env") }
        if meta["encryption"] != identity.encryptionCheck { throw .otherKey(setting: "store.encryption_key_env") }
    }

    /// Says how many components this embedder's vectors have, where nobody did; throws where somebody said otherwise.
    private func claim(
        _ vectors: RedisVectors, _ meta: [String: String], until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) {
        let field = "dimension:\(vectors.mark)"
        var known = meta[field]
        if known == nil {
            let answers = try await bulk.call(
                RedisCommands(
                    ["HSETNX", .text(names.meta), .text(field), .number(vectors.dimension)], ["HGET", .text(names.meta), .text(field)]),
                until: deadline)
            _ = try answers[0].orThrow()
            known = try answers[1].orThrow().text
        }
        guard let found = known.flatMap({ Int($0) }) else {
            throw .wrongLayout(found: "a dimension '\(known ?? "")'", expected: "\(SharedIdentity.layout)")
        }
        if found != vectors.dimension { throw .wrongDimension(found: found, expected: vectors.dimension) }
    }

    /// Makes the index where it is not there; it fills itself behind this.
    private func make(_ index: RedisIndex, until deadline: ContinuousClock.Instant) async throws(SharedTierError) {
        let answers = try await bulk.call(RedisCommands(index.create, index.info), until: deadline)
        if case .error(let message) = answers[0], !message.lowercased().contains("already exists") { throw RedisFault.of(message) }
        // Where asking is refused, the index is taken at its name's word.
        guard case .map = answers[1], let found = index.difference(from: answers[1]) else { return }
        throw .wrongLayout(found: found, expected: "\(SharedIdentity.layout)")
    }

    /// Makes the index again after it was dropped, unless the whole tier is gone: what stands there then is not ours to add to before it was opened.
    func remake(
        _ index: RedisIndex, in opened: Opened, _ head: SharedPosition, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) {
        guard head.lineage == opened.lineage else { return }
        let answers = try await lookups.call(RedisCommands(index.create), until: deadline)
        if case .error(let message) = answers[0], !message.lowercased().contains("already exists") { throw RedisFault.of(message) }
    }

    /// `Redis 8.2.3, search 2.10.5`.
    private static func name(of greeting: RESPValue) -> String {
        let server = greeting["server"]?.text ?? "redis"
        var name = "\(server.prefix(1).uppercased())\(server.dropFirst()) \(greeting["version"]?.text ?? "of an unknown version")"
        for module in greeting["modules"]?.items ?? [] {
            guard let kind = module["name"]?.text, kind == "search" || kind == "searchlight", let version = module["ver"]?.number else { continue }
            name += ", search \(version / 10_000).\(version / 100 % 100).\(version % 100)"
        }
        return name
    }
}
