//! `nrwdirekt callback`, `ticket` and `department`.

use chrono::NaiveDateTime;
use clap::{Args, Subcommand, ValueEnum};

use super::calendar::local_time;
use super::{ConfigSource, RebookArguments, ServerArguments};

#[derive(Args, Debug)]
pub(crate) struct CallbackArguments {
    #[command(subcommand)]
    pub(crate) action: CallbackAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CallbackAction {
    /// Log a callback request: it becomes a ticket of the responsible department.
    Log(Box<LogArguments>),
}

/// A concern and a way to reach the citizen (phone or e-mail) are required; give no more than the concern needs.
#[derive(Args, Debug)]
pub(crate) struct LogArguments {
    /// The hotline that the citizen called.
    #[arg(long)]
    pub(crate) hotline: String,
    /// What it is about.
    #[arg(long)]
    pub(crate) concern: String,
    /// Telephone number.
    #[arg(long)]
    pub(crate) phone: Option<String>,
    /// E-mail address.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Salutation.
    #[arg(long)]
    pub(crate) salutation: Option<String>,
    /// Family name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// First name.
    #[arg(long)]
    pub(crate) first_name: Option<String>,
    /// Street.
    #[arg(long)]
    pub(crate) street: Option<String>,
    /// House number.
    #[arg(long)]
    pub(crate) house_number: Option<String>,
    /// Postal code: finds the department for the place.
    #[arg(long)]
    pub(crate) postal_code: Option<String>,
    /// Town.
    #[arg(long)]
    pub(crate) town: Option<String>,
    #[command(flatten)]
    pub(crate) logging: Logging,
}

/// How a request is logged, whatever it is about.
#[derive(Args, Debug)]
pub(crate) struct Logging {
    /// The call it came from: SOURCE/CALL-ID, or the 32 characters of its identity.
    #[arg(long)]
    pub(crate) call: Option<String>,
    /// Category of the concern.
    #[arg(long)]
    pub(crate) category: Option<String>,
    /// Who logs it.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// A repeated request with the same key gives the same ticket. Default: a new key.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Add the concern to this ticket, which is owed an answer, instead of making a second one. Of the other fields only
    /// a number or an e-mail address that is not the ticket's is kept.
    #[arg(long, value_name = "TICKET")]
    pub(crate) add_to: Option<String>,
    /// Another department than the one that the rules find.
    #[arg(
        long,
        value_name = "ID",
        requires = "department_reason",
        conflicts_with = "add_to"
    )]
    pub(crate) department: Option<String>,
    /// Why it goes to that department; the department reads it.
    #[arg(long, value_name = "TEXT", requires = "department")]
    pub(crate) department_reason: Option<String>,
    /// When the citizen wishes to be called back: local time, as 2026-12-23T14:00. The answer is not due before the
    /// window ends.
    #[arg(long, value_name = "TIME", requires = "wished_until")]
    pub(crate) wished_from: Option<String>,
    /// The end of the wished window.
    #[arg(long, value_name = "TIME", requires = "wished_from")]
    pub(crate) wished_until: Option<String>,
    /// As JSON; `open_tickets` are others of the citizen that are owed an answer, `recent_tickets` those that can be
    /// reopened.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct TicketArguments {
    #[command(subcommand)]
    pub(crate) action: TicketAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TicketAction {
    /// Log a request of any procedure: it becomes a ticket of the responsible department.
    Log(Box<TicketLogArguments>),
    /// A ticket with its history.
    Show {
        /// Its number.
        id: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Tickets, newest first.
    List(TicketListArguments),
    /// Tickets of a citizen that are owed an answer, newest first.
    Find(TicketFindArguments),
    /// Move an appointment to other slots: it gets all of them, or nothing changes.
    Rebook(RebookArguments),
    /// The citizen needs no answer any more, or has got it in another call.
    Withdraw(TicketActArguments),
    /// End a ticket by hand.
    Close(TicketActArguments),
    /// An answer is owed again on a ticket that was settled lately: the reason says what the citizen wants now.
    Reopen {
        /// The call in which the citizen said so: SOURCE/CALL-ID, or the 32 characters of its identity.
        #[arg(long)]
        call: Option<String>,
        #[command(flatten)]
        act: TicketActArguments,
    },
    /// Send a ticket to another department, which sees the reason.
    Reroute {
        /// Where it goes.
        #[arg(long)]
        department: String,
        #[command(flatten)]
        act: TicketActArguments,
    },
    /// Erase what a ticket says about the citizen, and tell every department that had it. Cannot be undone. The reason is
    /// kept: name the legal ground, and nothing personal.
    Erase(TicketActArguments),
}

#[derive(Args, Debug)]
pub(crate) struct TicketActArguments {
    /// The number of the ticket.
    pub(crate) id: String,
    /// Why; kept in its history.
    #[arg(long)]
    pub(crate) reason: String,
    /// Who does it.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// A repeated request with the same key changes nothing. Default: a new key.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// The register says which fields a procedure has: `nrwdirekt register show ID`.
#[derive(Args, Debug)]
pub(crate) struct TicketLogArguments {
    /// The procedure.
    #[arg(long, value_name = "ID")]
    pub(crate) procedure: String,
    /// What was entered into a field; may be given several times.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
    pub(crate) fields: Vec<(String, String)>,
    /// The hotline that the citizen called; needed for procedures that come by phone.
    #[arg(long)]
    pub(crate) hotline: Option<String>,
    #[command(flatten)]
    pub(crate) logging: Logging,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

#[derive(Args, Debug)]
pub(crate) struct TicketListArguments {
    /// Only of this procedure.
    #[arg(long, value_name = "ID")]
    pub(crate) procedure: Option<String>,
    /// Only of this department.
    #[arg(long)]
    pub(crate) department: Option<String>,
    /// Only in these states, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) state: Vec<String>,
    /// Only those that are owed an answer, and due before this local time, as 2026-12-23T16:30; the most urgent first.
    #[arg(long, value_name = "TIME", value_parser = local_time)]
    pub(crate) due_before: Option<NaiveDateTime>,
    /// Only those that are owed an answer and overdue, the most urgent first.
    #[arg(long, conflicts_with_all = ["due_before", "due_soon"])]
    pub(crate) overdue: bool,
    /// Only those that are owed an answer, and due within the time of warning; the most urgent first.
    #[arg(long, conflicts_with = "due_before")]
    pub(crate) due_soon: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Args, Debug)]
pub(crate) struct TicketFindArguments {
    /// The citizen's number, in any spelling.
    #[arg(long, conflicts_with = "name", required_unless_present = "name")]
    pub(crate) phone: Option<String>,
    /// The citizen's family name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The citizen's postal code.
    #[arg(long, requires = "name")]
    pub(crate) postal_code: Option<String>,
    /// Instead, those that were settled lately and can be reopened.
    #[arg(long)]
    pub(crate) recent: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

/// How tickets are listed.
#[derive(Args, Debug)]
pub(crate) struct Listing {
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
pub(crate) struct DepartmentArguments {
    #[command(subcommand)]
    pub(crate) action: DepartmentAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DepartmentAction {
    /// Show the tickets of a department as they come.
    Consume {
        /// Whose.
        #[arg(long)]
        department: String,
        /// Go on with new messages.
        #[arg(long)]
        follow: bool,
        /// End after so many messages.
        #[arg(long, value_name = "N")]
        max: Option<usize>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Reply to a ticket.
    Reply(ReplyArguments),
    /// Print the commands that let each department read and write its own topics on Apache Kafka, and no others.
    /// Needs no server, and changes nothing.
    Acls(AclsArguments),
}

#[derive(Args, Debug)]
pub(crate) struct AclsArguments {
    #[command(flatten)]
    pub(crate) config: ConfigSource,
    /// Only for this department.
    #[arg(long, value_name = "ID")]
    pub(crate) department: Option<String>,
    /// Also what this node needs, which is this user of Kafka, as User:NAME.
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) own_principal: Option<String>,
    /// The program to call, with arguments of its own if it needs any (--command-config FILE).
    #[arg(long, value_name = "PATH", default_value = "kafka-acls.sh")]
    pub(crate) tool: String,
    /// The brokers. Default: those of bus.url.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bootstrap_server: Option<String>,
    /// As JSON: the arguments of each command, without the program.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplyType {
    /// The department works on it.
    Accepted,
    /// The citizen was called; --outcome says with what success.
    CallbackAttempted,
    /// The concern is answered.
    Answered,
    /// The citizen cannot be reached, and will not be called again.
    Unreachable,
    /// Not this department's; --suggest names a better one.
    Returned,
    /// What was kept of an erased ticket is deleted.
    ErasureConfirmed,
    /// Nothing is done with a restricted ticket until it comes again.
    RestrictionConfirmed,
    /// What was put right in a ticket is right here too.
    RectificationConfirmed,
}

#[derive(Args, Debug)]
pub(crate) struct ReplyArguments {
    /// Whose reply.
    #[arg(long)]
    pub(crate) department: String,
    /// The ticket.
    #[arg(long)]
    pub(crate) ticket: String,
    /// What is replied.
    #[arg(long = "type", value_enum)]
    pub(crate) kind: ReplyType,
    /// For callback-attempted: reached, not_reached, busy, wrong_number …
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// A note; for returned, the reason.
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// For returned: the department that may be responsible.
    #[arg(long, value_name = "DEPARTMENT")]
    pub(crate) suggest: Option<String>,
    /// The version of the ticket that was seen: the reply is rejected if that is outdated.
    #[arg(long, value_name = "VERSION")]
    pub(crate) seen: Option<u32>,
    /// The same id is applied once. Default: a new one.
    #[arg(long, value_name = "ID")]
    pub(crate) reply_id: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
