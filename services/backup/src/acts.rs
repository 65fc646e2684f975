//! What was done by right of persons, beside the backups: a small encrypted file for each subject, so that a restore can do again
//! what a backup does not know.
//!
//! A file is named `SUBJECT.TIME.EDITION.age`. It is written under another name, made durable, and then renamed; the newest of a
//! subject counts, and takes the place of older ones.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, Utc};

use crate::folder::sync_folder;
use crate::keys::{Key, Recipient};
use crate::{BackupError, archive};

/// The name of the folder, in that of the backups.
pub const ACTS: &str = "acts";

const ENDING: &str = "age";
const TIME: &str = "%Y%m%dT%H%M%S%3fZ";
/// Longer than anybody writes one of these files.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// Bytes of one at most.
const MOST: u64 = 64 * 1024 * 1024;

/// What a file is about, and which state of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActName {
    /// What it is about: letters, digits, hyphens.
    pub subject: String,
    /// When something was last done with it, in whole milliseconds.
    pub at: DateTime<Utc>,
    /// Tells states of the same time apart; the greater one is newer.
    pub edition: u64,
}

impl ActName {
    /// A name.
    pub fn new(subject: impl Into<String>, at: DateTime<Utc>, edition: u64) -> Self {
        Self {
            subject: subject.into(),
            at: at.trunc_subsecs(3),
            edition,
        }
    }

    fn file(&self) -> String {
        format!(
            "{}.{}.{}.{ENDING}",
            self.subject,
            self.at.format(TIME),
            self.edition
        )
    }

    fn read(file: &str) -> Option<Self> {
        let mut parts = file.split('.');
        let (subject, at, edition) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next() != Some(ENDING) || parts.next().is_some() {
            return None;
        }
        Some(Self {
            subject: subject.to_owned(),
            at: NaiveDateTime::parse_from_str(at, TIME).ok()?.and_utc(),
            edition: edition.parse().ok()?,
        })
    }

    /// Whether it is about the same, and at least as new.
    fn covers(&self, other: &Self) -> bool {
        self.subject == other.subject && (self.at, self.edition) >= (other.at, other.edition)
    }
}

/// The folder, as a node has it: it writes what it cannot read. Several nodes may have the same one.
pub struct ActFolder {
    folder: PathBuf,
    recipient: Recipient,
    written: AtomicU64,
}

