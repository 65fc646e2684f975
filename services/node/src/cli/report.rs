//! `nrwdirekt report`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use super::calendar::day;
use super::{LiveArguments, RejectedListArguments, ServerArguments};

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    #[command(subcommand)]
    pub(crate) report: Report,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// Sums over a range of local days.
    Totals(TotalsArguments),
    /// Figures by interval, from 15 minutes to months: every interval of the range, empty ones too.
    Intervals(IntervalsArguments),
    /// Percentiles of the times to answer and to abandon, each with the bound of its error.
    Percentiles(PercentilesArguments),
    /// What goes on now: queues, agents, and the figures of the running interval and day.
    Live(LiveArguments),
    /// The targets of the rules: kept or missed, by interval, day and month, and how many more may miss.
    Promise(PromiseArguments),
    /// What a week is like: averages by weekday and interval.
    Profile(ProfileArguments),
    /// Two periods side by side.
    Compare(CompareArguments),
    /// What has moved since a report: by interval, hotline and task type.
    Changes(ChangesArguments),
    /// Seal the figures of days that are over: what comes later does not change the statement.
    Seal(SealArguments),
    /// Sealed figures, and beside them what the days are now.
    Statements(StatementsArguments),
    /// Sums of single agents; refused unless the configuration allows them.
    Agents {
        /// The first day, local; else as far back as agents are known.
        #[arg(long, value_name = "DATE", value_parser = day)]
        from: Option<NaiveDate>,
        /// The day after the last, local; else until now.
        #[arg(long, value_name = "DATE", value_parser = day)]
        to: Option<NaiveDate>,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// The same as `rejected list`.
    Rejected(RejectedListArguments),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupBy {
    /// A group for each hotline.
    Hotline,
    /// The groups of the rules; a hotline that is in none stands by itself.
    Group,
}

/// Local days, half-open.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct DaysArguments {
    /// The first day, local.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) from: NaiveDate,
    /// The day after the last, local.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) to: NaiveDate,
}

/// What a report is about, beside its days.
#[derive(Args, Clone, Debug)]
pub(crate) struct ScopeArguments {
    /// Groups beside the total.
    #[arg(long, value_enum)]
    pub(crate) by: Option<GroupBy>,
    /// Only this hotline; may be given several times.
    #[arg(long = "hotline", value_name = "NAME")]
    pub(crate) hotlines: Vec<String>,
    /// The zone that days and intervals are cut in.
    #[arg(long, default_value = "Europe/Berlin", value_name = "ZONE")]
    pub(crate) zone: String,
    /// The service level policy, such as of-answered; the default one of the rules unless given.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub(crate) policy: String,
    /// Thresholds in whole seconds, inclusive, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "20,30", value_name = "SECONDS")]
    pub(crate) within: Vec<u32>,
    /// Task types, separated by commas; `contacts` always counts all.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "inbound_call",
        value_name = "TYPES"
    )]
    pub(crate) task_type: Vec<String>,
}

/// How a report is written.
#[derive(Args, Clone, Debug)]
pub(crate) struct FormArguments {
    /// As JSON; the same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The form of the report.
    #[arg(long, value_enum, default_value = "table")]
    format: ReportFormat,
    /// The file, which is overwritten once the report is complete. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How the letters of CSV are written.
    #[arg(long, value_enum, default_value = "utf-8")]
    pub(crate) encoding: CsvEncoding,
}

