//! `nrwdirekt backup verify`: whether a backup is whole, without restoring it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use backup::archive::{Next, Reader};
use backup::folder::{self, Label};
use backup::{BackupError, Key, Manifest};
use serde_json::{Value, json};
use store::sqlite::snapshot;

use crate::backups::is_database;
use crate::cli::BackupVerifyArguments;
use crate::exit::Failure;
use crate::output::say;

/// What was found.
struct Found {
    label: Option<Label>,
    /// What is in it; `None` without a key.
    manifest: Option<Manifest>,
}

/// Exit code 1 if it is not whole.
pub(super) async fn run(arguments: BackupVerifyArguments) -> anyhow::Result<ExitCode> {
    let BackupVerifyArguments { file, key, json } = arguments;
    if !file.is_file() {
        return Err(Failure::usage(format!(
            "{}: there is no such backup",
            file.display()
        )));
    }
    let key = key.as_deref().map(super::read_key).transpose()?;
    let path = file.clone();
    let found = tokio::task::spawn_blocking(move || look(&path, key.as_ref())).await?;
    let (is_whole, said) = match &found {
        Ok(Found {
            manifest: Some(_), ..
        }) => (
            true,
            "whole: it can be opened, and all of it is as it was written",
        ),
        Ok(Found { label: Some(_), .. }) => (
            true,
            "no byte has changed since it was written; whether it can be opened shows with --key",
        ),
        Ok(_) => (
            false,
            "nothing can be said: it has no label beside it (FILE.json), and without --key it cannot be opened",
        ),
        Err(error @ BackupError::WrongKey) => return Err(Failure::usage(format!("--key: {error}"))),
        Err(error) => {
            let said = error.to_string();
            tell(&file, json, false, &said, &Value::Null);
            return Ok(ExitCode::FAILURE);
        }
    };
    let more = found.as_ref().map_or(Value::Null, shown);
    tell(&file, json, is_whole, said, &more);
    Ok(match is_whole {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn tell(file: &Path, as_json: bool, is_whole: bool, said: &str, more: &Value) {
    if !as_json {
        say!("{}: {said}", file.display());
        return;
    }
    let mut object = json!({ "file": file, "whole": is_whole, "explanation": said });
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    say!("{object}");
}

fn shown(found: &Found) -> Value {
    let mut object = json!({ "opened": found.manifest.is_some() });
    if let Some(label) = &found.label {
        object["label"] = super::label(label);
    }
    if let Some(manifest) = &found.manifest {
        object["id"] = json!(manifest.head.id);
        object["created_at"] = json!(manifest.head.created_at);
        object["schemas"] = json!(manifest.head.schemas);
        object["figures"] = json!(manifest.figures);
        object["rows"] = json!(manifest.rows());
        object["bytes"] = json!(manifest.bytes());
        let parts = manifest.parts.iter();
        object["parts"] = parts
            .map(|part| json!({ "name": part.name, "bytes": part.bytes, "rows": part.rows, "sha256": part.sha256 }))
            .collect();
    }
    object
}

fn look(file: &Path, key: Option<&Key>) -> Result<Found, BackupError> {
    let label = folder::label_of(file)?;
    if let Some(label) = &label {
        folder::check_outside(file, label)?;
    }
    let manifest = key.map(|key| look_inside(file, key)).transpose()?;
    Ok(Found { label, manifest })
}

fn look_inside(file: &Path, key: &Key) -> Result<Manifest, BackupError> {
    let mut reader = Reader::open(File::open(file)?, key)?;
    let mut figures = BTreeMap::new();
    let manifest = loop {
        match reader.next_item()? {
            Next::End(manifest) => break manifest,
            Next::Part(part) if is_database(&part.name) => {
                let workshop = Workshop::new()?;
                let path = workshop.0.join(&part.name);
                let mut copy = File::options()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)?;
                let part = reader.pour(|piece| Ok(copy.write_all(piece)?))?;
                drop(copy);
                figures.extend(check(&path, &part)?);
            }
            Next::Part(_) => {
                reader.pour(|_| Ok(()))?;
            }
        }
    };
    // Of tables the sums come from the store that they were read from; they show after a restore.
    if !figures.is_empty() && figures != manifest.figures {
        return Err(BackupError::Damaged(
            "its figures are not those of its manifest".to_owned(),
        ));
    }
    Ok(manifest)
}

/// Opens a copy of a database and compares it with what the backup says of it. Gives the sums of its counts.
pub(super) fn check(path: &Path, part: &backup::Part) -> Result<BTreeMap<String, i64>, BackupError> {
    let checked = snapshot::check(path)
        .map_err(|error| BackupError::Damaged(format!("{} is not in order: {error}", part.name)))?;
    match checked.rows == part.rows {
        true => Ok(checked.figures),
        false => Err(BackupError::Damaged(format!(
            "{} has other rows than its manifest says",
            part.name
        ))),
    }
}

/// A folder for copies, for this user only; gone with its end.
struct Workshop(PathBuf);

impl Workshop {
    fn new() -> Result<Self, BackupError> {
        let path = std::env::temp_dir().join(format!("nrwdirekt-verify-{}", uuid::Uuid::new_v4()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
