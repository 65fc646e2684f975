//! Backups in a folder: a file that looks whole is whole.
//!
//! A backup is written under a name that ends in `.part`, made durable, and then renamed; its [`Label`] is there before it. What
//! a full disk or a kill leaves is a `.part`, which the next backup removes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{BackupError, FORMAT, Manifest, StorageKind, hex};

/// How the names of backups end.
const ENDING: &str = "age";
/// How the names of labels end.
const LABEL_ENDING: &str = "json";

/// What can be known of a backup without the key; nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The version of the format.
    pub format: u32,
    /// Which backup it is.
    pub id: String,
    /// When the state was taken.
    pub created_at: DateTime<Utc>,
    /// The version of the program that wrote it.
    pub program: String,
    /// What it is a copy of.
    pub storage: StorageKind,
    /// The public key that it was made for.
    pub recipient: String,
    /// How long the file is.
    pub bytes: u64,
    /// The SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// How many rows are in it.
    pub rows: i64,
}

/// A backup of a folder.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The file.
    pub path: PathBuf,
    /// What its label says.
    pub label: Label,
}

/// A backup that is being written. Given up, it leaves nothing.
pub struct Unfinished {
    file: Option<File>,
    part: PathBuf,
    path: PathBuf,
    hash: Sha256,
    bytes: u64,
}

impl Unfinished {
    /// Begins to write a backup to this path. Folders are made for their owner only.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`].
    pub fn create(path: &Path) -> Result<Self, BackupError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let part = with_ending(path, "part");
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        Ok(Self {
            file: Some(file),
            part,
            path: path.to_owned(),
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    /// Makes it durable and gives it its name.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`]: then nothing is left of it.
    pub fn complete(self, manifest: &Manifest, recipient: &str) -> Result<Listed, BackupError> {
        let head = &manifest.head;
        let label = Label {
            format: FORMAT,
            id: head.id.clone(),
            created_at: head.created_at,
            program: head.program.clone(),
            storage: head.storage,
            recipient: recipient.to_owned(),
            bytes: self.bytes,
            sha256: hex(&self.hash.clone().finalize()),
            rows: manifest.rows(),
        };
        self.complete_as(label)
    }

    /// The same for a copy of a backup, which has its label.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when it is another length or has another hash than the label says.
    pub fn complete_copy(self, label: Label) -> Result<Listed, BackupError> {
        if self.bytes != label.bytes || hex(&self.hash.clone().finalize()) != label.sha256 {
            return Err(BackupError::Damaged(
                "what arrived is not what was sent; fetch it again".to_owned(),
            ));
        }
        self.complete_as(label)
    }

    fn complete_as(mut self, label: Label) -> Result<Listed, BackupError> {
        if let Some(file) = &self.file {
            file.sync_all()?;
        }
        let text = serde_json::to_vec_pretty(&label).map_err(io::Error::other)?;
        let (named, part) = (
            label_path(&self.path),
            with_ending(&label_path(&self.path), "part"),
        );
        write_durably(&part, &text)?;
        fs::rename(&part, &named)?;
        fs::rename(&self.part, &self.path)?;
        self.file = None;
        sync_folder(&self.path)?;
        Ok(Listed {
            path: self.path.clone(),
            label,
        })
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let written = file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Takes a folder for making a backup in it, for as long as the result lives; `None` while somebody else has it. Several nodes
/// may have the same folder.
///
/// # Errors
/// [`BackupError::Io`] when the folder cannot be used.
pub fn take(folder: &Path) -> Result<Option<File>, BackupError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(folder.join("backups.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The name of a backup that was taken at a time.
pub fn file_name(created_at: DateTime<Utc>, id: &str) -> String {
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("nrwdirekt-{}-{id}.{ENDING}", created_at.format("%Y%m%dT%H%M%SZ"))
}

/// The label of a backup, if there is one beside it.
///
/// # Errors
/// [`BackupError::Damaged`] when it cannot be read.
pub fn label_of(backup: &Path) -> Result<Option<Label>, BackupError> {
    let text = match fs::read(label_path(backup)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let label = serde_json::from_slice(&text)
        .map_err(|error| BackupError::Damaged(format!("its label cannot be read: {error}")))?;
    Ok(Some(label))
}

/// Compares a backup with its label, which needs no key.
///
/// # Errors
/// [`BackupError::Damaged`] when a byte is not as it was written.
pub fn check_outside(backup: &Path, label: &Label) -> Result<(), BackupError> {
    let mut file = File::open(backup)?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 256 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    if bytes != label.bytes {
        return Err(BackupError::Damaged(format!(
            "it has {bytes} bytes, and its label says {}",
            label.bytes
        )));
    }
    match hex(&hash.finalize()) == label.sha256 {
        true => Ok(()),
        false => Err(BackupError::Damaged(
            "its SHA-256 is not that of its label".to_owned(),
        )),
    }
}

/// The backups of a folder, newest first. A folder that is not there has none.
///
/// # Errors
/// [`BackupError::Io`] when it cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Listed>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut listed = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING)
            && let Ok(Some(label)) = label_of(&path)
        {
            listed.push(Listed { path, label });
        }
    }
    listed.sort_by_key(|backup| std::cmp::Reverse(backup.label.created_at));
    Ok(listed)
}

/// Removes backups that were taken before a time, and what unfinished ones left. Gives the names of the former.
///
/// # Errors
/// [`BackupError::Io`] when one cannot be removed.
pub fn remove_before(folder: &Path, before: DateTime<Utc>) -> Result<Vec<String>, BackupError> {
    let mut removed = Vec::new();
    for Listed { path, label } in list(folder)? {
        if label.created_at < before {
            fs::remove_file(&path)?;
            fs::remove_file(label_path(&path))?;
            removed.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    Ok(removed)
}

/// Removes what was never completed. Nothing may be under way in the folder.
///
/// # Errors
/// [`BackupError::Io`] when something cannot be removed.
pub fn remove_unfinished(folder: &Path) -> Result<(), BackupError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_ours = name.starts_with("nrwdirekt-");
        let orphan = is_ours && name.ends_with(".json") && !path.with_extension(ENDING).exists();
        if is_ours && name.ends_with(".part") || orphan {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn label_path(backup: &Path) -> PathBuf {
    match backup.extension() {
        Some(ending) if ending == ENDING => backup.with_extension(LABEL_ENDING),
        _ => with_ending(backup, LABEL_ENDING),
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

/// Makes a name in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
}
