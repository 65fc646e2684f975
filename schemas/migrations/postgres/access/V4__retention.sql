-- Runs of retention, as proof of what was deleted when and why. They name nobody.

CREATE TABLE retention_runs (
    run_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at_ms  bigint NOT NULL,
    -- A user, a token, or the system by itself.
    started_by     text NOT NULL,
    finished_at_ms bigint, -- NULL: it is to be gone on with
    -- JSON list: rule, period and what went.
    outcome        text NOT NULL DEFAULT '[]'
);

-- Where the audit trail begins since its beginning was cut: the last entry that was cut, which the next one is chained to.
CREATE TABLE audit_anchor (
    is_anchor boolean PRIMARY KEY DEFAULT true CHECK (is_anchor),
    number    bigint NOT NULL,
    hash      bytea NOT NULL,
    cut_at_ms bigint NOT NULL
);

-- What each run of retention has deleted here, counted in the transaction that deletes it.
CREATE TABLE retention_access_tallies (
    run_id bigint NOT NULL,
    what   text NOT NULL,
    items  bigint NOT NULL,
    PRIMARY KEY (run_id, what)
);
