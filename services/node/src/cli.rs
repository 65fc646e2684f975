//! The command line: an interface, kept stable.

mod backup;
mod calendar;
mod calls;
mod export;
mod live;
mod mail;
mod privacy;
mod register;
mod registrations;
mod rejected;
mod report;
mod route;
mod slots;
mod staffing;
mod tickets;
mod user;

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use backup::{
    BackupAction, BackupArguments, BackupKeyArguments, BackupListArguments, BackupVerifyArguments,
    RestoreArguments,
};
pub(crate) use calendar::{CalendarAction, CalendarArguments, DueArguments, DueRule};
pub(crate) use calls::{CallAction, CallArguments, CallListArguments, CallShowArguments};
pub(crate) use export::{ExportArguments, ExportEncoding};
pub(crate) use live::LiveArguments;
pub(crate) use mail::{MailAction, MailArguments};
pub(crate) use privacy::{
    AccessLogArguments, AuditAction, AuditListArguments, CaseActArguments, CaseAction, CaseOpenArguments,
    ConfirmArguments, EntriesArguments, EraseArguments, FindArguments, MarkArguments, OrdersArguments,
    PrivacyAction, PrivacyArguments, ProcessingRegisterArguments, RecipientArguments, RectifyArguments,
    RestrictArguments, RetentionAction, TellArguments, ToldOf,
};
pub(crate) use register::{RegisterAction, RegisterArguments, RegisterSource};
pub(crate) use registrations::{
    AccreditationAction, AccreditationArguments, NewsletterAction, NewsletterArguments, OfferListArguments,
};
pub(crate) use rejected::{
    DiscardArguments, RejectedAction, RejectedArguments, RejectedListArguments, RejectedShowArguments,
    RetryArguments,
};
pub(crate) use report::{
    ChangesArguments, CompareArguments, CsvEncoding, DaysArguments, FormArguments, GroupBy,
    IntervalsArguments, PercentilesArguments, ProfileArguments, PromiseArguments, Report, ReportArguments,
    ReportFormat, ScopeArguments, SealArguments, StatementsArguments, TotalsArguments,
};
pub(crate) use route::{
    RouteAction, RouteArguments, RouteCheckArguments, RouteExplainArguments, RulesSource,
};
pub(crate) use slots::{RebookArguments, SlotAction, SlotArguments, SlotListArguments};
pub(crate) use staffing::{ForecastArguments, LoadArguments, StaffingAction, StaffingArguments};
pub(crate) use tickets::{
    AclsArguments, CallbackAction, CallbackArguments, DepartmentAction, DepartmentArguments, Listing,
    LogArguments, Logging, ReplyArguments, ReplyType, TicketActArguments, TicketAction, TicketArguments,
    TicketFindArguments, TicketListArguments, TicketLogArguments,
};
pub(crate) use user::{UserAction, UserAddArguments, UserArguments, UserChangeArguments};

