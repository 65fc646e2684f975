//! Takes files that come into a folder, each once it is complete.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use importer::{LineCutter, Place};

use super::position::{OpenedFile, Position, Taken, file_name};
use super::{Fed, Gone, POLL, Reading};
use crate::commands::import::opening;

/// A file that did not change for so long is complete.
const COMPLETE_AFTER: Duration = Duration::from_secs(2);
/// Endings of files that are still being written.
const UNFINISHED: [&str; 4] = ["part", "partial", "tmp", "filepart"];

/// Takes files until `stop`.
pub(super) fn follow(folder: &Path, saved: Option<Position>, reading: &Reading) {
    let mut taking = Taking {
        folder,
        reading,
        taken: Vec::new(),
        before: HashMap::new(),
    };
    let follow = || -> io::Result<()> {
        if let Some(saved) = saved
            && taking.rebuild(&saved)?.is_err()
        {
            return Ok(());
        }
        while !reading.stop.is_cancelled() {
            for path in taking.complete()? {
                if taking.take(&path)?.is_err() {
                    return Ok(());
                }
            }
            std::thread::sleep(POLL * 5);
        }
        Ok(())
    };
    if let Err(error) = follow() {
        reading.fail(folder, &error);
    }
}

struct Taking<'a> {
    folder: &'a Path,
    reading: &'a Reading,
    taken: Vec<Taken>,
    /// Length and time of the files that were not complete when last looked at.
    before: HashMap<PathBuf, (u64, SystemTime)>,
}

impl Taking<'_> {
    /// Reads again what open calls need of files that were taken before.
    fn rebuild(&mut self, saved: &Position) -> io::Result<Result<(), Gone>> {
        self.taken.clone_from(&saved.taken);
        let Some(mark) = &saved.from else {
            return Ok(Ok(()));
        };
        let first = saved
            .taken
            .iter()
            .position(|taken| mark.is_in(&self.folder.join(&taken.name)));
        let Some(first) = first else { return Ok(Ok(())) };
        for (place, taken) in saved.taken[first..].iter().enumerate() {
            let path = self.folder.join(&taken.name);
            if !path.exists() {
                continue;
            }
            let start = if place == 0 {
                (mark.offset, mark.line)
            } else {
                (0, 1)
            };
            if self.read(&path, start, true)?.is_err() {
                return Ok(Err(Gone));
            }
        }
        Ok(Ok(()))
    }

    /// The complete files that were not taken yet, the oldest first; none after one that is not complete.
    fn complete(&mut self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder)? {
            let path = entry?.path();
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            let name = file_name(&path);
            let unfinished = path
                .extension()
                .and_then(OsStr::to_str)
                .is_some_and(|ending| UNFINISHED.contains(&ending));
            if !metadata.is_file() || name.starts_with('.') || unfinished {
                continue;
            }
            let file = Taken {
                name,
                device: metadata.dev(),
                inode: metadata.ino(),
                length: metadata.len(),
            };
            if !self.taken.contains(&file) {
                found.push((metadata.modified()?, path, metadata.len()));
            }
        }
        found.sort();
        let before = std::mem::take(&mut self.before);
        let mut complete = Vec::new();
        for (modified, path, length) in found {
            let unchanged = before.get(&path) == Some(&(length, modified));
            let age = SystemTime::now().duration_since(modified).unwrap_or_default();
            self.before.insert(path.clone(), (length, modified));
            if complete.len() + 1 == self.before.len() && unchanged && age >= COMPLETE_AFTER {
                complete.push(path);
            }
        }
        Ok(complete)
    }

    fn take(&mut self, path: &Path) -> io::Result<Result<(), Gone>> {
        let metadata = fs::metadata(path)?;
        let read = self.read(path, (0, 1), false)?;
        self.taken.push(Taken {
            name: file_name(path),
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
        });
        Ok(read)
    }

    fn read(&self, path: &Path, (offset, line): (u64, u64), replayed: bool) -> io::Result<Result<(), Gone>> {
        let file = fs::File::open(path)?;
        let number = self.reading.files.add(OpenedFile::of(path, &file)?);
        let mut reader = opening::unpacked(file)?;
        io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
        let mut cutter = LineCutter::new(Place {
            file: number,
            offset,
            line,
        });
        let mut piece = vec![0; 1 << 16];
        loop {
            let given = match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => cutter.push(&piece[..length], |line| self.reading.give(&line, replayed)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                Err(error) => return Err(error),
            };
            if given.is_err() {
                return Ok(Err(Gone));
            }
        }
        let finished = cutter.finish(|line| self.reading.give(&line, replayed));
        Ok(finished.and_then(|()| self.reading.send(Fed::Taken(number + 1))))
    }
}
