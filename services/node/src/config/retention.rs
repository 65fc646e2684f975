//! `[retention]`.

use chrono::NaiveTime;
use domain::procedure::Period;
use privacy::RetentionSettings;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionSection {
    pub(crate) at: String,
    pub(crate) audit_days: u32,
    pub(crate) identity_years: u32,
    pub(crate) rejected_days: u32,
}

/// When retention runs, and how long is kept what the register does not name.
///
/// # Errors
/// Names the key and the remedy.
pub(super) fn checked(written: &RetentionSection) -> anyhow::Result<RetentionSettings> {
    let at = match written.at.trim() {
        "" => None,
        text => Some(NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| {
            Failure::usage(
                "retention.at: use a local time as 03:30, or leave it empty: then nothing runs by itself",
            )
        })?),
    };
    for (key, value, most) in [
        ("audit_days", written.audit_days, 36_500),
        ("identity_years", written.identity_years, 100),
        ("rejected_days", written.rejected_days, 36_500),
    ] {
        if !(1..=most).contains(&value) {
            return Err(Failure::usage(format!("retention.{key}: use 1 to {most}")));
        }
    }
    Ok(RetentionSettings {
        instance: uuid::Uuid::new_v4().to_string(),
        at,
        audit: Period::Days(written.audit_days),
        identities: Period::Years(written.identity_years),
        rejected: Period::Days(written.rejected_days),
    })
}
