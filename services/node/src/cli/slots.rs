//! `nrwdirekt slot`, and moving appointments.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use clap::{Args, Subcommand};

use super::ServerArguments;
use super::calendar::local_time;

#[derive(Args, Debug)]
pub(crate) struct SlotArguments {
    #[command(subcommand)]
    pub(crate) action: SlotAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SlotAction {
    /// Slots of 15 minutes that can be booked with a department, and how many seats are free.
    List(SlotListArguments),
}

#[derive(Args, Debug)]
pub(crate) struct SlotListArguments {
    /// Whose slots.
    #[arg(long)]
    pub(crate) department: String,
    /// Only of this service.
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Only slots from this local time or day on, as 2026-12-23T14:00 or 2026-12-23.
    #[arg(long, value_name = "TIME", value_parser = begin)]
    pub(crate) from: Option<NaiveDateTime>,
    /// Only slots that begin before this local time, or until the end of this day.
    #[arg(long, value_name = "TIME", value_parser = end)]
    pub(crate) to: Option<NaiveDateTime>,
    /// Only slots with a free seat.
    #[arg(long)]
    pub(crate) free: bool,
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
pub(crate) struct RebookArguments {
    /// The number of the ticket.
    pub(crate) id: String,
    /// A slot, as local time 2026-12-23T14:00; several, if they follow one another.
    #[arg(long = "slot", value_name = "TIME", required = true)]
    pub(crate) slots: Vec<String>,
    /// Who moves it.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

fn begin(text: &str) -> Result<NaiveDateTime, String> {
    day(text).map_or_else(|| local_time(text), |day| Ok(day.and_time(NaiveTime::MIN)))
}

fn end(text: &str) -> Result<NaiveDateTime, String> {
    let next = |day: NaiveDate| day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
    day(text).map_or_else(|| local_time(text), |day| Ok(next(day)))
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()
}
