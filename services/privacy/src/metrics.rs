//! What backups and erasures measure.

use chrono::TimeDelta;
use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::erasure::Measured;

const AGE: &str = "nrwdirekt_backup_age_seconds";
const BYTES: &str = "nrwdirekt_backup_bytes";
const DURATION: &str = "nrwdirekt_backup_duration_seconds";
const FAILED: &str = "nrwdirekt_backups_failed_total";
const ERASURES: &str = "nrwdirekt_erasures_open";
const ERASURE_AGE: &str = "nrwdirekt_erasure_oldest_age_seconds";
const ERASURES_OVERDUE: &str = "nrwdirekt_erasure_places_overdue";
const ERASURES_FAILED: &str = "nrwdirekt_erasure_passes_failed_total";

/// Describes the metrics to whatever exports them.
pub fn describe() {
    describe_gauge!(
        AGE,
        "Since the state of the newest backup was taken; without any, since this node began to look for one. Only where a recipient is configured"
    );
    describe_gauge!(BYTES, "How long the newest backup is");
    describe_gauge!(DURATION, "How long it took to make the last backup of this node");
    describe_counter!(FAILED, "Backups that could not be made");
    counter!(FAILED).absolute(0);
    describe_gauge!(ERASURES, "Orders to erase that are not through at every place");
    describe_gauge!(
        ERASURE_AGE,
        "Since when the oldest of them is, or the oldest other deletion whose bytes are still in the files of the store; 0 without any"
    );
    describe_gauge!(
        ERASURES_OVERDUE,
        "Places of orders to erase, and units of the store with bytes of other deletions, that are not clean although privacy.erasure_bound_s has passed"
    );
    describe_counter!(
        ERASURES_FAILED,
        "Passes over open orders to erase in which something could not be done; it is done again"
    );
    counter!(ERASURES_FAILED).absolute(0);
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
pub(crate) fn newest(age: TimeDelta, bytes: Option<u64>) {
    gauge!(AGE).set(age.num_milliseconds() as f64 / 1000.0);
    if let Some(bytes) = bytes {
        gauge!(BYTES).set(bytes as f64);
    }
}

pub(crate) fn made(took: std::time::Duration) {
    gauge!(DURATION).set(took.as_secs_f64());
}

pub(crate) fn failed() {
    counter!(FAILED).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
pub(crate) fn erasures(measured: Measured) {
    gauge!(ERASURES).set(measured.open as f64);
    gauge!(ERASURE_AGE).set(measured.oldest.num_milliseconds() as f64 / 1000.0);
    gauge!(ERASURES_OVERDUE).set(measured.overdue as f64);
}

pub(crate) fn erasure_failed() {
    counter!(ERASURES_FAILED).increment(1);
}
