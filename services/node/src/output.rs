//! Standard output of commands: what reads it may stop reading, as `head` does, and that is no failure.

use std::fmt::Arguments;
use std::io::Write as _;

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
