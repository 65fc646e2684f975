//! What the ledger measures.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use store::calls::Applied;

const NEW_CALLS: &str = "nrwdirekt_ledger_new_calls_total";
const CHANGED_CALLS: &str = "nrwdirekt_ledger_changed_calls_total";
const REPEATED_REPORTS: &str = "nrwdirekt_ledger_repeated_reports_total";
const UNREADABLE_MESSAGES: &str = "nrwdirekt_ledger_unreadable_messages_total";
const REPORTS_LOST: &str = "nrwdirekt_ledger_reports_lost_total";
const GIVEN_UP_CALLS: &str = "nrwdirekt_ledger_given_up_calls_total";
const SETTLED_SUMS: &str = "nrwdirekt_ledger_settled_sums_total";
const BATCH_SECONDS: &str = "nrwdirekt_ledger_batch_seconds";
const REJECTED_ITEMS: &str = "nrwdirekt_rejected_items";
const UNREAD: &str = "nrwdirekt_ledger_unread_messages";
const PUBLISHED_INTERVALS: &str = "nrwdirekt_intervals_published_total";
const INTERVAL_FAILURES: &str = "nrwdirekt_intervals_failures_total";
const IMBALANCED_ROWS: &str = "nrwdirekt_ledger_imbalanced_rows";

/// Describes the metrics to whatever exports them.
pub fn describe() {
    describe_counter!(NEW_CALLS, "Calls first counted");
    describe_counter!(CHANGED_CALLS, "Counted calls that something new was told about");
    describe_counter!(REPEATED_REPORTS, "Reports that told nothing new");
    describe_counter!(
        UNREADABLE_MESSAGES,
        "Messages on the topic of calls that could not be read; kept as rejected items"
    );
    describe_counter!(
        REPORTS_LOST,
        "Times that the topic of calls had lost the position of a partition"
    );
    describe_counter!(GIVEN_UP_CALLS, "Calls whose end was given up at the horizon");
    describe_counter!(
        SETTLED_SUMS,
        "Sums of a period, hotline and task type that were settled: their shards became one row"
    );
    describe_histogram!(BATCH_SECONDS, "Time to apply a batch, in seconds");
    describe_counter!(
        PUBLISHED_INTERVALS,
        "Messages published on the topic of intervals, by kind: state or tombstone"
    );
    describe_counter!(
        INTERVAL_FAILURES,
        "Times that intervals could not be published and were left for later"
    );
    describe_gauge!(
        REJECTED_ITEMS,
        "Items that could not be counted and are neither repaired nor discarded, by source"
    );
    describe_gauge!(
        UNREAD,
        "Places on the topic of calls that the figures have not reached; on Kafka the last of a partition may be marks that nobody reads"
    );
    describe_gauge!(
        IMBALANCED_ROWS,
        "Rows of counts whose outcomes do not add up; must stay zero"
    );
}

pub(crate) fn applied(applied: Applied, seconds: f64) {
    counter!(NEW_CALLS).increment(applied.new_calls as u64);
    counter!(CHANGED_CALLS).increment(applied.changed_calls as u64);
    counter!(REPEATED_REPORTS).increment(applied.repeated as u64);
    histogram!(BATCH_SECONDS).record(seconds);
}

pub(crate) fn unreadable(messages: usize) {
    counter!(UNREADABLE_MESSAGES).increment(messages as u64);
}

pub(crate) fn reports_lost() {
    counter!(REPORTS_LOST).increment(1);
}

pub(crate) fn given_up(calls: usize) {
    counter!(GIVEN_UP_CALLS).increment(calls as u64);
}

pub(crate) fn settled(sums: usize) {
    counter!(SETTLED_SUMS).increment(sums as u64);
}

pub(crate) fn intervals_published(states: usize, tombstones: usize) {
    counter!(PUBLISHED_INTERVALS, "kind" => "state").increment(states as u64);
    counter!(PUBLISHED_INTERVALS, "kind" => "tombstone").increment(tombstones as u64);
}

pub(crate) fn intervals_failed() {
    counter!(INTERVAL_FAILURES).increment(1);
}

pub(crate) fn rejected_items(source: &str, items: i64) {
    gauge!(REJECTED_ITEMS, "source" => source.to_owned()).set(items as f64);
}

pub(crate) fn unread(messages: i64) {
    gauge!(UNREAD).set(messages as f64);
}

pub(crate) fn imbalance(rows: i64) {
    gauge!(IMBALANCED_ROWS).set(rows as f64);
}
