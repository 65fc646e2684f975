-- Calls, visits and counts. Times are milliseconds since 1970 in UTC, durations milliseconds.
--
-- No foreign keys: names are only ever added, calls and visits of a month are dropped together, and a check for each
-- row would make instances wait for each other on the rows of busy hotlines.

CREATE TABLE secrets (
    name   text PRIMARY KEY,
    secret bytea NOT NULL
);

CREATE TABLE sources (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE hotlines (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- Where the ledger goes on reading, by incarnation of the topic. Whoever holds the row applies the partition.
CREATE TABLE positions (
    topic_id  text NOT NULL,
    partition integer NOT NULL,
    position  bigint NOT NULL,
    PRIMARY KEY (topic_id, partition)
) WITH (fillfactor = 50);

-- One row a shard, so that instances that apply one import do not wait for each other.
CREATE TABLE import_runs (
    run       text NOT NULL,
    shard     integer NOT NULL,
    new_calls bigint NOT NULL,
    flagged   bigint NOT NULL,
    PRIMARY KEY (run, shard)
) WITH (fillfactor = 70);

-- Which call is where. A unique key across partitions does not exist: this table is that key, it outlives the calls,
-- and its rows are the locks of the calls. The month is fixed when a call is first heard of.
CREATE SEQUENCE call_rows;
CREATE TABLE identities (
    identity uuid PRIMARY KEY,
    month    integer NOT NULL,
    call_row bigint NOT NULL DEFAULT nextval('call_rows')
);

-- The months that calls and visits have partitions for: calls_202410 and visits_202410 for 202410.
CREATE TABLE partitions (
    month integer PRIMARY KEY
);

-- The 24 fields are those of the finished record if there is one (revision is not null), else assembled from events.
CREATE TABLE calls (
    month                     integer NOT NULL,
    call_row                  bigint NOT NULL,
    identity                  uuid NOT NULL,
    source_id                 integer NOT NULL,
    call_id                   text,
    shard                     integer NOT NULL, -- the partition that its reports come from
    received_at_ms            bigint NOT NULL,  -- first heard of
    heard_at_ms               bigint NOT NULL,  -- last heard of
    open                      boolean NOT NULL, -- the end has not come yet
    given_up                  boolean NOT NULL, -- the horizon passed without an end
    flags                     text,
    revision                  bigint,
    started_at_ms             bigint,
    task_type                 smallint,
    caller                    text,             -- empty: withheld
    dialled_address           text,
    hotline_id                integer,
    connection_status         smallint,
    customer_record_count     bigint,
    customer_connection_count bigint,
    billable_ms               bigint,
    ring_ms                   bigint,
    talk_ms                   bigint,
    hold_ms                   bigint,
    wait_ms                   bigint,
    consult_count             bigint,
    consult_connection_count  bigint,
    consult_talk_ms           bigint,
    after_call_work_ms        bigint,
    direct_topic_dial         boolean,
    external_contact          boolean,
    inbound_contact           boolean,
    out_cc_contact            boolean,
    dialer_contact            boolean,
    voice_message_recorded    boolean,
    network_overflow_count    bigint,
    doubts                    text,             -- JSON: values that count as absent, as delivered
    more                      bytea,            -- zstd of JSON: events, conflicting records, callbacks
    PRIMARY KEY (month, call_row)
) PARTITION BY LIST (month);
CREATE INDEX calls_by_time ON calls (started_at_ms);
CREATE INDEX calls_open ON calls (heard_at_ms) WHERE open;

CREATE TABLE visits (
    month                     integer NOT NULL,
    call_row                  bigint NOT NULL,
    ordinal                   integer NOT NULL,
    hotline_id                integer NOT NULL,
    task_type                 smallint NOT NULL,
    shard                     integer NOT NULL,
    offered_at_ms             bigint NOT NULL,
    outcome                   smallint NOT NULL,
    wait_ms                   bigint,
    ring_ms                   bigint,
    talk_ms                   bigint,
    hold_ms                   bigint,
    after_call_work_ms        bigint,
    consult_count             bigint NOT NULL,
    consult_connection_count  bigint NOT NULL,
    consult_talk_ms           bigint NOT NULL,
    transfer_count            bigint NOT NULL,
    agent                     text,
    ended_by                  text,
    overflowed_in             boolean NOT NULL,
    network_overflow_count    bigint NOT NULL,
    voice_message             boolean NOT NULL,
    PRIMARY KEY (month, call_row, ordinal)
) PARTITION BY LIST (month);
CREATE INDEX visits_by_hotline ON visits (hotline_id, offered_at_ms);
CREATE INDEX visits_waiting ON visits (offered_at_ms) WHERE outcome = 1;

-- Counts of a quarter of an hour (seconds since 1970 / 900) and of a local day (days since 1970). One row a shard:
-- reading adds the shards up; a single one may be negative, a sum never. Pages keep room for updates in place.
CREATE TABLE interval_counts (
    interval                            bigint NOT NULL,
    hotline_id                          integer NOT NULL,
    task_type                           smallint NOT NULL,
    shard                               integer NOT NULL,
    contacts                            bigint NOT NULL DEFAULT 0,
    not_offered_abandoned_before_queue  bigint NOT NULL DEFAULT 0,
    not_offered_busy                    bigint NOT NULL DEFAULT 0,
    not_offered_out_of_hours            bigint NOT NULL DEFAULT 0,
    not_offered_no_answer               bigint NOT NULL DEFAULT 0,
    not_offered_failed                  bigint NOT NULL DEFAULT 0,
    offered                             bigint NOT NULL DEFAULT 0,
    answered                            bigint NOT NULL DEFAULT 0,
    abandoned                           bigint NOT NULL DEFAULT 0,
    overflowed                          bigint NOT NULL DEFAULT 0,
    diverted                            bigint NOT NULL DEFAULT 0,
    unresolved                          bigint NOT NULL DEFAULT 0,
    waiting                             bigint NOT NULL DEFAULT 0,
    answered_without_time               bigint NOT NULL DEFAULT 0,
    abandoned_without_time              bigint NOT NULL DEFAULT 0,
    time_to_answer_ms                   bigint NOT NULL DEFAULT 0,
    time_to_abandon_ms                  bigint NOT NULL DEFAULT 0,
    wait_ms                             bigint NOT NULL DEFAULT 0,
    ring_ms                             bigint NOT NULL DEFAULT 0,
    talk_ms                             bigint NOT NULL DEFAULT 0,
    hold_ms                             bigint NOT NULL DEFAULT 0,
    after_call_work_ms                  bigint NOT NULL DEFAULT 0,
    consults                            bigint NOT NULL DEFAULT 0,
    consult_connections                 bigint NOT NULL DEFAULT 0,
    consult_talk_ms                     bigint NOT NULL DEFAULT 0,
    transfers                           bigint NOT NULL DEFAULT 0,
    overflowed_in                       bigint NOT NULL DEFAULT 0,
    network_overflows                   bigint NOT NULL DEFAULT 0,
    voice_messages                      bigint NOT NULL DEFAULT 0,
    callbacks_logged                    bigint NOT NULL DEFAULT 0,
    answered_with_ticket                bigint NOT NULL DEFAULT 0,
    outbound_placed                     bigint NOT NULL DEFAULT 0,
    outbound_reached                    bigint NOT NULL DEFAULT 0,
    outbound_busy                       bigint NOT NULL DEFAULT 0,
    outbound_no_answer                  bigint NOT NULL DEFAULT 0,
    outbound_failed                     bigint NOT NULL DEFAULT 0,
    outbound_talk_ms                    bigint NOT NULL DEFAULT 0,
    dialer_placed                       bigint NOT NULL DEFAULT 0,
    dialer_reached                      bigint NOT NULL DEFAULT 0,
    longest_time_to_answer_ms           bigint,
    longest_time_to_abandon_ms          bigint,
    PRIMARY KEY (interval, hotline_id, task_type, shard)
) WITH (fillfactor = 70);

CREATE TABLE interval_histograms (
    interval   bigint NOT NULL,
    hotline_id integer NOT NULL,
    task_type  smallint NOT NULL,
    kind       smallint NOT NULL, -- 1 time to answer, 2 time to abandon
    bin        smallint NOT NULL, -- upper edge in seconds; 32767 above the last
    shard      integer NOT NULL,
    visits     bigint NOT NULL,
    PRIMARY KEY (interval, hotline_id, task_type, kind, bin, shard)
) WITH (fillfactor = 70);

CREATE TABLE day_counts (
    day                                 bigint NOT NULL,
    hotline_id                          integer NOT NULL,
    task_type                           smallint NOT NULL,
    shard                               integer NOT NULL,
    contacts                            bigint NOT NULL DEFAULT 0,
    not_offered_abandoned_before_queue  bigint NOT NULL DEFAULT 0,
    not_offered_busy                    bigint NOT NULL DEFAULT 0,
    not_offered_out_of_hours            bigint NOT NULL DEFAULT 0,
    not_offered_no_answer               bigint NOT NULL DEFAULT 0,
    not_offered_failed                  bigint NOT NULL DEFAULT 0,
    offered                             bigint NOT NULL DEFAULT 0,
    answered                            bigint NOT NULL DEFAULT 0,
    abandoned                           bigint NOT NULL DEFAULT 0,
    overflowed                          bigint NOT NULL DEFAULT 0,
    diverted                            bigint NOT NULL DEFAULT 0,
    unresolved                          bigint NOT NULL DEFAULT 0,
    waiting                             bigint NOT NULL DEFAULT 0,
    answered_without_time               bigint NOT NULL DEFAULT 0,
    abandoned_without_time              bigint NOT NULL DEFAULT 0,
    time_to_answer_ms                   bigint NOT NULL DEFAULT 0,
    time_to_abandon_ms                  bigint NOT NULL DEFAULT 0,
    wait_ms                             bigint NOT NULL DEFAULT 0,
    ring_ms                             bigint NOT NULL DEFAULT 0,
    talk_ms                             bigint NOT NULL DEFAULT 0,
    hold_ms                             bigint NOT NULL DEFAULT 0,
    after_call_work_ms                  bigint NOT NULL DEFAULT 0,
    consults                            bigint NOT NULL DEFAULT 0,
    consult_connections                 bigint NOT NULL DEFAULT 0,
    consult_talk_ms                     bigint NOT NULL DEFAULT 0,
    transfers                           bigint NOT NULL DEFAULT 0,
    overflowed_in                       bigint NOT NULL DEFAULT 0,
    network_overflows                   bigint NOT NULL DEFAULT 0,
    voice_messages                      bigint NOT NULL DEFAULT 0,
    callbacks_logged                    bigint NOT NULL DEFAULT 0,
    answered_with_ticket                bigint NOT NULL DEFAULT 0,
    outbound_placed                     bigint NOT NULL DEFAULT 0,
    outbound_reached                    bigint NOT NULL DEFAULT 0,
    outbound_busy                       bigint NOT NULL DEFAULT 0,
    outbound_no_answer                  bigint NOT NULL DEFAULT 0,
    outbound_failed                     bigint NOT NULL DEFAULT 0,
    outbound_talk_ms                    bigint NOT NULL DEFAULT 0,
    dialer_placed                       bigint NOT NULL DEFAULT 0,
    dialer_reached                      bigint NOT NULL DEFAULT 0,
    longest_time_to_answer_ms           bigint,
    longest_time_to_abandon_ms          bigint,
    PRIMARY KEY (day, hotline_id, task_type, shard)
) WITH (fillfactor = 70);

CREATE TABLE day_histograms (
    day        bigint NOT NULL,
    hotline_id integer NOT NULL,
    task_type  smallint NOT NULL,
    kind       smallint NOT NULL, -- 1 time to answer, 2 time to abandon
    bin        smallint NOT NULL, -- upper edge in seconds; 32767 above the last
    shard      integer NOT NULL,
    visits     bigint NOT NULL,
    PRIMARY KEY (day, hotline_id, task_type, kind, bin, shard)
) WITH (fillfactor = 70);

CREATE TABLE rejected_items (
    id             uuid PRIMARY KEY,
    source         text NOT NULL,
    run            text NOT NULL,
    received_at_ms bigint NOT NULL,
    position       text NOT NULL,
    field          text NOT NULL,
    reason         text NOT NULL,
    payload        bytea NOT NULL
);
CREATE INDEX rejected_by_time ON rejected_items (received_at_ms, id);
