-- Calls are found by the number of their caller in any spelling, and tell the import that first brought them.

CREATE TABLE runs (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

ALTER TABLE calls ADD COLUMN run_id integer;
ALTER TABLE calls ADD COLUMN caller_key text; -- the caller free of spelling; null without one, or withheld
CREATE INDEX calls_by_caller ON calls (caller_key) WHERE caller_key IS NOT NULL;

-- Columns that are still to be filled for rows written before they were there; `up` does so after the migration.
CREATE TABLE backfills (
    name text PRIMARY KEY
);
INSERT INTO backfills (name) VALUES ('caller_key');
