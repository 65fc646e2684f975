-- What agents do. The same report again is the same row.
CREATE TABLE agent_states (
    agent          text NOT NULL,
    at_ms          bigint NOT NULL,
    hotline        text NOT NULL, -- empty: everywhere
    state          smallint NOT NULL,
    source         text NOT NULL,
    reason         text,
    received_at_ms bigint NOT NULL,
    PRIMARY KEY (agent, at_ms, hotline, state, source)
);
CREATE INDEX agent_states_by_time ON agent_states (at_ms);

-- Counted are reports that told something new: a call has several events.
ALTER TABLE import_runs RENAME COLUMN new_calls TO new_reports;
