//! `[tickets]`.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketsSection {
    pub(crate) reopen_within_days: u32,
}

/// How long after it was settled a ticket can be reopened.
///
/// # Errors
/// Names the key and the remedy.
pub(super) fn checked(written: &TicketsSection) -> anyhow::Result<TimeDelta> {
    match written.reopen_within_days {
        days @ 1..=3650 => Ok(TimeDelta::days(i64::from(days))),
        _ => Err(Failure::usage("tickets.reopen_within_days: use 1 to 3650")),
    }
}
