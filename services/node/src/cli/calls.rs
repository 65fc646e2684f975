//! `nrwdirekt call`.

use clap::{Args, Subcommand};

use super::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct CallArguments {
    #[command(subcommand)]
    pub(crate) action: CallAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CallAction {
    /// Calls of a period with their visits.
    List(Box<CallListArguments>),
    /// A call with its visits and events, and where each value came from.
    Show(CallShowArguments),
}

/// A period, half-open: local days, or times.
#[derive(Args, Clone, Debug)]
pub(crate) struct Period {
    /// The first day, local, or the earliest start, as 2024-10-27T02:30:00+02:00.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: String,
    /// The day after the last, local, or a time before which calls start.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: String,
}

#[derive(Args, Debug)]
pub(crate) struct CallListArguments {
    #[command(flatten)]
    pub(crate) period: Period,
    /// Came in on this hotline, or visited it.
    #[arg(long)]
    pub(crate) hotline: Option<String>,
    /// First heard of from this feed.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Ended like this: answered, abandoned_queued, overflowed, busy …
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// The caller's number in any spelling, or address.
    #[arg(long)]
    pub(crate) number: Option<String>,
    /// Answered a visit of the call first.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// At most so many. Default: all of the period.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// From the latest start back.
    #[arg(long)]
    pub(crate) newest_first: bool,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

#[derive(Args, Debug)]
pub(crate) struct CallShowArguments {
    /// Its identity as `call list` prints it, or the id that its source gave to it, as ID or SOURCE/ID.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) shown: Shown,
}

/// How calls are shown.
#[derive(Args, Debug)]
pub(crate) struct Shown {
    /// Show numbers and addresses, which are masked otherwise. They are personal data: only for those who may know them.
    #[arg(long)]
    pub(crate) reveal: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
