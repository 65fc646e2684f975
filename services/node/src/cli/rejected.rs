//! `nrwdirekt rejected`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ServerArguments, double_hour};

#[derive(Args, Debug)]
pub(crate) struct RejectedArguments {
    #[command(subcommand)]
    pub(crate) action: RejectedAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RejectedAction {
    /// Items that could not be counted, with the reason, newest first.
    List(RejectedListArguments),
    /// An item with what was delivered.
    Show(RejectedShowArguments),
    /// Read items again, as they are or corrected, and report them. What is counted is no longer listed.
    Retry(RetryArguments),
    /// Give items up: what was delivered is deleted, who did so and why is kept, and they do not come back.
    Discard(DiscardArguments),
}

#[derive(Args, Debug)]
pub(crate) struct RejectedListArguments {
    /// Only of this feed.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only with this text in the reason or the name of the field.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Only those kept from this local day, or time, on.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Only those kept before this local day, or time.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    /// Those that were discarded, instead of those that are open.
    #[arg(long)]
    pub(crate) discarded: bool,
    /// Only how many are open, by source and field.
    #[arg(long, conflicts_with_all = ["source", "reason", "from", "to", "discarded"])]
    pub(crate) counts: bool,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub(crate) max: u32,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RejectedShowArguments {
    /// As lists print it.
    pub(crate) id: String,
    /// Show what was delivered as it is: personal data, only for those who may know it. Digits and addresses are
    /// masked otherwise.
    #[arg(long)]
    pub(crate) reveal: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RetryArguments {
    /// As lists print them.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// A map that knows their words, as for `import`.
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// What should have been delivered, for a single item: a row or line in UTF-8 with the columns of its file and
    /// without heading, or a report as `show --reveal` prints it.
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<PathBuf>,
    /// What a local time in the hour that happens twice means.
    #[arg(long, value_name = "POLICY", default_value = "by-order", value_parser = double_hour)]
    pub(crate) double_hour: importer::DoubleHour,
    /// End only when everything sent is in the figures.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Who does so.
    #[arg(long, env = "USER", default_value = "unknown", value_name = "NAME")]
    pub(crate) by: String,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct DiscardArguments {
    /// As lists print them.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Why they need not be counted; no personal data.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who decides so.
    #[arg(long, env = "USER", default_value = "unknown", value_name = "NAME")]
    pub(crate) by: String,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
