//! Follows one file through its rotations, and standard input.

#![expect(clippy::print_stderr, reason = "what following has to say beside its result")]

use std::fs;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use importer::{LineCutter, Place};

use super::position::{Mark, OpenedFile, Position, file_name};
use super::{Gone, POLL, Reading};
use crate::commands::import::opening;

/// Bytes that are read at once.
const PIECE: usize = 1 << 16;
/// The old file is read on for so long after a new one has come, unless the new one is written to before.
const GRACE: Duration = Duration::from_secs(2);

/// Why reading a file ended.
enum Ended {
    Gone,
    Failed(io::Error),
}

impl From<Gone> for Ended {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads standard input until it ends.
pub(super) fn follow_stream(mut reader: impl Read, reading: &Reading) {
    let mut cutter = LineCutter::new(Place {
        file: 0,
        offset: 0,
        line: 1,
    });
    let mut piece = vec![0; PIECE];
    loop {
        let given = match reader.read(&mut piece) {
            Ok(0) => {
                let _ = cutter.finish(|line| reading.give(&line, false));
                return;
            }
            Ok(length) => cutter.push(&piece[..length], |line| reading.give(&line, false)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => return reading.fail(Path::new("standard input"), &error),
        };
        if given.is_err() {
            return;
        }
    }
}

/// Follows a file, from where the last run stopped.
pub(super) fn follow_file(path: &Path, saved: Option<&Position>, reading: &Reading) {
    let mut plan = Plan::of(path, saved);
    let (current, rotated) = (plan.files.pop(), std::mem::take(&mut plan.files));
    let follow = || -> Result<(), Ended> {
        for start in rotated {
            let mut followed = Followed::open(&start, &plan, reading)?;
            followed.read_on()?;
            followed.finish()?;
        }
        match current {
            Some(start) => Followed::open(&start, &plan, reading)?.follow(path),
            None => Ok(()),
        }
    };
    if let Err(Ended::Failed(error)) = follow() {
        reading.fail(path, &error);
    }
}

/// Where to begin in a file.
struct Start {
    path: PathBuf,
    offset: u64,
    line: u64,
}

/// What is read first: rotated files that are not read to their end, then the file itself.
struct Plan {
    files: Vec<Start>,
    /// The number of the file, and the place in it, before which everything has its receipt.
    reached: Option<(u32, u64)>,
}

impl Plan {
    fn of(path: &Path, saved: Option<&Position>) -> Self {
        let from_the_beginning = || Self {
            files: vec![Start::of(path)],
            reached: None,
        };
        let Some(saved) = saved else {
            return from_the_beginning();
        };
        let siblings = siblings(path);
        let find = |mark: &Mark| siblings.iter().position(|sibling| mark.is_in(sibling));
        // Of the marks the one that reaches further back is better; it may be gone already.
        let begin = [&saved.from, &saved.reached].into_iter().flatten();
        let Some((first, mark)) = begin
            .filter_map(|mark| find(mark).map(|place| (place, mark)))
            .find(|(place, mark)| length(&siblings[*place]) >= mark.offset)
        else {
            eprintln!(
                "{}: the file that was read last is gone or was replaced; reading what is there from the beginning",
                path.display()
            );
            return from_the_beginning();
        };
        let mut files: Vec<Start> = siblings[first..]
            .iter()
            .map(|sibling| Start::of(sibling))
            .collect();
        files[0].offset = mark.offset;
        files[0].line = mark.line;
        let reached = saved.reached.as_ref();
        let reached = reached.and_then(|mark| {
            let place = find(mark)?.checked_sub(first)?;
            Some((place as u32, mark.offset))
        });
        Self { files, reached }
    }
}

impl Start {
    fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            offset: 0,
            line: 1,
        }
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The file and what it was rotated into, the oldest first, itself last.
fn siblings(path: &Path) -> Vec<PathBuf> {
    let name = file_name(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new(".")))
        .into_iter()
        .flatten()
        .flatten();
    let mut rotated: Vec<(SystemTime, PathBuf)> = entries
        .filter(|entry| {
            let other = entry.file_name().to_string_lossy().into_owned();
            other != name && other.starts_with(&name)
        })
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let path = entry.path();
            let usable = metadata.is_file() && !opening::is_packed(&path).unwrap_or(true);
            usable.then_some((metadata.modified().ok()?, path))
        })
        .collect();
    rotated.sort();
    let mut files: Vec<PathBuf> = rotated.into_iter().map(|(_, path)| path).collect();
    files.push(path.to_owned());
    files
}

