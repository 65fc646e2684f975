//! `nrwdirekt privacy entries`.

use clap::Args;

use crate::cli::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct EntriesArguments {
    /// The address, in any capitals.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: String,
    /// Erase them all, whoever they name: an order as `privacy erase` gives it.
    #[arg(long, requires = "reason")]
    pub(crate) erase: bool,
    /// Why they are erased; kept with the order, without personal data.
    #[arg(long, value_name = "TEXT", requires = "erase")]
    pub(crate) reason: Option<String>,
    /// The case of the person's right that it belongs to.
    #[arg(long, value_name = "NUMBER", requires = "erase")]
    pub(crate) case: Option<u64>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
