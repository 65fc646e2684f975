-- Restores: the topics of departments may hold what this store does not know, until they were compared.

CREATE TABLE restores (
    restored_at_ms INTEGER PRIMARY KEY,
    made_at_ms     INTEGER NOT NULL, -- when the state was taken
    backup         TEXT NOT NULL
);

-- The restore up to which the topic of a department was compared.
CREATE TABLE checked_topics (
    department     TEXT PRIMARY KEY,
    restored_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
