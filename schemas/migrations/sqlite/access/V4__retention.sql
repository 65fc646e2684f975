-- Runs of retention, as proof of what was deleted when and why. They name nobody.

CREATE TABLE retention_runs (
    run_id         INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at_ms  INTEGER NOT NULL,
    -- A user, a token, or the system by itself.
    started_by     TEXT NOT NULL,
    finished_at_ms INTEGER, -- NULL: it is to be gone on with
    -- JSON list: rule, period and what went.
    outcome        TEXT NOT NULL DEFAULT '[]'
);

-- Where the audit trail begins since its beginning was cut: the last entry that was cut, which the next one is chained to.
CREATE TABLE audit_anchor (
    single    INTEGER PRIMARY KEY CHECK (single = 1),
    number    INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    cut_at_ms INTEGER NOT NULL
);

-- What each run of retention has deleted here, counted in the transaction that deletes it.
CREATE TABLE retention_tallies (
    run_id INTEGER NOT NULL,
    what   TEXT NOT NULL,
    items  INTEGER NOT NULL,
    PRIMARY KEY (run_id, what)
) WITHOUT ROWID;
