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
    pub(crate) identity_years: u32,
}

/// When retention runs, and how long is kept what the register does not name.
///
/// # Errors
/// Names the key and the remedy.
pub(super) fn checked(
    written: &RetentionSection,
    agents_kept_days: u32,
) -> anyhow::Result<RetentionSettings> {
    let at = match written.at.trim() {
        "" => None,
        text => Some(NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| {
            Failure::usage(
                "retention.at: use a local time as 03:30, or leave it empty: then nothing runs by itself",
            )
        })?),
    };
    if !(1..=100).contains(&written.identity_years) {
        return Err(Failure::usage("retention.identity_years: use 1 to 100"));
    }
    Ok(RetentionSettings {
        instance: uuid::Uuid::new_v4().to_string(),
        at,
        agents: Period::Days(agents_kept_days),
        identities: Period::Years(written.identity_years),
    })
}