impl FormArguments {
    /// The form that was asked for.
    pub(crate) fn format(&self) -> ReportFormat {
        if self.json {
            ReportFormat::Json
        } else {
            self.format
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// German headings and decimal commas, separated by `;`.
    Csv,
    /// A workbook with charts.
    Xlsx,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CsvEncoding {
    /// UTF-8, without byte order mark.
    #[value(name = "utf-8")]
    Utf8,
    /// UTF-8 with byte order mark, by which Excel knows it.
    #[value(name = "utf-8-bom")]
    Utf8Bom,
    /// Windows-1252.
    #[value(name = "windows-1252")]
    Windows1252,
}

#[derive(Args, Debug)]
pub(crate) struct TotalsArguments {
    #[command(flatten)]
    pub(crate) days: DaysArguments,
    #[command(flatten)]
    pub(crate) scope: ScopeArguments,
    /// Also by interval, as `report intervals` tells them: 15m, 30m, 1h, 1d, 1w (from Monday) or 1M.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) interval: Option<String>,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct IntervalsArguments {
    #[command(flatten)]
    pub(crate) days: DaysArguments,
    #[command(flatten)]
    pub(crate) scope: ScopeArguments,
    /// The length of the intervals: 15m, 30m, 1h, 1d, 1w (from Monday) or 1M.
    #[arg(long, default_value = "15m", value_name = "LENGTH")]
    pub(crate) interval: String,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct PercentilesArguments {
    #[command(flatten)]
    pub(crate) days: DaysArguments,
    #[command(flatten)]
    pub(crate) scope: ScopeArguments,
    /// Which percentiles, in whole per cent, separated by commas.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "50,80,90,95,99",
        value_name = "PER_CENT"
    )]
    pub(crate) percentiles: Vec<u32>,
    /// Also by interval: 15m, 30m, 1h, 1d, 1w (from Monday) or 1M.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) interval: Option<String>,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct PromiseArguments {
    #[command(flatten)]
    pub(crate) days: DaysArguments,
    /// The zone that days and intervals are cut in.
    #[arg(long, default_value = "Europe/Berlin", value_name = "ZONE")]
    pub(crate) zone: String,
    /// The length of the intervals: 15m, 30m, 1h, 1d, 1w or 1M.
    #[arg(long, default_value = "1d", value_name = "LENGTH")]
    pub(crate) interval: String,
    /// Each hotline by itself, held to the target that it is under; else the targets as the rules have them.
    #[arg(long, value_enum)]
    pub(crate) by: Option<GroupBy>,
    /// The policy that service levels are held to the targets by; unless given, what the targets say.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ProfileArguments {
    #[command(flatten)]
    pub(crate) days: DaysArguments,
    #[command(flatten)]
    pub(crate) scope: ScopeArguments,
    /// The length of the intervals: 15m, 30m or 1h.
    #[arg(long, default_value = "1h", value_name = "LENGTH")]
    pub(crate) interval: String,
    /// Leave out days without service time: weekends, holidays and closed days.
    #[arg(long)]
    pub(crate) service_days: bool,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    #[command(flatten)]
    pub(crate) days: DaysArguments,
    /// The first day of the period to compare with, local.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) with_from: NaiveDate,
    /// The day after its last, local.
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) with_to: NaiveDate,
    #[command(flatten)]
    pub(crate) scope: ScopeArguments,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ChangesArguments {
    /// `as_of` of the report.
    #[arg(long, value_name = "VERSION")]
    pub(crate) since: String,
    /// Only from this local day on.
    #[arg(long, value_name = "DATE", requires = "to")]
    pub(crate) from: Option<NaiveDate>,
    /// Only before this local day.
    #[arg(long, value_name = "DATE", requires = "from")]
    pub(crate) to: Option<NaiveDate>,
    /// Only this hotline; may be given several times.
    #[arg(long = "hotline", value_name = "NAME")]
    pub(crate) hotlines: Vec<String>,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct SealArguments {
    #[command(flatten)]
    pub(crate) days: DaysArguments,
    /// Why; kept with the statement.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who says so; the user of this machine unless given.
    #[arg(long, env = "USER", value_name = "NAME")]
    pub(crate) by: String,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct StatementsArguments {
    /// This statement, with its figures; without it all are listed.
    #[arg(long, value_name = "N")]
    pub(crate) id: Option<i64>,
    /// Groups beside the total.
    #[arg(long)]
    pub(crate) by_hotline: bool,
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
