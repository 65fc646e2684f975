//! `nrwdirekt staffing`.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::calendar::day;
use super::{FormArguments, ServerArguments};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct StaffingArguments {
    #[command(subcommand)]
    pub(crate) action: Option<StaffingAction>,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StaffingAction {
    /// The agents that the next days need, by the average of the last weeks: in service time, holidays left out.
    ///
    /// A day is expected to be as this weekday was on average in the last weeks. There is no trend and no season: where calls
    /// grow, take fewer --weeks, or plan for more.
    Forecast(ForecastArguments),
}

/// A load; needs no server.
#[derive(Args, Debug)]
pub(crate) struct LoadArguments {
    /// Visits offered in the interval.
    #[arg(long, value_name = "N")]
    pub(crate) offered: Option<f64>,
    /// Length of the interval, such as 15m, 30m or 1h.
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = length)]
    pub(crate) interval: Length,
    /// Average handling time in seconds: talk, hold and after-call work.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) aht: Option<f64>,
    #[command(flatten)]
    pub(crate) wanted: WantedArguments,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ForecastArguments {
    /// Only this hotline; several are one team.
    #[arg(long = "hotline", value_name = "NAME")]
    pub(crate) hotlines: Vec<String>,
    /// The first day, local; tomorrow unless given.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) from: Option<NaiveDate>,
    /// How many days.
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=92))]
    pub(crate) days: u32,
    /// How many weeks before today the average is taken of.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=104))]
    pub(crate) weeks: u32,
    /// The length of the intervals: 15m, 30m or 1h.
    #[arg(long, default_value = "30m", value_name = "LENGTH")]
    pub(crate) interval: String,
    #[command(flatten)]
    pub(crate) wanted: WantedArguments,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// What is promised to callers, and to agents.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct WantedArguments {
    /// The share of visits that is to be answered in time, below 1.
    #[arg(long, default_value_t = 0.75, value_name = "SHARE")]
    pub(crate) target: f64,
    /// What in time is, in seconds.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    pub(crate) within: f64,
    /// The share of their paid time that agents are away.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub(crate) shrinkage: f64,
    /// The share of their time that agents are busy at most; 1 limits nothing.
    #[arg(long, default_value_t = 1.0, value_name = "SHARE")]
    pub(crate) max_occupancy: f64,
}

/// Seconds, written with their unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length(pub(crate) u32);

fn length(text: &str) -> Result<Length, String> {
    let seconds_by_unit = [('s', 1), ('m', 60), ('h', 3600)];
    seconds_by_unit
        .into_iter()
        .find_map(|(unit, seconds)| {
            let count: u32 = text.trim().strip_suffix(unit)?.parse().ok()?;
            count.checked_mul(seconds).filter(|seconds| *seconds > 0)
        })
        .map(Length)
        .ok_or_else(|| "write a length with its unit, as 30m or 1h".to_owned())
}
