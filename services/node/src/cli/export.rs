//! `nrwdirekt export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ServerArguments;
use super::calls::Period;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportEncoding {
    /// UTF-8, without byte order mark.
    #[value(name = "utf-8")]
    Utf8,
    /// Windows-1252, as Excel on German Windows expects it.
    #[value(name = "windows-1252")]
    Windows1252,
}

/// Numbers and addresses are not masked: the file holds personal data.
#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    pub(crate) period: Period,
    /// Only calls that came in on this hotline, or visited it.
    #[arg(long)]
    pub(crate) hotline: Option<String>,
    /// Only calls that were first heard of from this feed.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// How letters are written.
    #[arg(long, value_enum, default_value = "utf-8")]
    pub(crate) encoding: ExportEncoding,
    /// The file, which is overwritten once the export is complete. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
