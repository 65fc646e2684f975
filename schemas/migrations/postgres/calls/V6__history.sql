-- Counts for reports over any period: all hotlines together, rows that are settled, what has moved since, and what was
-- sealed.

-- Hotline 0 is all hotlines together: what is added to a hotline's row is added to the row of hotline 0 too.
INSERT INTO interval_counts
    (interval, hotline_id, task_type, shard,
     contacts, not_offered_abandoned_before_queue, not_offered_busy, not_offered_out_of_hours,
     not_offered_no_answer, not_offered_failed, offered, answered, abandoned, overflowed, diverted, unresolved,
     waiting, answered_without_time, abandoned_without_time, time_to_answer_ms, time_to_abandon_ms, wait_ms,
     ring_ms, talk_ms, hold_ms, after_call_work_ms, consults, consult_connections, consult_talk_ms, transfers,
     overflowed_in, network_overflows, voice_messages, callbacks_logged, answered_with_ticket, outbound_placed,
     outbound_reached, outbound_busy, outbound_no_answer, outbound_failed, outbound_talk_ms, dialer_placed,
     dialer_reached, longest_time_to_answer_ms, longest_time_to_abandon_ms)
SELECT interval, 0, task_type, shard,
    sum(contacts), sum(not_offered_abandoned_before_queue), sum(not_offered_busy), sum(not_offered_out_of_hours),
    sum(not_offered_no_answer), sum(not_offered_failed), sum(offered), sum(answered), sum(abandoned),
    sum(overflowed), sum(diverted), sum(unresolved), sum(waiting), sum(answered_without_time),
    sum(abandoned_without_time), sum(time_to_answer_ms), sum(time_to_abandon_ms), sum(wait_ms), sum(ring_ms),
    sum(talk_ms), sum(hold_ms), sum(after_call_work_ms), sum(consults), sum(consult_connections),
    sum(consult_talk_ms), sum(transfers), sum(overflowed_in), sum(network_overflows), sum(voice_messages),
    sum(callbacks_logged), sum(answered_with_ticket), sum(outbound_placed), sum(outbound_reached),
    sum(outbound_busy), sum(outbound_no_answer), sum(outbound_failed), sum(outbound_talk_ms), sum(dialer_placed),
    sum(dialer_reached), max(longest_time_to_answer_ms), max(longest_time_to_abandon_ms)
FROM interval_counts GROUP BY interval, task_type, shard;
INSERT INTO interval_histograms (interval, hotline_id, task_type, kind, bin, shard, visits)
SELECT interval, 0, task_type, kind, bin, shard, sum(visits)
FROM interval_histograms GROUP BY interval, task_type, kind, bin, shard;
INSERT INTO day_counts
    (day, hotline_id, task_type, shard,
     contacts, not_offered_abandoned_before_queue, not_offered_busy, not_offered_out_of_hours,
     not_offered_no_answer, not_offered_failed, offered, answered, abandoned, overflowed, diverted, unresolved,
     waiting, answered_without_time, abandoned_without_time, time_to_answer_ms, time_to_abandon_ms, wait_ms,
     ring_ms, talk_ms, hold_ms, after_call_work_ms, consults, consult_connections, consult_talk_ms, transfers,
     overflowed_in, network_overflows, voice_messages, callbacks_logged, answered_with_ticket, outbound_placed,
     outbound_reached, outbound_busy, outbound_no_answer, outbound_failed, outbound_talk_ms, dialer_placed,
     dialer_reached, longest_time_to_answer_ms, longest_time_to_abandon_ms)
SELECT day, 0, task_type, shard,
    sum(contacts), sum(not_offered_abandoned_before_queue), sum(not_offered_busy), sum(not_offered_out_of_hours),
    sum(not_offered_no_answer), sum(not_offered_failed), sum(offered), sum(answered), sum(abandoned),
    sum(overflowed), sum(diverted), sum(unresolved), sum(waiting), sum(answered_without_time),
    sum(abandoned_without_time), sum(time_to_answer_ms), sum(time_to_abandon_ms), sum(wait_ms), sum(ring_ms),
    sum(talk_ms), sum(hold_ms), sum(after_call_work_ms), sum(consults), sum(consult_connections),
    sum(consult_talk_ms), sum(transfers), sum(overflowed_in), sum(network_overflows), sum(voice_messages),
    sum(callbacks_logged), sum(answered_with_ticket), sum(outbound_placed), sum(outbound_reached),
    sum(outbound_busy), sum(outbound_no_answer), sum(outbound_failed), sum(outbound_talk_ms), sum(dialer_placed),
    sum(dialer_reached), max(longest_time_to_answer_ms), max(longest_time_to_abandon_ms)
FROM day_counts GROUP BY day, task_type, shard;
INSERT INTO day_histograms (day, hotline_id, task_type, kind, bin, shard, visits)
SELECT day, 0, task_type, kind, bin, shard, sum(visits)
FROM day_histograms GROUP BY day, task_type, kind, bin, shard;

-- Days that are over are settled: the shards of a sum become one row of shard -1, and its histograms one value in it.
ALTER TABLE interval_counts ADD COLUMN histograms bytea;
ALTER TABLE day_counts ADD COLUMN histograms bytea;
CREATE INDEX interval_counts_unsettled ON interval_counts (interval, hotline_id, task_type) WHERE shard >= 0;
CREATE INDEX day_counts_unsettled ON day_counts (day, hotline_id, task_type) WHERE shard >= 0;

-- How each transaction moved the counts of quarter-hours. The revision is the number of the transaction: a snapshot
-- tells exactly which of them it contains, also beside transactions that are under way.
CREATE TABLE count_changes (
    revision      xid8 NOT NULL,
    interval      bigint NOT NULL,
    hotline_id    integer NOT NULL,
    task_type     smallint NOT NULL,
    shard         integer NOT NULL,
    changed_at_ms bigint NOT NULL,
    difference    bytea NOT NULL, -- a packed tally
    PRIMARY KEY (revision, interval, hotline_id, task_type, shard)
);
CREATE INDEX count_changes_by_time ON count_changes (changed_at_ms);

-- Up to which transaction changes were forgotten.
CREATE TABLE figures (
    single boolean PRIMARY KEY CHECK (single),
    pruned xid8 NOT NULL
);
INSERT INTO figures (single, pruned) VALUES (true, '0');

-- Figures of local days as they stood when somebody sealed them. Rows are never changed, and no day is sealed twice.
CREATE TABLE statements (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_day      bigint NOT NULL,
    to_day        bigint NOT NULL, -- exclusive
    sealed_at_ms  bigint NOT NULL,
    sealed_by     text NOT NULL,
    reason        text NOT NULL,
    rules_version bigint,
    policies      text NOT NULL,
    as_of         text NOT NULL,
    figures       bytea NOT NULL,  -- packed sums by day, hotline and task type
    CONSTRAINT statements_apart EXCLUDE USING gist (int8range(from_day, to_day) WITH &&)
);
