import SemanticCache

/// The tables of one tier, and what is asked of them.
///
/// | table | a row is |
/// |---|---|
/// | `reprise_meta` | the tier: layout, lineage, the journal's last number, what all proxies must have in common; one row |
/// | `reprise_embedder` | a model whose vectors are here, and their dimension |
/// | `reprise_entry` | an entry |
/// | `reprise_journal` | one of the last events |
/// | `reprise_evidence` | what a node has learned |
/// | `reprise_node` | a node's number and who holds it |
///
/// The column of the vectors has no dimension, so that proxies of several models are one cache for exact repeats. Each search names its model and casts
/// to that one's dimension, so an operator may add a graph for a scope that is large:
/// `create index concurrently on reprise_entry using hnsw ((v::vector(384)) vector_ip_ops) where scope = '\x..' and embedder = 1`.
struct Tables: Sendable {
    let schema: String
    /// The schema that pgvector lies in, which need not be on anybody's search path.
    let vectors: String

    /// Events that are kept for those who read on.
    static let journalLimit = 10_000

    init(schema: String, vectors: String = "public") {
        self.schema = schema.quotedName
        self.vectors = vectors.quotedName
    }

    var meta: String { "\(schema).reprise_meta" }
    var embedder: String { "\(schema).reprise_embedder" }
    var entry: String { "\(schema).reprise_entry" }
    var journal: String { "\(schema).reprise_journal" }
    var evidence: String { "\(schema).reprise_evidence" }
    var node: String { "\(schema).reprise_node" }

    // MARK: Layout

    /// Each table with its columns as the catalogue describes them, sorted by name. What differs was not made by this version.
    static let layout: [String: String] = [
        "reprise_meta": "encryption_check text, layout int4, lineage text, number int8, one bool, tenancy_check text",
        "reprise_embedder": "dimension int4, fingerprint text, number int4",
        "reprise_entry":
            "answer bytea, created_at timestamptz, embedder int4, expires_at timestamptz, id int8, key bytea, metadata bytea, model int8, "
            + "namespace int8, scope bytea, since int8, tags _int8, tenant int8, v vector",
        "reprise_journal": "at timestamptz, event bytea, number int8",
        "reprise_evidence": "bytes bytea, name text, node int4",
        "reprise_node": "number int4, owner text, until timestamptz",
    ]

    /// Makes what is missing. Held together by one lock, so that of proxies that start at once one makes it and the others find it.
    func creation(schemaIsThere: Bool) -> [String] {
        var statements = ["select pg_advisory_xact_lock(7308332182)"]
        if !schemaIsThere { statements.append("create schema if not exists \(schema)") }
        statements += [
            """
            create table if not exists \(meta) (one boolean primary key default true check (one), layout integer not null, lineage text not null,
                number bigint not null, tenancy_check text not null, encryption_check text not null)
            """,
            """
            create table if not exists \(embedder) (number integer generated always as identity primary key, fingerprint text not null unique,
                dimension integer not null)
            """,
            // Sealed bytes cannot be compressed, so nobody tries; a vector stays in its row, where a search finds it without a second read.
            """
            create table if not exists \(entry) (key bytea primary key, id bigint not null unique, scope bytea, tenant bigint not null,
                namespace bigint not null, model bigint not null, tags bigint[] not null, created_at timestamptz not null,
                expires_at timestamptz not null, since bigint not null, embedder integer, v \(vectors).vector storage main,
                metadata bytea storage external not null, answer bytea storage external)
            """,
            "create index if not exists reprise_entry_scope on \(entry) (scope, embedder) where v is not null",
            "create index if not exists reprise_entry_expires_at on \(entry) (expires_at)",
            "create index if not exists reprise_entry_tenant on \(entry) (tenant)",
            "create index if not exists reprise_entry_tags on \(entry) using gin (tags)",
            "create table if not exists \(journal) (number bigint primary key, event bytea storage external not null, at timestamptz not null)",
            """
            create table if not exists \(evidence) (name text not null, node integer not null, bytes bytea storage external not null,
                primary key (name, node))
            """,
            "create table if not exists \(node) (number integer primary key, owner text not null, until timestamptz not null)",
        ]
        return statements
    }

