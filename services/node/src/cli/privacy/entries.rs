//! `nrwdirekt privacy entries`.

use clap::Args;

use crate::cli::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct EntriesArguments {
    /// The address, in any capitals.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: String,
    /// Erase them; a count is answered.
    #[arg(long, requires = "reason")]
    pub(crate) erase: bool,
    /// Why they are erased; kept in the audit trail, without personal data.
    #[arg(long, value_name = "TEXT", requires = "erase")]
    pub(crate) reason: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