/// The hotline's call records, queue figures and callback tickets.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 something was rejected (and kept with its reason),
/// 4 no server, or it does not let us in.
#[derive(Debug, Parser)]
#[command(name = "nrwdirekt", version, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start every role in this process, in the foreground; Ctrl-C or SIGTERM ends it.
    Up(UpArguments),
    /// Start some roles beside others, on PostgreSQL and Kafka, whose schema and topics are checked, not changed.
    Serve(ServeArguments),
    /// Show, check or print a sample of the configuration.
    Config(ConfigArguments),
    /// Create the topics on the bus, or check them.
    Topics(TopicsArguments),
    /// Import files of a telephone system.
    Import(ImportArguments),
    /// Calls one by one.
    Call(CallArguments),
    /// Write call records into a file with the 24 headings of the hotline's export.
    Export(ExportArguments),
    /// Items that could not be counted: list, repair or discard them.
    Rejected(RejectedArguments),
    /// Figures.
    Report(Box<ReportArguments>),
    /// How many agents a load needs, by Erlang C.
    Staffing(Box<StaffingArguments>),
    /// Play a seeded hotline day and report it like a telephone system would.
    Simulate(Box<SimulateArguments>),
    /// Callback requests of citizens.
    Callback(CallbackArguments),
    /// Tickets and their history.
    Ticket(TicketArguments),
    /// Slots of appointments.
    Slot(SlotArguments),
    /// What can be asked for: procedures, their fields, legal basis and retention.
    Register(RegisterArguments),
    /// Which department is responsible, and why; check the rules.
    Route(RouteArguments),
    /// Service time: when an answer is due, and public holidays.
    Calendar(CalendarArguments),
    /// What a department does: receive its tickets, reply to them; what it may do on Kafka.
    Department(DepartmentArguments),
    /// Mails to departments without Kafka: which wait or failed, and why.
    Mail(MailArguments),
    /// Newsletters: who has subscribed, and their addresses for sending.
    Newsletter(NewsletterArguments),
    /// Accreditation to events: who has registered, exports, and the end of the entries.
    Accreditation(AccreditationArguments),
    /// For data protection officers: rights of data subjects, erasing, retention, the audit trail, the register, the access
    /// log.
    Privacy(PrivacyArguments),
    /// Take a backup, encrypted, while the node runs or when it is stopped; check and list backups; make a key pair.
    Backup(Box<BackupArguments>),
    /// Restore a backup: into a new data folder, or into an empty database.
    Restore(RestoreArguments),
    /// Users: who signs in, and what they are.
    User(UserArguments),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where the server is.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerArguments {
    /// The server. The token comes from NRWDIREKT_TOKEN, else from what a server of this user left on this machine.
    #[arg(long, env = "NRWDIREKT_SERVER", default_value = crate::config::DEFAULT_URL, value_name = "URL")]
    pub(crate) server: String,
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigSource {
    /// The configuration; without it the built-in sample applies.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Override a setting, for example ledger.horizon_s=60; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct StorageArguments {
    /// Address to listen on. Beyond loopback it is refused until TLS and tokens are configured.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// The bus: `embedded`, or kafka://HOST:PORT[,HOST:PORT].
    #[arg(long, value_name = "BUS")]
    pub(crate) bus: Option<String>,
    /// The store: `sqlite`, or postgres://USER@HOST:PORT/DATABASE.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct UpArguments {
    /// The data folder; created when it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigSource,
    /// No simulated day, no demo users.
    #[arg(long)]
    pub(crate) empty: bool,
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// Takes reports about calls.
    Intake,
    /// Turns reports into calls, visits and counts.
    Ledger,
    /// Turns requests of citizens into tickets.
    Ticketing,
    /// Exchanges tickets and replies with departments.
    Handover,
    /// Figures.
    Reporting,
    /// The audit trail.
    Privacy,
    /// Web pages, and signing in.
    Console,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// The roles, separated by commas.
    #[arg(long = "role", value_delimiter = ',', required = true, value_name = "ROLE")]
    pub(crate) roles: Vec<Role>,
    /// The data folder, for embedded storage.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigSource,
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Print the configuration in force, secrets masked.
    Show {
        #[command(flatten)]
        source: ConfigSource,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check the configuration; every fault is named with its remedy.
    Check {
        #[command(flatten)]
        source: ConfigSource,
    },
    /// Print the built-in sample, to start from.
    Sample {
        /// The departments, hotlines and routing rules instead.
        #[arg(long)]
        routing: bool,
        /// The policies, groups of hotlines and targets instead.
        #[arg(long, conflicts_with = "routing")]
        figures: bool,
    },
    /// Apply departments, hotlines, routing rules, procedures, policies and targets as the next version: every node takes it
    /// up within seconds, without a restart. What is not given stays as it is.
    Apply(RulesApplyArguments),
    /// The rules in force, or those of a version.
    Rules {
        /// This version; the newest unless given.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// Write its documents into this folder: routing.toml, figures.toml and register/.
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Every version of the rules, newest first: when it was applied, by whom, and why.
    History {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RulesApplyArguments {
    /// Departments, hotlines and routing rules.
    #[arg(long, value_name = "FILE")]
    pub(crate) routing: Option<PathBuf>,
    /// Further procedures, all of them: the *.toml files of this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) register: Option<PathBuf>,
    /// Policies, groups of hotlines and targets.
    #[arg(long, value_name = "FILE")]
    pub(crate) figures: Option<PathBuf>,
    /// Apply this version again instead.
    #[arg(long, value_name = "N", conflicts_with_all = ["routing", "register", "figures"])]
    pub(crate) version: Option<u32>,
    /// Only if this is the newest version now.
    #[arg(long, value_name = "N")]
    pub(crate) expect: Option<u32>,
    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
    /// Only check, and say what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Erase the entries of newsletters and events that these rules know no more.
    #[arg(long)]
    pub(crate) discard_entries: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct TopicsArguments {
    #[command(subcommand)]
    pub(crate) action: TopicsAction,
}

#[derive(Args, Debug)]
pub(crate) struct TopicsTarget {
    #[command(flatten)]
    pub(crate) config: ConfigSource,
    /// The bus: kafka://HOST:PORT[,HOST:PORT], or `embedded` with --data.
    #[arg(long, value_name = "BUS")]
    pub(crate) bus: Option<String>,
    /// The data folder of an embedded bus; its node must not be running.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsAction {
    /// Create missing topics and correct policies.
    Apply(TopicsTarget),
    /// Say what is missing or different; changes nothing. Exit code 1 when a node could not work with it.
    Check(TopicsTarget),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// The hotline's export: 24 German headings, separated by `;`, `,` or tabs.
    HotlineExport,
    /// Asterisk's queue_log.
    QueueLog,
    /// Asterisk's call detail records, cdr_csv.
    Cdr,
    /// Asterisk's channel events, cel_custom.
    Cel,
    /// Our own records, events and agent states, a JSON object a line.
    Jsonl,
}

impl ImportFormat {
    /// The name on the command line, and of the source unless it is given.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HotlineExport => "hotline-export",
            Self::QueueLog => "queue-log",
            Self::Cdr => "cdr",
            Self::Cel => "cel",
            Self::Jsonl => "jsonl",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// The format of the files.
    #[arg(long, value_enum)]
    pub(crate) format: ImportFormat,
    /// The files, in the order given; `-` is standard input. Files packed with gzip or zstd are unpacked.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The name of the feed; calls are told apart within it. Default: the format's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Go on as FILE grows and is rotated, until interrupted; of a folder, take new files once they are complete; of
    /// standard input, send what came as soon as it is quiet. A restart goes on where it stopped.
    #[arg(long)]
    pub(crate) follow: bool,
    /// A map that adds to the built-in one (schemas/imports): headings, words, queues, hotlines.
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// What a local time in the hour that happens twice means.
    #[arg(long, value_name = "POLICY", default_value = "by-order", value_parser = double_hour)]
    pub(crate) double_hour: importer::DoubleHour,
    /// Make the files the truth of their source for these local days: its calls that began then and are not in the
    /// files are retracted. Waits for the figures.
    #[arg(long, value_name = "FROM..TO", conflicts_with_all = ["follow", "reconcile"])]
    pub(crate) replace: Option<crate::commands::import::Days>,
    /// Send nothing: compare the files with the calls that are kept, and list what differs. Exit code 3 if anything does.
    #[arg(long, conflicts_with = "follow")]
    pub(crate) reconcile: bool,
    /// Compare with the calls of this feed alone.
    #[arg(long = "with", value_name = "SOURCE", requires = "reconcile")]
    pub(crate) with_source: Option<String>,
    /// End only when everything sent is in the figures.
    #[arg(long)]
    pub(crate) wait: bool,
    /// The last line of output is a JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

fn double_hour(name: &str) -> Result<importer::DoubleHour, String> {
    importer::DoubleHour::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = importer::DoubleHour::ALL
            .iter()
            .map(|policy| policy.name())
            .collect();
        format!("use one of {}", names.join(", "))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FeedForm {
    /// Finished records, each when its call is over.
    Records,
    /// Life-cycle events as they happen.
    Events,
}

#[derive(Args, Debug)]
pub(crate) struct SimulateArguments {
    /// The same seed gives the same days.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The first day, local. Default: the last complete day of service.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// The day after the last, local. Default: one day.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    /// What is reported.
    #[arg(long = "as", value_enum, default_value = "records")]
    pub(crate) form: FeedForm,
    /// Simulated seconds a second: 1 is live. Default: as fast as possible.
    #[arg(long, value_name = "FACTOR")]
    pub(crate) speed: Option<f64>,
    /// Duplicates, disorder, late reports and missing ends.
    #[arg(long)]
    pub(crate) dirt: bool,
    /// Log the callback requests of the day as well.
    #[arg(long)]
    pub(crate) callbacks: bool,
    /// Inbound calls on a usual day; agents are scaled with them.
    #[arg(long, value_name = "CALLS")]
    pub(crate) calls_per_day: Option<f64>,
    /// A profile of the hotline, as TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Write the figures that a correct processor must report, as `report totals --json` has them.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Only compute the truth; send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The name of the feed.
    #[arg(long, default_value = "simulator", value_name = "NAME")]
    pub(crate) source: String,
    /// End only when everything sent is in the figures.
    #[arg(long)]
    pub(crate) wait: bool,
    /// The last line of output is a JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
