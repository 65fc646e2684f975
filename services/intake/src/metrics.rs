//! What intake measures.

use metrics::{counter, describe_counter};

const REPORTS_ACCEPTED: &str = "nrwdirekt_reports_accepted_total";
const REPORTS_FLAGGED: &str = "nrwdirekt_reports_flagged_total";
const ITEMS_REJECTED: &str = "nrwdirekt_items_rejected_total";
const BATCHES_REFUSED: &str = "nrwdirekt_batches_refused_total";

/// Describes the metrics to whatever exports them.
pub fn describe() {
    describe_counter!(
        REPORTS_ACCEPTED,
        "Reports about calls that are durable on the bus"
    );
    describe_counter!(REPORTS_FLAGGED, "Accepted reports with a doubtful value");
    describe_counter!(
        ITEMS_REJECTED,
        "Items that can never be counted, kept with their reason"
    );
    describe_counter!(
        BATCHES_REFUSED,
        "Batches refused as a whole: to be sent again or corrected"
    );
}

pub(crate) fn accepted(reports: u32, flagged: u32) {
    counter!(REPORTS_ACCEPTED).increment(u64::from(reports));
    counter!(REPORTS_FLAGGED).increment(u64::from(flagged));
}

pub(crate) fn rejected(items: usize) {
    counter!(ITEMS_REJECTED).increment(items as u64);
}

pub(crate) fn refused() {
    counter!(BATCHES_REFUSED).increment(1);
}
