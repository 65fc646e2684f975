//! Standard output of commands: what reads it may stop reading, as `head` does, and that is no failure.

use std::fmt::Arguments;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::Failure;

/// Writes a line to standard output.
macro_rules! say {
    () => { $crate::output::line(format_args!("")) };
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// See [`say`]; ends the process quietly once nobody reads any more.
pub(crate) fn line(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let written = out
        .write_fmt(text)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    if let Err(error) = written {
        let code = i32::from(error.kind() != std::io::ErrorKind::BrokenPipe);
        std::process::exit(code);
    }
}

/// Writes a line to standard error, for people: standard output stays what programs read.
macro_rules! note {
    ($($text:tt)*) => { $crate::output::aside(format_args!($($text)*)) };
}
pub(crate) use note;

/// See [`note`].
#[expect(clippy::print_stderr, reason = "this is where the command line speaks")]
pub(crate) fn aside(text: Arguments<'_>) {
    eprintln!("nrwdirekt: {text}");
}

/// A file that is not complete yet, under another name and only for its owner. Removed when it is given up.
pub(crate) struct Unfinished {
    pub(crate) file: fs::File,
    path: PathBuf,
    complete: bool,
}

impl Unfinished {
    /// Beside the file that it will be.
    pub(crate) fn beside(path: &Path) -> anyhow::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Failure::usage(format!("--output {}: {error}", path.display())))?;
        Ok(Self {
            file,
            path,
            complete: false,
        })
    }

    /// Makes it the file, in place of an older one.
    pub(crate) fn complete(mut self, path: &Path) -> anyhow::Result<()> {
        self.file.sync_all().context("the file cannot be written")?;
        fs::rename(&self.path, path)
            .map_err(|error| Failure::usage(format!("--output {}: {error}", path.display())))?;
        self.complete = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.complete {
            let _ = fs::remove_file(&self.path);
        }
    }
}
