//! What backups measure.

use chrono::TimeDelta;
use metrics::{counter, describe_counter, describe_gauge, gauge};

const AGE: &str = "nrwdirekt_backup_age_seconds";
const BYTES: &str = "nrwdirekt_backup_bytes";
const DURATION: &str = "nrwdirekt_backup_duration_seconds";
const FAILED: &str = "nrwdirekt_backups_failed_total";

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
