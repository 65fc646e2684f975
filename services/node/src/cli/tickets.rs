//! `nrwdirekt callback`, `ticket` and `department`.

use clap::{Args, Subcommand, ValueEnum};

use super::ServerArguments;

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
    /// As JSON.
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
    List {
        /// Only of this department.
        #[arg(long)]
        department: Option<String>,
        /// Only in these states, separated by commas.
        #[arg(long, value_delimiter = ',')]
        state: Vec<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        max: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplyType {
    /// The department works on it.
    Accepted,
    /// The citizen was called; --outcome says with what success.
    CallbackAttempted,
    /// The concern is answered.
    Answered,
    /// Not this department's; --suggest names a better one.
    Returned,
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
    /// The same id is applied once. Default: a new one.
    #[arg(long, value_name = "ID")]
    pub(crate) reply_id: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
