//! Marks in a data folder: a restore is under way, or was done.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// There while a restore fills the folder.
pub(crate) const MARKER: &str = "restoring";
/// There afterwards: what was restored, and when.
pub(crate) const RESTORED: &str = "restored.json";

/// What is noted in the folder.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Note {
    pub(crate) backup: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) restored_at: DateTime<Utc>,
}

/// What a folder was restored from, if it was.
pub(crate) fn restored_from(data: &Path) -> Option<Note> {
    serde_json::from_slice(&std::fs::read(data.join(RESTORED)).ok()?).ok()
}

/// Refuses a folder that a cut restore left.
pub(crate) fn refuse_half_restored(data: &Path) -> anyhow::Result<()> {
    match data.join(MARKER).exists() {
        false => Ok(()),
        true => Err(Failure::usage(format!(
            "--data {}: a restore into this folder was cut, or is under way: run `nrwdirekt restore` again, and start with the \
             folder that it names",
            data.display()
        ))),
    }
}
