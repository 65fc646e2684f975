//! `nrwdirekt calendar`.

use chrono::{NaiveDate, NaiveDateTime};
use clap::{Args, Subcommand, ValueEnum};
use domain::service_time::DuePolicy;

#[derive(Args, Debug)]
pub(crate) struct CalendarArguments {
    #[command(subcommand)]
    pub(crate) action: CalendarAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CalendarAction {
    /// When an answer is due. Service time is Monday to Friday 8 to 18, not on public holidays. Needs no server.
    Due(DueArguments),
    /// The public holidays of North Rhine-Westphalia. Needs no server.
    Holidays {
        /// The year.
        #[arg(long, value_parser = clap::value_parser!(i32).range(1990..=9999))]
        year: i32,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct DueArguments {
    /// When the concern came in: local time without an offset, as 2026-12-23T16:30. In the hour that happens twice the
    /// first one is meant.
    #[arg(long, value_name = "TIME", value_parser = local_time)]
    pub(crate) from: NaiveDateTime,
    /// How hours are counted.
    #[arg(long, value_enum, default_value = "elapsed")]
    pub(crate) policy: DueRule,
    /// How many hours.
    #[arg(long, default_value_t = DuePolicy::PROMISED_HOURS, value_parser = clap::value_parser!(u16).range(1..=8760))]
    pub(crate) hours: u16,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DueRule {
    /// All hours but those of closed days, from the next opening on.
    #[value(name = "elapsed")]
    Elapsed,
    /// Hours of service time alone.
    #[value(name = "service_hours")]
    ServiceHours,
}

pub(crate) fn day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| "write a day as 2026-12-23".to_owned())
}

pub(crate) fn local_time(text: &str) -> Result<NaiveDateTime, String> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())
        .ok_or_else(|| "write a local time without an offset, as 2026-12-23T16:30".to_owned())
}