/// A file that is being read.
struct Followed<'a> {
    file: fs::File,
    identity: (u64, u64),
    number: u32,
    /// Bytes that were read of it, and before.
    read_to: u64,
    cutter: LineCutter,
    plan: &'a Plan,
    reading: &'a Reading,
}

impl<'a> Followed<'a> {
    fn open(start: &Start, plan: &'a Plan, reading: &'a Reading) -> io::Result<Self> {
        let mut file = fs::File::open(&start.path)?;
        let opened = OpenedFile::of(&start.path, &file)?;
        let identity = (opened.device, opened.inode);
        file.seek(SeekFrom::Start(start.offset))?;
        let number = reading.files.add(opened);
        Ok(Self {
            file,
            identity,
            number,
            read_to: start.offset,
            cutter: LineCutter::new(Place {
                file: number,
                offset: start.offset,
                line: start.line,
            }),
            plan,
            reading,
        })
    }

    /// Reads to the end of what is there. Gives whether there was anything.
    fn read_on(&mut self) -> Result<bool, Ended> {
        let (mut piece, mut any) = (vec![0; PIECE], false);
        let (number, reached, reading) = (self.number, self.plan.reached, self.reading);
        loop {
            let length = match self.file.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            any = true;
            self.read_to += length as u64;
            self.cutter.push(&piece[..length], |line| {
                reading.give(&line, is_replayed(reached, number, line.place.offset))
            })?;
            if reading.stop.is_cancelled() {
                break;
            }
        }
        if any {
            reading.files.grown(number, &self.file);
        }
        Ok(any)
    }

    /// The file will not grow any more.
    fn finish(&mut self) -> Result<(), Ended> {
        let (number, reached, reading) = (self.number, self.plan.reached, self.reading);
        let give = |line: importer::WrittenLine<'_>| {
            reading.give(&line, is_replayed(reached, number, line.place.offset))
        };
        Ok(self.cutter.finish(give)?)
    }

    /// Reads on as the file grows, and goes on with what comes in its place.
    fn follow(mut self, path: &Path) -> Result<(), Ended> {
        let mut replaced_at: Option<Instant> = None;
        while !self.reading.stop.is_cancelled() {
            if self.read_on()? {
                continue;
            }
            match fs::metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {} // between two files
                Err(error) => return Err(error.into()),
                Ok(metadata) if (metadata.dev(), metadata.ino()) != self.identity => {
                    // Who writes may do so into the old file until told of the new one.
                    let since = *replaced_at.get_or_insert_with(Instant::now);
                    if metadata.len() > 0 || since.elapsed() >= GRACE {
                        self.read_on()?;
                        self.finish()?;
                        self = Self::open(&Start::of(path), self.plan, self.reading)?;
                        replaced_at = None;
                        continue;
                    }
                }
                Ok(metadata) if metadata.len() < self.read_to => {
                    eprintln!(
                        "{}: the file was cut; reading it from its beginning",
                        path.display()
                    );
                    self.finish()?;
                    self = Self::open(&Start::of(path), self.plan, self.reading)?;
                    continue;
                }
                Ok(_) => {}
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

fn is_replayed(reached: Option<(u32, u64)>, number: u32, offset: u64) -> bool {
    reached.is_some_and(|(file, place)| number < file || (number == file && offset < place))
}
