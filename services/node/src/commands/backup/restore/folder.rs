//! The data folder of a restore, until it has its name.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use backup::archive::Next;
use backup::{BackupError, Manifest};
use privacy::journal::JournalStores;
use store::backups::Restored;
use store::calls::CallStore as _;
use store::sqlite::{SqliteAccess, SqliteCalls, SqliteTickets};

use super::{Brought, Restore, bring};
use crate::backups::{FILES, MARKER, Note, RESTORED, is_database};
use crate::exit::Failure;
use crate::storage::lock_folder;

/// A folder that is being filled.
pub(super) struct Folder {
    /// Where it is now.
    pub(super) part: PathBuf,
    /// Where it will be.
    data: PathBuf,
    is_finished: bool,
    _lock: File,
}

impl Drop for Folder {
    /// What was given up leaves nothing.
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}

impl Folder {
    /// Begins beside the folder that it will be; what a cut restore left there is removed.
    pub(super) fn begin(data: &Path) -> anyhow::Result<Self> {
        refuse_used(data)?;
        let mut part = data.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        if part.exists() {
            if !part.join(MARKER).exists() && !part.join(RESTORED).exists() {
                return Err(Failure::usage(format!(
                    "{} is in the way, and no restore has made it: move it away, or give another --data",
                    part.display()
                )));
            }
            // Another restore that is under way has it locked.
            drop(lock_folder(&part)?);
            fs::remove_dir_all(&part).with_context(|| part.display().to_string())?;
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&part)
            .map_err(|error| Failure::usage(format!("--data {}: {error}", data.display())))?;
        File::create(part.join(MARKER)).with_context(|| part.display().to_string())?;
        let lock = lock_folder(&part)?;
        Ok(Self {
            part,
            data: data.to_owned(),
            is_finished: false,
            _lock: lock,
        })
    }

    /// Makes it durable and gives it its name.
    pub(super) fn finish(mut self, restored: &Restored) -> anyhow::Result<()> {
        let note = Note {
            backup: restored.backup.clone(),
            made_at: restored.made_at,
            restored_at: restored.restored_at,
        };
        let context = || self.part.display().to_string();
        fs::write(self.part.join(MARKER), serde_json::to_vec_pretty(&note)?).with_context(context)?;
        for entry in fs::read_dir(&self.part).with_context(context)? {
            File::open(entry?.path())
                .and_then(|file| file.sync_all())
                .with_context(context)?;
        }
        fs::rename(self.part.join(MARKER), self.part.join(RESTORED)).with_context(context)?;
        File::open(&self.part)
            .and_then(|folder| folder.sync_all())
            .with_context(context)?;
        fs::rename(&self.part, &self.data).with_context(|| format!("--data {}", self.data.display()))?;
        self.is_finished = true;
        let parent = self.data.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .context("the folder of the data folder")
    }
}

/// Refuses a folder that holds something.
fn refuse_used(data: &Path) -> anyhow::Result<()> {
    let refused = |what: &dyn std::fmt::Display| Failure::usage(format!("--data {}: {what}", data.display()));
    let mut entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| refused(&error))?,
    };
    if entries.next().is_none() {
        return Ok(());
    }
    if data.join("node.lock").exists() {
        // Says so if a node uses it.
        drop(lock_folder(data)?);
    }
    Err(refused(
        &"it is not empty: a backup is restored into a new folder alone. Move it away, or give another one",
    ))
}

/// Unpacks the files of a backup into a folder, and checks each.
pub(super) fn unpack(restore: &Restore, part: &Path) -> Result<Manifest, BackupError> {
    let mut reader = backup::archive::Reader::open(File::open(&restore.from)?, &restore.key)?;
    let mut figures = std::collections::BTreeMap::new();
    loop {
        match reader.next_item()? {
            Next::Part(head) if is_database(&head.name) || FILES.contains(&head.name.as_str()) => {
                let path = part.join(&head.name);
                let mut file = File::options()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)?;
                let written = reader.pour(|piece| Ok(file.write_all(piece)?))?;
                drop(file);
                if is_database(&head.name) {
                    figures.extend(super::super::verify::check(&path, &written)?);
                }
            }
            // A file that only a later program knows, or a table: not the business of a folder.
            Next::Part(_) => {
                reader.pour(|_| Ok(()))?;
            }
            Next::End(manifest) => {
                if restore.head.storage == backup::StorageKind::Files && figures != manifest.figures {
                    return Err(BackupError::Damaged(
                        "its figures are not those of its manifest".to_owned(),
                    ));
                }
                return Ok(manifest);
            }
        }
    }
}

/// Brings the files up to date, and sets what must not be as it was.
/// Gives what was brought in of what came after the backup.
pub(super) async fn settle(restore: &Restore, folder: &Folder) -> anyhow::Result<Brought> {
    let file = |name: &str| folder.part.join(name);
    let calls = SqliteCalls::open(&file("calls.db")).context("calls.db")?;
    calls.settle_restore().await.context("calls.db")?;
    let tickets = SqliteTickets::open(&file("tickets.db")).context("tickets.db")?;
    tickets
        .settle_restore(restore.restored.clone())
        .await
        .context("tickets.db")?;
    let access = SqliteAccess::open(&file("access.db")).context("access.db")?;
    access.settle_restore().await.context("access.db")?;
    let key = calls.identity_key().await.context("calls.db")?;
    let (calls, tickets, access) = (Arc::new(calls), Arc::new(tickets), Arc::new(access));
    let stores = JournalStores {
        tickets: Arc::clone(&tickets) as _,
        acts: Arc::clone(&tickets) as _,
        calls,
        entries: Arc::clone(&tickets) as _,
        cases: Arc::clone(&access) as _,
    };
    bring(restore, access.as_ref(), &stores, tickets.as_ref(), &key).await
}
