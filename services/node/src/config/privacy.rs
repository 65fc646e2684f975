//! `[privacy]`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// A year: a longer bound is none.
const BOUND_S_MAX: u64 = 31_536_000;
/// Ten years.
const CONFIRM_DAYS_MAX: u32 = 3650;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivacySection {
    pub(crate) two_persons: bool,
    pub(crate) confirm_within_days: u32,
    pub(crate) erasure_bound_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) erasures_file: Option<PathBuf>,
}

/// How data protection works.
#[derive(Clone, Debug)]
pub(crate) struct Privacy {
    /// The rights of data subjects.
    pub(crate) rights: privacy::RightsSettings,
    /// Within what time an erasure is to be through at every place.
    pub(crate) erasure_bound: Duration,
    /// Where erasures are written down beside backups.
    pub(crate) erasures_file: Option<PathBuf>,
}

/// Checks the section.
///
/// # Errors
/// Names the key and the remedy.
pub(super) fn checked(written: PrivacySection, at: impl Fn(PathBuf) -> PathBuf) -> anyhow::Result<Privacy> {
    if !(1..=CONFIRM_DAYS_MAX).contains(&written.confirm_within_days) {
        return Err(Failure::usage(format!(
            "privacy.confirm_within_days: use 1 to {CONFIRM_DAYS_MAX}"
        )));
    }
    match written.erasure_bound_s {
        1..=BOUND_S_MAX => Ok(Privacy {
            rights: privacy::RightsSettings {
                two_persons: written.two_persons,
                confirm_within_days: written.confirm_within_days,
            },
            erasure_bound: Duration::from_secs(written.erasure_bound_s),
            erasures_file: written.erasures_file.map(at),
        }),
        _ => Err(Failure::usage(format!(
            "privacy.erasure_bound_s: use 1 to {BOUND_S_MAX}"
        ))),
    }
}