    // MARK: Entries

    /// The columns of an entry, in the order in which ``SharedEntry/init(_:row:)`` reads them. `v` of another model than `$1` is none to this proxy.
    func columns(of table: String, answer: Bool = true, vector: Bool = true) -> String {
        """
        \(table).key, \(table).id, \(table).scope, \(table).tenant, \(table).namespace, \(table).model, \(table).tags, \(table).created_at,
        \(table).expires_at, \(table).since, \(vector ? "case when \(table).embedder = $1 then \(table).v end" : "null::\(vectors).vector"),
        \(table).metadata, \(answer ? "\(table).answer" : "null::bytea")
        """
    }
    static let columnCount = 13

    /// `$1` embedder, `$2` key, `$3` scope: the end of the journal, whether the scope has vectors, and the entry.
    var peek: String {
        """
        select m.lineage, m.number,
            exists (select 1 from \(entry) s where s.scope = $3 and s.embedder = $1 and s.v is not null and s.expires_at > now()),
            \(columns(of: "e"))
        from \(meta) m left join \(entry) e on e.key = $2 and e.expires_at > now()
        """
    }

    /// `$1` embedder, `$2` scope, `$3` vector: the end of the journal, the distance, and each entry found.
    func nearest(dimension: Int, count: Int) -> String {
        let distance = "(e.v::\(vectors).vector(\(dimension))) operator(\(vectors).<#>) $3::\(vectors).vector(\(dimension))"
        return """
            select m.lineage, m.number, f.* from \(meta) m left join (
                select \(distance) as distance, \(columns(of: "e", answer: false, vector: false))
                from \(entry) e where e.scope = $2 and e.embedder = $1 and e.v is not null and e.expires_at > now()
                order by \(distance) limit \(count)) f on true
            order by f.distance
            """
    }

    /// `$1` embedder, `$2` the key or the id.
    func entry(by column: String) -> String {
        "select \(columns(of: "e")) from \(entry) e where e.\(column) = $2 and e.expires_at > now()"
    }

    /// `$1` to `$14`: the columns of an entry with its embedder. No row is written where another entry has the id.
    var put: String {
        let columns = [
            "key", "id", "scope", "tenant", "namespace", "model", "tags", "created_at", "expires_at", "since", "embedder", "v", "metadata", "answer",
        ]
        let values = columns.enumerated().map { $1 == "v" ? "$\($0 + 1)::\(vectors).vector" : "$\($0 + 1)" }
        return """
            insert into \(entry) (\(columns.joined(separator: ", "))) select \(values.joined(separator: ", "))
            where not exists (select 1 from \(entry) where id = $2 and key <> $1)
            on conflict (key) do update set \(columns.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            """
    }

    /// Lets go of some entries whose time is over, those first that ended first; passes over what others are at.
    func expiry(limit: Int) -> String {
        """
        delete from \(entry) where key = any(array(
            select key from \(entry) where expires_at <= now() order by expires_at limit \(limit) for update skip locked))
        """
    }

    // MARK: Journal

    /// `$1` the event, `$2` the channel. The row of `reprise_meta` is the lock: whoever comes second waits for the first to be seen by all, so numbers
    /// are seen in their order, and one that was drawn by a transaction that failed is drawn again.
    var append: String {
        """
        with drawn as (update \(meta) set number = number + 1 returning lineage, number),
        written as (insert into \(journal) (number, event, at) select number, $1, now() from drawn),
        forgotten as (delete from \(journal) where number <= (select number from drawn) - \(Self.journalLimit))
        select lineage, number, pg_notify($2, '') from drawn
        """
    }

    /// `$1` the number after which to read.
    func events(limit: Int) -> String {
        """
        select m.lineage, m.number, j.number, j.event from \(meta) m left join (
            select number, event from \(journal) where number > $1 order by number limit \(limit)) j on true
        order by j.number
        """
    }
}
