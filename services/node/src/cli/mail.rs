//! `nrwdirekt mail`.

use clap::{Args, Subcommand};

use super::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct MailArguments {
    #[command(subcommand)]
    pub(crate) action: MailAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailAction {
    /// Mails that wait or failed, and why, oldest first: to departments, then to people about entries and appointments by
    /// video, with masked addresses. Those are tried again by themselves.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        max: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Send a mail to a department now, whatever came of it before.
    Retry {
        /// Its number, as `mail list` shows it.
        id: i64,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Read from standard input a report that a mail could not be delivered, and note it at the ticket. For the pipe of
    /// a mail server; what is no such report is passed over.
    Bounced {
        /// The address that the report came to. Default: as the report itself says.
        #[arg(long, value_name = "ADDRESS")]
        recipient: Option<String>,
        #[command(flatten)]
        server: ServerArguments,
    },
}
