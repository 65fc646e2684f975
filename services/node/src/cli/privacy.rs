//! `nrwdirekt privacy`.

mod access_log;
mod cases;
mod entries;
mod register;
mod rights;

pub(crate) use access_log::AccessLogArguments;
pub(crate) use cases::{CaseActArguments, CaseAction, CaseOpenArguments};
use clap::{Args, Subcommand};
pub(crate) use entries::EntriesArguments;
pub(crate) use register::ProcessingRegisterArguments;
pub(crate) use rights::{
    ConfirmArguments, FindArguments, MarkArguments, RecipientArguments, RectifyArguments, RestrictArguments,
    TellArguments, ToldOf,
};

use super::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct PrivacyArguments {
    #[command(subcommand)]
    pub(crate) action: PrivacyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PrivacyAction {
    /// Find what is kept of a person: tickets of every state, entries for newsletters and events, calls, rejected items. Two names on one number are two
    /// persons.
    Find(FindArguments),
    /// Tell a person what is kept of him or her (Art. 15 GDPR): a document to be read and printed, in German.
    Access(TellArguments),
    /// The same as data to be used elsewhere (Art. 20 GDPR): JSON, by schemas/privacy/portability.v1.schema.json.
    Portability(TellArguments),
    /// Put right what a ticket says (Art. 16 GDPR), by the rules of its procedure. Who has or had it is told.
    Rectify(RectifyArguments),
    /// Keep what there is, in no list, export or hand-over, until that is lifted (Art. 18 GDPR). Who has or had it is told.
    Restrict(RestrictArguments),
    /// Lift a restriction: tickets go on where they were.
    Lift(RestrictArguments),
    /// Departments that were told of a rectification, a restriction or an erasure, and have confirmed it or not (Art. 19
    /// GDPR).
    Recipients(RecipientArguments),
    /// Note that a department has confirmed in another way than by a reply, such as a letter.
    Confirm(ConfirmArguments),
    /// What persons ask for by right, with the time until which it is to be answered (Art. 12 GDPR).
    Case {
        #[command(subcommand)]
        action: CaseAction,
    },
    /// What somebody has registered for, newsletters and events, by e-mail address; or erase it.
    Entries(EntriesArguments),
    /// Who has seen or done what.
    Audit {
        #[command(subcommand)]
        action: AuditAction,
    },
    /// What is processed, for what, by which law, for whom, how long and where: the register of Art. 30 GDPR.
    ///
    /// A server answers by the rules in force. With --local, --config, --set or --folder no server is asked: the register of
    /// the configuration is told, else the built-in one. So is it, with a note, where no server was named and none runs on
    /// this machine.
    Register(Box<ProcessingRegisterArguments>),
    /// Who asked for which page or method, from where: of the last 48 hours, for administrators. That it was read is noted.
    AccessLog(AccessLogArguments),
    /// Erase what is known about a person, in every copy. The order is durable when it is answered; what is pending then goes
    /// on by itself, also after a crash. The same request again is answered by the same order.
    Erase(EraseArguments),
    /// Orders to erase, newest first, and how far they have come.
    Orders(OrdersArguments),
    /// Deleting what is kept no longer: what would go, letting it go, and the proof of what went.
    Retention {
        #[command(subcommand)]
        action: RetentionAction,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionAction {
    /// What would go by which rule. Deletes nothing.
    Plan {
        /// What would go at this local day or time instead of now.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Delete what is past, and wait for it. Figures stay as they are. A run that was cut short is gone on with.
    Run {
        /// One JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// What went in each run and by which rule, newest first. Names nobody.
    Runs {
        /// At most so many.
        #[arg(long, default_value_t = 20)]
        max: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditAction {
    /// Entries of the audit trail, newest first. That they were read is noted too.
    List(AuditListArguments),
    /// Read the whole trail again: an entry that is missing or was changed is named. Exit code 1 if there is one.
    Verify {
        /// A head that was noted down earlier: the entry that it belongs to must be there, or be one that retention has cut,
        /// so that a cut end is found.
        #[arg(long, value_name = "HEX")]
        head: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Args, Debug)]
pub(crate) struct AuditListArguments {
    /// Only what this user or token did.
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Only what was done to this: the number of a ticket, the identity of a call, the name of a user.
    #[arg(long, visible_alias = "ticket", value_name = "ID")]
    pub(crate) subject: Option<String>,
    /// Only this action, such as ticket_read.
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// Only from this local day on, as 2026-12-23, or from this time, as 2026-12-23T16:30:00+01:00.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// Only before this local day or time.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
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
pub(crate) struct EraseArguments {
    /// The number of a ticket: it loses everything about the citizen, and the calls that led to it lose who called. May be
    /// given several times.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ticket: Vec<String>,
    /// The identity of a call: it loses who called. May be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) call: Vec<String>,
    /// The id of an entry for a newsletter or an event, as `privacy find` shows it: the consent is withdrawn and it goes
    /// without a trace. May be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) entry: Vec<String>,
    /// All tickets, calls and entries of a person with this telephone number, in any spelling.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
    /// … with this e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// … with this family name: tells persons apart who share a number.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// … with this first name.
    #[arg(long, value_name = "NAME")]
    pub(crate) first_name: Option<String>,
    /// … with this postal code.
    #[arg(long, value_name = "CODE")]
    pub(crate) postal_code: Option<String>,
    /// Everything of whoever this ticket is of, instead of saying what the person is known by.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) person_of: Option<String>,
    /// Why. It is recorded with the order, so no personal data.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Only tell what would be erased, where, until when, and what would stay; nothing is ordered.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The case of the person's right that it belongs to.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: Option<u64>,
    /// One a request; made up unless given.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// As JSON: order, erased places, pending places with the time until when, recipients, what is kept and why.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct OrdersArguments {
    /// Only this order, with every place.
    #[arg(value_name = "ORDER")]
    pub(crate) order: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub(crate) max: u32,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
