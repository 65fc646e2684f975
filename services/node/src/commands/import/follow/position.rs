//! How far a feed was read, written down for the next start.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use importer::Place;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::commands::import::Import;
use crate::exit::Failure;

/// The beginning of a file by which it is known again, in bytes.
const HEAD: usize = 256;

/// How far was read, in the files of this run.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// Where reading has to begin for the open calls to be known.
    pub(super) from: Place,
    /// Where the first line begins that was not read.
    pub(super) reached: Place,
    /// Files of a folder that were read whole.
    pub(super) taken: u32,
}

/// A file of this run.
#[derive(Clone, Debug)]
pub(super) struct OpenedFile {
    pub(super) name: String,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) length: u64,
    pub(super) head: Vec<u8>,
}

impl OpenedFile {
    pub(super) fn of(path: &Path, file: &fs::File) -> std::io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            name: file_name(path),
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            head: head_of(file, HEAD)?,
        })
    }
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn head_of(file: &fs::File, length: usize) -> std::io::Result<Vec<u8>> {
    let mut head = vec![0; length];
    let mut read = 0;
    while read < length {
        match file.read_at(&mut head[read..], read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    head.truncate(read);
    Ok(head)
}

/// The files of this run, by [`Place::file`].
#[derive(Clone, Debug, Default)]
pub(super) struct Files(Arc<Mutex<Vec<OpenedFile>>>);

impl Files {
    /// Adds a file and gives its number.
    pub(super) fn add(&self, file: OpenedFile) -> u32 {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.push(file);
        files.len() as u32 - 1
    }

    /// The file has grown: its beginning may be longer now.
    pub(super) fn grown(&self, number: u32, file: &fs::File) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = files.get_mut(number as usize)
            && opened.head.len() < HEAD
            && let Ok(head) = head_of(file, HEAD)
        {
            opened.head = head;
        }
    }

    fn get(&self, number: u32) -> Option<OpenedFile> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(number as usize).cloned()
    }
}

/// What is written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    version: u32,
    source: String,
    followed: PathBuf,
    pub(super) from: Option<Mark>,
    pub(super) reached: Option<Mark>,
    /// Files of a folder that were read whole, in their order.
    pub(super) taken: Vec<Taken>,
}

/// A place in a file that can be found again when the file was renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
    head_bytes: usize,
    head_sha256: String,
    pub(super) offset: u64,
    pub(super) line: u64,
}

/// A file of a folder that was read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) length: u64,
}

impl Mark {
    fn new(file: &OpenedFile, place: Place) -> Self {
        Self {
            device: file.device,
            inode: file.inode,
            head_bytes: file.head.len(),
            head_sha256: hex(&Sha256::digest(&file.head)),
            offset: place.offset,
            line: place.line,
        }
    }

    /// Whether a file is the one that the mark was made in.
    pub(super) fn is_in(&self, path: &Path) -> bool {
        let Ok(file) = fs::File::open(path) else {
            return false;
        };
        let Ok(metadata) = file.metadata() else {
            return false;
        };
        let head = head_of(&file, self.head_bytes.min(HEAD)).unwrap_or_default();
        metadata.dev() == self.device
            && metadata.ino() == self.inode
            && head.len() == self.head_bytes
            && hex(&Sha256::digest(&head)) == self.head_sha256
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const VERSION: u32 = 1;

/// Where the position of a feed is written down: one for each server, source, format and path.
#[derive(Clone, Debug)]
pub(super) struct PositionFile {
    file: PathBuf,
    source: String,
    followed: PathBuf,
    /// What the last run had taken of a folder.
    taken_before: Arc<Mutex<Vec<Taken>>>,
}

impl PositionFile {
    /// None for standard input, which has no position.
    pub(super) fn of(
        server: &str,
        import: &Import,
        format: &str,
        path: &Path,
    ) -> anyhow::Result<Option<Self>> {
        if path.as_os_str() == "-" {
            return Ok(None);
        }
        let followed = std::path::absolute(path).with_context(|| path.display().to_string())?;
        let mut hash = Sha256::new();
        for part in [server, &import.source, format, &followed.to_string_lossy()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let name = format!("{}.json", &hex(&hash.finalize())[..32]);
        Ok(Some(Self {
            file: crate::auth::state_folder().join("positions").join(name),
            source: import.source.clone(),
            followed,
            taken_before: Arc::default(),
        }))
    }

    /// What the last run wrote down.
    pub(super) fn load(&self) -> anyhow::Result<Option<Position>> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| self.file.display().to_string()),
        };
        let read: Result<Position, _> = serde_json::from_str(&text);
        match read {
            Ok(position) if position.version == VERSION => {
                self.taken_before
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone_from(&position.taken);
                Ok(Some(position))
            }
            _ => Err(Failure::usage(format!(
                "{} is not a position of this version; remove it to begin anew: what was sent counts once",
                self.file.display()
            ))),
        }
    }

    /// Writes a standing down, whole or not at all.
    pub(super) fn save(&self, standing: &Standing, files: &Files) -> anyhow::Result<()> {
        let mark = |place: Place| files.get(place.file).map(|file| Mark::new(&file, place));
        let mut taken = self
            .taken_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for file in (0..standing.taken).filter_map(|number| files.get(number)) {
            let file = Taken {
                name: file.name,
                device: file.device,
                inode: file.inode,
                length: file.length,
            };
            if !taken.contains(&file) {
                taken.push(file);
            }
        }
        let folder = &self.followed;
        taken.retain(|file| folder.join(&file.name).exists());
        let position = Position {
            version: VERSION,
            source: self.source.clone(),
            followed: self.followed.clone(),
            from: mark(standing.from),
            reached: mark(standing.reached),
            taken,
        };
        self.write(&serde_json::to_vec(&position)?)
            .with_context(|| self.file.display().to_string())
    }

    fn write(&self, content: &[u8]) -> std::io::Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        let partial = self
            .file
            .with_extension(format!("{}.partial", std::process::id()));
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut handle = options.open(&partial)?;
        handle.write_all(content)?;
        handle.sync_all()?;
        fs::rename(&partial, &self.file)
    }
}
