-- What agents do. The same report again is the same row.
CREATE TABLE agent_states (
    agent          TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    hotline        TEXT NOT NULL, -- empty: everywhere
    state          INTEGER NOT NULL,
    source         TEXT NOT NULL,
    reason         TEXT,
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (agent, at_ms, hotline, state, source)
) WITHOUT ROWID;
CREATE INDEX agent_states_by_time ON agent_states (at_ms);

-- Counted are reports that told something new: a call has several events.
ALTER TABLE import_runs RENAME COLUMN new_calls TO new_reports;
