package import SemanticCache

extension PostgresTier {
    package func open(_ identity: SharedIdentity) async throws(SharedTierError) -> SharedPosition {
        do throws(SharedTierError) {
            return try await openOnce(identity)
        } catch .wrongLayout(let found, let expected) {
            // Another proxy may have been laying it out; a second look sees all of that or none.
            guard let position = try? await openOnce(identity) else { throw .wrongLayout(found: found, expected: expected) }
            return position
        }
    }

    private func openOnce(_ identity: SharedIdentity) async throws(SharedTierError) -> SharedPosition {
        let deadline = ContinuousClock.now + Self.patience
        var surroundings = try await look(until: deadline)
        if let reason = surroundings.readOnlyReason { throw .readOnly(reason) }
        if surroundings.vectors == nil {
            try await addVectors(surroundings, until: deadline)
            surroundings = try await look(until: deadline)
        }
        guard let vectors = surroundings.vectors else { throw .noSearch("the extension vector was made and is not there") }
        let tables = Tables(schema: configuration.schema, vectors: vectors)
        if surroundings.saysItsLayout {
            // What another version made is called by its number, whatever its tables look like.
            let layout = try await run([Statement(sql: "select layout from \(tables.meta)")], until: deadline).int(0, 0)
            if let layout, layout != SharedIdentity.layout { throw .wrongLayout(found: "\(layout)", expected: "\(SharedIdentity.layout)") }
        }
        try surroundings.check()
        if !surroundings.isComplete { try await create(tables, surroundings, until: deadline) }
        return try await join(tables, identity, surroundings, until: deadline)
    }

    // MARK: What is there

    private func look(until deadline: ContinuousClock.Instant) async throws(SharedTierError) -> Surroundings {
        let server = """
            select current_setting('server_version'), pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', current_user::text,
                current_database()::text, exists (select 1 from pg_namespace where nspname = $1),
                (select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector')
            """
        let tables = """
            select c.relname::text, c.relkind::text, (select string_agg(a.attname || ' ' || t.typname, ', ' order by a.attname)
                from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
                (select a.atttypmod from pg_attribute a where a.attrelid = c.oid and a.attname = 'v' and not a.attisdropped),
                has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
                    and has_table_privilege(c.oid, 'delete')
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = $1 and c.relname = any(string_to_array($2, ','))
            """
        let schema = Parameter.text(configuration.schema)
        let names = Parameter.text(Tables.layout.keys.joined(separator: ","))
        do throws(PostgresFault) {
            let results = try await transport.run(
                [Statement(sql: server, parameters: [schema]), Statement(sql: tables, parameters: [schema, names])], on: .bulk, until: deadline)
            guard results.count == 2, let surroundings = Surroundings(server: results[0], tables: results[1]) else {
                throw PostgresFault(state: nil, error: .garbled("a catalogue that no PostgreSQL has"))
            }
            return surroundings
        } catch {
            throw error.error
        }
    }

    // MARK: What is missing

    private func addVectors(_ surroundings: Surroundings, until deadline: ContinuousClock.Instant) async throws(SharedTierError) {
        do throws(PostgresFault) {
            _ = try await transport.run([Statement(sql: "create extension if not exists vector")], on: .bulk, until: deadline)
        } catch {
            let database = surroundings.database
            switch error.state {
            // Two at once: the other one made it.
            case PostgresFault.duplicate, "42710": return
            case "0A000", "58P01", "42704":
                throw .noSearch(
                    "PostgreSQL \(surroundings.version) has no pgvector: install it (postgresql-\(surroundings.major)-pgvector), "
                        + "then run CREATE EXTENSION vector in the database \(database)")
            case "42501":
                throw .noSearch(
                    "CREATE EXTENSION vector needs the right CREATE on the database \(database), which \(surroundings.user) has not: "
                        + "let an administrator run it there once")
            default: throw error.error
            }
        }
    }

    private func create(_ tables: Tables, _ surroundings: Surroundings, until deadline: ContinuousClock.Instant) async throws(SharedTierError) {
        do throws(SharedTierError) {
            try await run(tables.creation(schemaIsThere: surroundings.schemaIsThere).map { Statement(sql: $0) }, until: deadline)
        } catch .refused(let reason) {
            throw .refused(
                "\(reason): \(surroundings.user) needs CREATE on the database \(surroundings.database), or a schema "
                    + "\(configuration.schema) of its own (CREATE SCHEMA ... AUTHORIZATION ...)")
        }
    }

    // MARK: What all must have in common

    private func join(
        _ tables: Tables, _ identity: SharedIdentity, _ surroundings: Surroundings, until deadline: ContinuousClock.Instant
    ) async throws(SharedTierError) -> SharedPosition {
        var meta = try await run([Statement(sql: "select lineage, number, tenancy_check, encryption_check from \(tables.meta)")], until: deadline)
        if meta.count == 0 {
            try await begin(tables, identity, until: deadline)
            meta = try await run(
                [Statement(sql: "select lineage, number, tenancy_check, encryption_check from \(tables.meta)")], until: deadline)
        }
        let position = try SharedPosition(meta)
        if meta.text(0, 2) != identity.tenancyCheck { throw .otherKey(setting: "tenancy.key_env") }
        if meta.text(0, 3) != identity.encryptionCheck { throw .otherKey(setting: "store.encryption_key_env") }
        guard let fingerprint = identity.fingerprint, let dimension = identity.dimension else {
            setOpened(Opened(tables: tables, embedder: nil, dimension: nil))
            return position
        }
        // The type of the column may have been narrowed by an operator.
        if let found = surroundings.columnDimension, found != dimension { throw .wrongDimension(found: found, expected: dimension) }
        let known = Statement(sql: "select number, dimension from \(tables.embedder) where fingerprint = $1", parameters: [.text(fingerprint)])
        var embedder = try await run([known], until: deadline)
        if embedder.count == 0 {
            let sql = "insert into \(tables.embedder) (fingerprint, dimension) values ($1, $2) on conflict (fingerprint) do nothing"
            try await run([Statement(sql: sql, parameters: [.text(fingerprint), .int(Int32(clamping: dimension))])], until: deadline)
            embedder = try await run([known], until: deadline)
        }
        guard let number = embedder.int(0, 0), let found = embedder.int(0, 1) else { throw .garbled("a row of reprise_embedder that no proxy wrote") }
        if Int(found) != dimension { throw .wrongDimension(found: Int(found), expected: dimension) }
        setOpened(Opened(tables: tables, embedder: Int32(clamping: number), dimension: dimension))
        return position
    }

    /// Begins a lineage. What is left of another one is of no use: its numbers mean nothing in this one.
    private func begin(_ tables: Tables, _ identity: SharedIdentity, until deadline: ContinuousClock.Instant) async throws(SharedTierError) {
        let lineage = StoreGeneration.freshLineage()
        let insertion = """
            with begun as (
                insert into \(tables.meta) (layout, lineage, number, tenancy_check, encryption_check) values ($1, $2, 0, $3, $4)
                on conflict do nothing returning 1),
            events as (delete from \(tables.journal) where exists (select 1 from begun))
            delete from \(tables.entry) where exists (select 1 from begun)
            """
        let values: [Parameter] = [
            .int(Int32(SharedIdentity.layout)), .text(lineage), .text(identity.tenancyCheck), .text(identity.encryptionCheck),
        ]
        try await run([Statement(sql: insertion, parameters: values)], until: deadline)
    }
}
