-- Calls are found by the number of their caller in any spelling, and tell the import that first brought them.

CREATE TABLE runs (
    run_id INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE
);

ALTER TABLE calls ADD COLUMN run_id INTEGER REFERENCES runs (run_id);
ALTER TABLE calls ADD COLUMN caller_key TEXT; -- the caller free of spelling; null without one, or withheld
-- Numbers come in no order: the day before them keeps new entries together on few pages.
CREATE INDEX calls_by_caller ON calls (started_at_ms / 86400000, caller_key) WHERE caller_key IS NOT NULL;

-- Columns that are still to be filled for rows written before they were there; the program does so at its start.
CREATE TABLE backfills (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO backfills (name) VALUES ('caller_key');
