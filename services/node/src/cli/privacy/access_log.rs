//! `nrwdirekt privacy access-log`.

use clap::Args;

use crate::cli::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct AccessLogArguments {
    /// Counts by day, page and outcome, and the masked networks of the last 48 hours, in place of single accesses.
    #[arg(long, conflicts_with_all = ["outcome", "resource", "max"])]
    pub(crate) statistics: bool,
    /// Only this page or method, as /vorgaenge/{ticket} or /nrwdirekt.calls.v1.Intake/SubmitReports.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) resource: Option<String>,
    /// Only this outcome, as 403 or permission_denied.
    #[arg(long, value_name = "STATUS")]
    pub(crate) outcome: Option<String>,
    /// Only from this local day on, as 2026-12-23, or, of single accesses, from this time, as 2026-12-23T16:30:00+01:00.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// Only before this local day or time.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub(crate) max: u32,
    /// One JSON object a line; statistics as one object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
