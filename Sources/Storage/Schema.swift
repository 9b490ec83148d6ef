import GRDB

/// The tables, as steps that lead from one version to the next. A step that was released is never changed.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 entries and answers") { database in
            // Answers are apart from entries, so that several wordings can share one. The query is a blob because text ends at a zero byte.
            try database.execute(
                sql: """
                    CREATE TABLE answers (
                        id INTEGER PRIMARY KEY,
                        form INTEGER NOT NULL,
                        bytes BLOB NOT NULL,
                        marks BLOB,
                        fields TEXT NOT NULL,
                        prompt_tokens INTEGER,
                        completion_tokens INTEGER,
                        upstream_ms INTEGER NOT NULL
                    );
                    CREATE TABLE entries (
                        id INTEGER PRIMARY KEY,
                        key BLOB NOT NULL UNIQUE,
                        scope BLOB,
                        tenant BLOB NOT NULL,
                        namespace TEXT NOT NULL,
                        endpoint TEXT NOT NULL,
                        model TEXT NOT NULL,
                        tags TEXT NOT NULL,
                        query BLOB NOT NULL,
                        created_at INTEGER NOT NULL,
                        expires_at INTEGER NOT NULL,
                        answer_id INTEGER NOT NULL,
                        vector BLOB,
                        fingerprint_id INTEGER
                    );
                    CREATE INDEX entries_by_answer ON entries (answer_id);
                    CREATE TABLE fingerprints (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
                    CREATE TABLE state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2 outlines apart from vectors") { database in
            // A start reads what is left in `entries` and nothing else: with the vectors in between it would read five times as much.
            try database.execute(
                sql: """
                    CREATE TABLE vectors (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
                    INSERT INTO vectors (id, bytes) SELECT id, vector FROM entries WHERE vector IS NOT NULL AND fingerprint_id IS NOT NULL;
                    CREATE TABLE outlines (
                        id INTEGER PRIMARY KEY,
                        key BLOB NOT NULL UNIQUE,
                        scope BLOB,
                        tenant BLOB NOT NULL,
                        namespace TEXT NOT NULL,
                        endpoint TEXT NOT NULL,
                        model TEXT NOT NULL,
                        tags TEXT NOT NULL,
                        query BLOB NOT NULL,
                        is_sealed INTEGER NOT NULL,
                        created_at INTEGER NOT NULL,
                        expires_at INTEGER NOT NULL,
                        answer_id INTEGER NOT NULL,
                        answer_bytes INTEGER NOT NULL,
                        saved_cost REAL NOT NULL,
                        fingerprint_id INTEGER,
                        generation INTEGER NOT NULL
                    );
                    INSERT INTO outlines
                        SELECT e.id, e.key, e.scope, e.tenant, e.namespace, e.endpoint, e.model, e.tags, e.query, a.form >= 2, e.created_at,
                               e.expires_at, e.answer_id, 256 + length(a.bytes) + length(a.fields),
                               0.05 + a.upstream_ms / 1000.0
                                   + coalesce(a.prompt_tokens + 4.0 * a.completion_tokens, length(a.bytes) / 4.0) / 1000,
                               iif(e.vector IS NULL, NULL, e.fingerprint_id), 0
                        FROM entries e JOIN answers a ON a.id = e.answer_id;
                    DROP TABLE entries;
                    ALTER TABLE outlines RENAME TO entries;
                    CREATE INDEX entries_by_answer ON entries (answer_id);
                    """)
        }
        migrator.registerMigration("3 what the provider had cached") { database in
            // How much of the prompt was billed at the lower price. Rows of before do not say.
            try database.execute(sql: "ALTER TABLE answers ADD COLUMN cached_prompt_tokens INTEGER")
        }
        migrator.registerMigration("4 what the shared tier has") { database in
            // `EntrySharing`. What rows of before say was made here, and no engine has it.
            try database.execute(sql: "ALTER TABLE entries ADD COLUMN shared INTEGER NOT NULL DEFAULT 0")
        }
        return migrator
    }
}
