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
        return migrator
    }
}
