//! `[privacy]`.

use serde::{Deserialize, Serialize};

use crate::exit::Failure;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivacySection {
    pub(crate) two_persons: bool,
    pub(crate) confirm_within_days: u32,
}

/// How data protection works.
#[derive(Clone, Debug)]
pub(crate) struct Privacy {
    /// The rights of data subjects.
    pub(crate) rights: privacy::RightsSettings,
}

/// Checks the section.
///
/// # Errors
/// Names the key and the remedy.
pub(super) fn checked(written: &PrivacySection) -> anyhow::Result<Privacy> {
    match written.confirm_within_days {
        1..=3650 => Ok(Privacy {
            rights: privacy::RightsSettings {
                two_persons: written.two_persons,
                confirm_within_days: written.confirm_within_days,
            },
        }),
        _ => Err(Failure::usage("privacy.confirm_within_days: use 1 to 3650")),
    }
}