impl ActFolder {
    /// In the folder of the backups, for whom these are encrypted.
    pub fn beside(backups: &Path, recipient: Recipient) -> Self {
        Self {
            folder: backups.join(ACTS),
            recipient,
            written: AtomicU64::new(0),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes a state of a subject, unless that or a newer one is there. It is on the disk then, and older ones are gone.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`]: then the older state still counts.
    pub fn write(&self, name: &ActName, content: &[u8]) -> Result<(), BackupError> {
        let there = names(&self.folder)?;
        if !there.iter().any(|other| other.covers(name)) {
            self.put(name, content)?;
        }
        for older in there.iter().filter(|other| name.covers(other) && *other != name) {
            remove(&self.folder.join(older.file()))?;
        }
        Ok(())
    }

    fn put(&self, name: &ActName, content: &[u8]) -> Result<(), BackupError> {
        if !self.folder.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            sync_folder(&self.folder)?;
        }
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let part = self
            .folder
            .join(format!("{}.{}-{number}.part", name.file(), std::process::id()));
        let written = (|| {
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&part)?;
            archive::seal(&mut file, &self.recipient, content)?;
            file.flush()?;
            file.sync_all()?;
            fs::rename(&part, self.folder.join(name.file()))?;
            sync_folder(&part)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    /// The names of all that is there.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub fn names(&self) -> Result<Vec<ActName>, BackupError> {
        names(&self.folder)
    }

    /// Removes what is about a subject, durably.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub fn forget(&self, subjects: &[String]) -> Result<(), BackupError> {
        let there = names(&self.folder)?;
        let mut gone = there
            .iter()
            .filter(|it| subjects.contains(&it.subject))
            .peekable();
        if gone.peek().is_none() {
            return Ok(());
        }
        for name in gone {
            remove(&self.folder.join(name.file()))?;
        }
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    /// Removes what was done before a time, and what a kill left half written long ago.
    ///
    /// # Errors
    /// [`BackupError::Io`].
    pub fn remove_before(&self, before: DateTime<Utc>) -> Result<(), BackupError> {
        for name in names(&self.folder)?.iter().filter(|name| name.at < before) {
            remove(&self.folder.join(name.file()))?;
        }
        for file in files(&self.folder)?.iter().filter(|file| file.ends_with(".part")) {
            let path = self.folder.join(file);
            let written = fs::metadata(&path).and_then(|found| found.modified());
            let is_old = |at: SystemTime| at.elapsed().is_ok_and(|age| age > LEFT_BEHIND);
            if written.is_ok_and(is_old) {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Opens the newest state of each subject of a folder; a folder that is not there has none.
///
/// # Errors
/// [`BackupError::InFile`] with the file that cannot be opened or is damaged.
pub fn open(folder: &Path, key: &Key) -> Result<Vec<(ActName, Vec<u8>)>, BackupError> {
    let there = names(folder)?;
    let is_newest = |name: &&ActName| !there.iter().any(|other| other.covers(name) && other != *name);
    let mut opened = Vec::new();
    for name in there.iter().filter(is_newest) {
        let path = folder.join(name.file());
        let content = open_one(&path, key).map_err(|error| BackupError::InFile {
            file: path.display().to_string(),
            error: Box::new(error),
        })?;
        opened.push((name.clone(), content));
    }
    Ok(opened)
}

fn open_one(path: &Path, key: &Key) -> Result<Vec<u8>, BackupError> {
    let mut content = Vec::new();
    archive::unseal(File::open(path)?, key)?
        .take(MOST)
        .read_to_end(&mut content)?;
    Ok(content)
}

/// The names of all that is in a folder; one that is not there has none.
///
/// # Errors
/// [`BackupError::Io`].
pub fn names(folder: &Path) -> Result<Vec<ActName>, BackupError> {
    let mut names: Vec<ActName> = files(folder)?
        .iter()
        .filter_map(|file| ActName::read(file))
        .collect();
    names.sort_unstable();
    Ok(names)
}

fn files(folder: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        files.extend(entry?.file_name().into_string());
    }
    Ok(files)
}

/// Another node may have removed it.
fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn at(minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 27, 9, minute, 0).unwrap()
    }

    fn opened(folder: &ActFolder, key: &Key) -> Vec<(String, Vec<u8>)> {
        let opened = open(folder.path(), key).expect("opened");
        opened
            .into_iter()
            .map(|(name, content)| (name.subject, content))
            .collect()
    }

    #[test]
    fn the_newest_state_of_a_subject_counts_and_the_node_cannot_read_it() {
        let (home, key) = (tempfile::tempdir().expect("a folder"), Key::generate());
        let folder = ActFolder::beside(home.path(), key.recipient());
        assert_eq!(open(folder.path(), &key).expect("none").len(), 0);
        let name = |minute, edition| ActName::new("ticket-T-1", at(minute), edition);
        folder.write(&name(1, 2), b"Zwetschgenbaum").expect("written");
        folder
            .write(&ActName::new("calls", at(1), 0), b"calls")
            .expect("written");
        let file = fs::read(folder.path().join(name(1, 2).file())).expect("there");
        assert!(!file.windows(14).any(|part| part == b"Zwetschgenbaum"));
        folder.write(&name(3, 3), b"newer").expect("written");
        folder.write(&name(1, 2), b"older").expect("nothing to do");
        assert_eq!(folder.names().expect("names").len(), 2, "one a subject");
        let all = [
            ("calls".to_owned(), b"calls".to_vec()),
            ("ticket-T-1".to_owned(), b"newer".to_vec()),
        ];
        assert_eq!(opened(&folder, &key), all);
        folder.forget(&["ticket-T-1".to_owned()]).expect("gone");
        assert_eq!(opened(&folder, &key), all[..1]);
        folder.remove_before(at(1)).expect("none");
        assert_eq!(opened(&folder, &key).len(), 1, "of that time is not before it");
        folder.remove_before(at(2)).expect("gone");
        assert_eq!(opened(&folder, &key).len(), 0);
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let (home, key) = (tempfile::tempdir().expect("a folder"), Key::generate());
        let folder = ActFolder::beside(home.path(), key.recipient());
        let name = ActName::new("case-7", at(1), 1);
        folder.write(&name, b"a case").expect("written");
        let refused = open(folder.path(), &Key::generate())
            .expect_err("refused")
            .to_string();
        assert!(
            refused.contains("case-7") && refused.contains("does not open"),
            "{refused}"
        );
        let path = folder.path().join(name.file());
        let whole = fs::read(&path).expect("there");
        for kept in [whole.len() - 1, whole.len() / 2, 0] {
            fs::write(&path, &whole[..kept]).expect("cut");
            let refused = open(folder.path(), &key).expect_err("refused").to_string();
            assert!(refused.contains("case-7"), "{refused}");
        }
        // A key file may hold the keys of before, too.
        fs::write(&path, &whole).expect("whole again");
        let both = format!("{}{}", Key::generate().file(), key.file());
        assert_eq!(
            open(folder.path(), &Key::read(&both).expect("keys"))
                .expect("opened")
                .len(),
            1
        );
    }
}
