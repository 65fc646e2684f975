-- Calls, visits and counts. Times are milliseconds since 1970 in UTC, durations milliseconds.

CREATE TABLE secrets (
    name   TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE sources (
    source_id INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE
);

CREATE TABLE hotlines (
    hotline_id INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE
);

-- Where the ledger goes on reading, by incarnation of the topic.
CREATE TABLE positions (
    topic_id  TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (topic_id, partition)
) WITHOUT ROWID;

CREATE TABLE import_runs (
    run       TEXT PRIMARY KEY,
    new_calls INTEGER NOT NULL,
    flagged   INTEGER NOT NULL
) WITHOUT ROWID;

-- The 24 fields are those of the finished record if there is one (revision is not null), else assembled from events.
CREATE TABLE calls (
    call_row                  INTEGER PRIMARY KEY,
    identity                  BLOB NOT NULL,
    source_id                 INTEGER NOT NULL REFERENCES sources (source_id),
    call_id                   TEXT,
    shard                     INTEGER NOT NULL, -- the partition that its reports come from
    received_at_ms            INTEGER NOT NULL, -- first heard of
    heard_at_ms               INTEGER NOT NULL, -- last heard of
    open                      INTEGER NOT NULL, -- the end has not come yet
    given_up                  INTEGER NOT NULL, -- the horizon passed without an end
    flags                     TEXT,
    revision                  INTEGER,
    started_at_ms             INTEGER,
    task_type                 INTEGER,
    caller                    TEXT,             -- empty: withheld
    dialled_address           TEXT,
    hotline_id                INTEGER REFERENCES hotlines (hotline_id),
    connection_status         INTEGER,
    customer_record_count     INTEGER,
    customer_connection_count INTEGER,
    billable_ms               INTEGER,
    ring_ms                   INTEGER,
    talk_ms                   INTEGER,
    hold_ms                   INTEGER,
    wait_ms                   INTEGER,
    consult_count             INTEGER,
    consult_connection_count  INTEGER,
    consult_talk_ms           INTEGER,
    after_call_work_ms        INTEGER,
    direct_topic_dial         INTEGER,
    external_contact          INTEGER,
    inbound_contact           INTEGER,
    out_cc_contact            INTEGER,
    dialer_contact            INTEGER,
    voice_message_recorded    INTEGER,
    network_overflow_count    INTEGER,
    doubts                    TEXT,             -- JSON: values that count as absent, as delivered
    more                      BLOB              -- zstd of JSON: events, conflicting records, callbacks
);
CREATE UNIQUE INDEX calls_by_identity ON calls (identity);
CREATE INDEX calls_by_time ON calls (started_at_ms);
CREATE INDEX calls_open ON calls (heard_at_ms) WHERE open = 1;

CREATE TABLE visits (
    call_row                 INTEGER NOT NULL REFERENCES calls (call_row) ON DELETE CASCADE,
    ordinal                  INTEGER NOT NULL,
    hotline_id               INTEGER NOT NULL REFERENCES hotlines (hotline_id),
    task_type                INTEGER NOT NULL,
    shard                    INTEGER NOT NULL,
    offered_at_ms            INTEGER NOT NULL,
    outcome                  INTEGER NOT NULL,
    wait_ms                  INTEGER,
    ring_ms                  INTEGER,
    talk_ms                  INTEGER,
    hold_ms                  INTEGER,
    after_call_work_ms       INTEGER,
    consult_count            INTEGER NOT NULL,
    consult_connection_count INTEGER NOT NULL,
    consult_talk_ms          INTEGER NOT NULL,
    transfer_count           INTEGER NOT NULL,
    agent                    TEXT,
    ended_by                 TEXT,
    overflowed_in            INTEGER NOT NULL,
    network_overflow_count   INTEGER NOT NULL,
    voice_message            INTEGER NOT NULL,
    PRIMARY KEY (call_row, ordinal)
) WITHOUT ROWID;
CREATE INDEX visits_by_hotline ON visits (hotline_id, offered_at_ms);
CREATE INDEX visits_waiting ON visits (offered_at_ms) WHERE outcome = 1;

-- Counts of a quarter of an hour (seconds since 1970 / 900) and of a local day (days since 1970). One row a shard:
-- reading adds the shards up; a single one may be negative, a sum never.
CREATE TABLE interval_counts (
    interval                            INTEGER NOT NULL,
    hotline_id                          INTEGER NOT NULL REFERENCES hotlines (hotline_id),
    task_type                           INTEGER NOT NULL,
    shard                               INTEGER NOT NULL,
    contacts                            INTEGER NOT NULL DEFAULT 0,
    not_offered_abandoned_before_queue  INTEGER NOT NULL DEFAULT 0,
    not_offered_busy                    INTEGER NOT NULL DEFAULT 0,
    not_offered_out_of_hours            INTEGER NOT NULL DEFAULT 0,
    not_offered_no_answer               INTEGER NOT NULL DEFAULT 0,
    not_offered_failed                  INTEGER NOT NULL DEFAULT 0,
    offered                             INTEGER NOT NULL DEFAULT 0,
    answered                            INTEGER NOT NULL DEFAULT 0,
    abandoned                           INTEGER NOT NULL DEFAULT 0,
    overflowed                          INTEGER NOT NULL DEFAULT 0,
    diverted                            INTEGER NOT NULL DEFAULT 0,
    unresolved                          INTEGER NOT NULL DEFAULT 0,
    waiting                             INTEGER NOT NULL DEFAULT 0,
    answered_without_time               INTEGER NOT NULL DEFAULT 0,
    abandoned_without_time              INTEGER NOT NULL DEFAULT 0,
    time_to_answer_ms                   INTEGER NOT NULL DEFAULT 0,
    time_to_abandon_ms                  INTEGER NOT NULL DEFAULT 0,
    wait_ms                             INTEGER NOT NULL DEFAULT 0,
    ring_ms                             INTEGER NOT NULL DEFAULT 0,
    talk_ms                             INTEGER NOT NULL DEFAULT 0,
    hold_ms                             INTEGER NOT NULL DEFAULT 0,
    after_call_work_ms                  INTEGER NOT NULL DEFAULT 0,
    consults                            INTEGER NOT NULL DEFAULT 0,
    consult_connections                 INTEGER NOT NULL DEFAULT 0,
    consult_talk_ms                     INTEGER NOT NULL DEFAULT 0,
    transfers                           INTEGER NOT NULL DEFAULT 0,
    overflowed_in                       INTEGER NOT NULL DEFAULT 0,
    network_overflows                   INTEGER NOT NULL DEFAULT 0,
    voice_messages                      INTEGER NOT NULL DEFAULT 0,
    callbacks_logged                    INTEGER NOT NULL DEFAULT 0,
    answered_with_ticket                INTEGER NOT NULL DEFAULT 0,
    outbound_placed                     INTEGER NOT NULL DEFAULT 0,
    outbound_reached                    INTEGER NOT NULL DEFAULT 0,
    outbound_busy                       INTEGER NOT NULL DEFAULT 0,
    outbound_no_answer                  INTEGER NOT NULL DEFAULT 0,
    outbound_failed                     INTEGER NOT NULL DEFAULT 0,
    outbound_talk_ms                    INTEGER NOT NULL DEFAULT 0,
    dialer_placed                       INTEGER NOT NULL DEFAULT 0,
    dialer_reached                      INTEGER NOT NULL DEFAULT 0,
    longest_time_to_answer_ms           INTEGER,
    longest_time_to_abandon_ms          INTEGER,
    PRIMARY KEY (interval, hotline_id, task_type, shard)
) WITHOUT ROWID;

CREATE TABLE interval_histograms (
    interval    INTEGER NOT NULL,
    hotline_id  INTEGER NOT NULL REFERENCES hotlines (hotline_id),
    task_type   INTEGER NOT NULL,
    kind        INTEGER NOT NULL, -- 1 time to answer, 2 time to abandon
    bin         INTEGER NOT NULL, -- upper edge in seconds; 32767 above the last
    shard       INTEGER NOT NULL,
    visits      INTEGER NOT NULL,
    PRIMARY KEY (interval, hotline_id, task_type, kind, bin, shard)
) WITHOUT ROWID;

CREATE TABLE day_counts (
    day                                 INTEGER NOT NULL,
    hotline_id                          INTEGER NOT NULL REFERENCES hotlines (hotline_id),
    task_type                           INTEGER NOT NULL,
    shard                               INTEGER NOT NULL,
    contacts                            INTEGER NOT NULL DEFAULT 0,
    not_offered_abandoned_before_queue  INTEGER NOT NULL DEFAULT 0,
    not_offered_busy                    INTEGER NOT NULL DEFAULT 0,
    not_offered_out_of_hours            INTEGER NOT NULL DEFAULT 0,
    not_offered_no_answer               INTEGER NOT NULL DEFAULT 0,
    not_offered_failed                  INTEGER NOT NULL DEFAULT 0,
    offered                             INTEGER NOT NULL DEFAULT 0,
    answered                            INTEGER NOT NULL DEFAULT 0,
    abandoned                           INTEGER NOT NULL DEFAULT 0,
    overflowed                          INTEGER NOT NULL DEFAULT 0,
    diverted                            INTEGER NOT NULL DEFAULT 0,
    unresolved                          INTEGER NOT NULL DEFAULT 0,
    waiting                             INTEGER NOT NULL DEFAULT 0,
    answered_without_time               INTEGER NOT NULL DEFAULT 0,
    abandoned_without_time              INTEGER NOT NULL DEFAULT 0,
    time_to_answer_ms                   INTEGER NOT NULL DEFAULT 0,
    time_to_abandon_ms                  INTEGER NOT NULL DEFAULT 0,
    wait_ms                             INTEGER NOT NULL DEFAULT 0,
    ring_ms                             INTEGER NOT NULL DEFAULT 0,
    talk_ms                             INTEGER NOT NULL DEFAULT 0,
    hold_ms                             INTEGER NOT NULL DEFAULT 0,
    after_call_work_ms                  INTEGER NOT NULL DEFAULT 0,
    consults                            INTEGER NOT NULL DEFAULT 0,
    consult_connections                 INTEGER NOT NULL DEFAULT 0,
    consult_talk_ms                     INTEGER NOT NULL DEFAULT 0,
    transfers                           INTEGER NOT NULL DEFAULT 0,
    overflowed_in                       INTEGER NOT NULL DEFAULT 0,
    network_overflows                   INTEGER NOT NULL DEFAULT 0,
    voice_messages                      INTEGER NOT NULL DEFAULT 0,
    callbacks_logged                    INTEGER NOT NULL DEFAULT 0,
    answered_with_ticket                INTEGER NOT NULL DEFAULT 0,
    outbound_placed                     INTEGER NOT NULL DEFAULT 0,
    outbound_reached                    INTEGER NOT NULL DEFAULT 0,
    outbound_busy                       INTEGER NOT NULL DEFAULT 0,
    outbound_no_answer                  INTEGER NOT NULL DEFAULT 0,
    outbound_failed                     INTEGER NOT NULL DEFAULT 0,
    outbound_talk_ms                    INTEGER NOT NULL DEFAULT 0,
    dialer_placed                       INTEGER NOT NULL DEFAULT 0,
    dialer_reached                      INTEGER NOT NULL DEFAULT 0,
    longest_time_to_answer_ms           INTEGER,
    longest_time_to_abandon_ms          INTEGER,
    PRIMARY KEY (day, hotline_id, task_type, shard)
) WITHOUT ROWID;

CREATE TABLE day_histograms (
    day         INTEGER NOT NULL,
    hotline_id  INTEGER NOT NULL REFERENCES hotlines (hotline_id),
    task_type   INTEGER NOT NULL,
    kind        INTEGER NOT NULL, -- 1 time to answer, 2 time to abandon
    bin         INTEGER NOT NULL, -- upper edge in seconds; 32767 above the last
    shard       INTEGER NOT NULL,
    visits      INTEGER NOT NULL,
    PRIMARY KEY (day, hotline_id, task_type, kind, bin, shard)
) WITHOUT ROWID;

CREATE TABLE rejected_items (
    id             BLOB PRIMARY KEY,
    source         TEXT NOT NULL,
    run            TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    position       TEXT NOT NULL,
    field          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    payload        BLOB NOT NULL
);
CREATE INDEX rejected_by_time ON rejected_items (received_at_ms, id);
