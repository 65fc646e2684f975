-- Calls whose time is over are deleted whole. What stays of them tells nobody anything: that their identities were
-- counted, and what the figures need that can no longer be read from their visits.

-- A deleted call under the row that its identity leads to. Rows are never given twice, so that no other call is found.
CREATE TABLE purged_calls (
    call_row  INTEGER PRIMARY KEY,
    identity  BLOB NOT NULL,
    purged_on INTEGER NOT NULL, -- days since 1970
    told      BLOB NOT NULL     -- four bytes of the hash of each report: a repetition is known from news
);
CREATE INDEX purged_calls_by_day ON purged_calls (purged_on);

-- The longest times of deleted visits: a longest time is read again from the visits, when one is retracted.
CREATE TABLE purged_longest (
    hotline_id                 INTEGER NOT NULL,
    interval                   INTEGER NOT NULL,
    task_type                  INTEGER NOT NULL,
    shard                      INTEGER NOT NULL,
    longest_time_to_answer_ms  INTEGER,
    longest_time_to_abandon_ms INTEGER,
    PRIMARY KEY (hotline_id, interval, task_type, shard)
) WITHOUT ROWID;

-- Local days (since 1970) of which calls of a feed were deleted: an import can no longer replace them.
CREATE TABLE purged_days (
    source_id INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    PRIMARY KEY (source_id, day)
) WITHOUT ROWID;

-- What each run of retention has deleted here, counted in the transaction that deletes it.
CREATE TABLE retention_tallies (
    run_id    INTEGER NOT NULL,
    what      TEXT NOT NULL,
    items     INTEGER NOT NULL,
    partition TEXT NOT NULL DEFAULT '', -- of a part of a table that was dropped whole
    PRIMARY KEY (run_id, what, partition)
) WITHOUT ROWID;
