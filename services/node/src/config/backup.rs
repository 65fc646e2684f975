//! `[backup]`: when backups are taken, for whom they are encrypted, and how long they are kept.

use std::path::{Path, PathBuf};

use backup::Recipient;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// The section as it is written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recipient: Option<String>,
    pub(crate) every_hours: u32,
    pub(crate) kept_days: u32,
}

/// The section, checked.
#[derive(Clone)]
pub(crate) struct BackupConfig {
    folder: Option<PathBuf>,
    /// For whom backups are encrypted; without anybody none is taken.
    pub(crate) recipient: Option<Recipient>,
    /// The time between two.
    pub(crate) every: TimeDelta,
    /// How long each is kept.
    pub(crate) kept: TimeDelta,
}

impl BackupConfig {
    /// The folder of backups; unless said otherwise, in the data folder. `None` where neither is given.
    pub(crate) fn folder(&self, data: Option<&Path>) -> Option<PathBuf> {
        let in_data = || data.map(|data| data.join("backups"));
        self.folder.clone().or_else(in_data)
    }
}

pub(super) fn checked(
    section: BackupSection,
    at: impl Fn(PathBuf) -> PathBuf,
) -> anyhow::Result<BackupConfig> {
    let BackupSection {
        folder,
        recipient,
        every_hours,
        kept_days,
    } = section;
    for (key, value, most) in [
        ("every_hours", every_hours, 8_760),
        ("kept_days", kept_days, 3_650),
    ] {
        if !(1..=most).contains(&value) {
            return Err(Failure::usage(format!("backup.{key}: use 1 to {most}")));
        }
    }
    let recipient = recipient
        .map(|text| {
            Recipient::read(&text).map_err(|error| Failure::usage(format!("backup.recipient: {error}")))
        })
        .transpose()?;
    Ok(BackupConfig {
        folder: folder.map(at),
        recipient,
        every: TimeDelta::hours(i64::from(every_hours)),
        kept: TimeDelta::days(i64::from(kept_days)),
    })
}
