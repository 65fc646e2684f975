-- Calls whose time is over are deleted whole, a month at a time where everything in it is past. What stays of them tells
-- nobody anything: that their identities were counted, and what the figures need that can no longer be read from their
-- visits.

CREATE TABLE purged_calls (
    identity  uuid PRIMARY KEY,
    purged_on integer NOT NULL, -- days since 1970
    told      bytea NOT NULL    -- four bytes of the hash of each report: a repetition is known from news
);
CREATE INDEX purged_calls_by_day ON purged_calls (purged_on);

-- The longest times of deleted visits: a longest time is read again from the visits, when one is retracted.
CREATE TABLE purged_longest (
    hotline_id                 integer NOT NULL,
    interval                   bigint NOT NULL,
    task_type                  smallint NOT NULL,
    shard                      integer NOT NULL,
    longest_time_to_answer_ms  bigint,
    longest_time_to_abandon_ms bigint,
    PRIMARY KEY (hotline_id, interval, task_type, shard)
);

-- Local days (since 1970) of which calls of a feed were deleted: an import can no longer replace them.
CREATE TABLE purged_days (
    source_id integer NOT NULL,
    day       bigint NOT NULL,
    PRIMARY KEY (source_id, day)
);

-- What each run of retention has deleted here, counted in the transaction that deletes it.
CREATE TABLE retention_call_tallies (
    run_id    bigint NOT NULL,
    what      text NOT NULL,
    items     bigint NOT NULL,
    partition text NOT NULL DEFAULT '', -- of a part of a table that was dropped whole
    PRIMARY KEY (run_id, what, partition)
);
