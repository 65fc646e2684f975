//! Procedures: what citizens may ask for, which fields belong to it, on what legal basis, and how long it is kept.
//!
//! The register (`schemas/register/`, one file a procedure) is the one source of fields: validation, the schemas of
//! departments and forms are made from it. A procedure whose kind is a ticket can be logged; for one whose kind is an entry
//! people register themselves ([`crate::registration`]); the others stand in the register of processing activities
//! (Art. 30 GDPR) alone.

mod checks;
mod fault;
mod fields;
mod head;
mod rectified;
mod register;
mod request;
mod schema;
mod written;

use crate::ids::DepartmentId;
pub use crate::ids::{FieldId, ProcedureId};
use crate::named::named;
pub use checks::check_line;
pub(crate) use checks::is_email;
pub use fault::{FaultCode, FieldFault};
pub use fields::{Fields, name_key};
pub use head::{Head, Party};
pub use register::{Register, RegisterFault, RegisterFile};
pub use request::{CheckedRequest, Circumstances};
pub use schema::request_schema;

/// The procedure that tickets have unless they say otherwise: a callback request.
pub const CALLBACK: &str = "callback";

/// The procedure that says how long records of calls are kept.
pub const CALL_RECORDS: &str = "call-records";
/// The entry that says how long rejected items are kept.
pub const REJECTED_ITEMS: &str = "rejected-items";
/// The entry that says how long replies to tickets that are not known are kept.
pub const REJECTED_REPLIES: &str = "rejected-replies";
/// The entry that says how long the audit trail is kept.
pub const AUDIT_TRAIL: &str = "audit-trail";

impl ProcedureId {
    /// The callback request.
    pub fn callback() -> Self {
        Self::new(CALLBACK)
    }
}

/// A procedure, as the register declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Procedure {
    /// Its id.
    pub id: ProcedureId,
    /// Its name for people, in German.
    pub title: String,
    /// What becomes of a request.
    pub kind: Kind,
    /// What the data is for.
    pub purpose: String,
    /// Legal bases, as citations.
    pub legal_basis: Vec<String>,
    /// Whose data it is: categories of persons.
    pub persons: Vec<String>,
    /// Who receives the data.
    pub recipients: Vec<String>,
    /// Who processes it on behalf of the controller.
    pub processors: Vec<String>,
    /// How long it is kept.
    pub retention: Retention,
    /// Its fields, in the order of the form.
    pub fields: Vec<FieldRule>,
}

/// What becomes of a request of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A ticket.
    Ticket(TicketRules),
    /// An entry for an offer, which the person confirms by mail.
    Entry(EntryRules),
    /// Neither: only an entry of the register of processing activities.
    Record,
}

impl Kind {
    /// The name, as the register writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
            Self::Entry(_) => "entry",
            Self::Record => "record",
        }
    }
}

/// Callbacks in a row that reach nobody until no further one is owed, unless the register says otherwise.
pub const UNREACHABLE_AFTER: u32 = 3;

/// What holds for the tickets of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRules {
    /// The department that gets all of them; else routing decides.
    pub department: Option<DepartmentId>,
    /// Whether they come by phone: then the hotline must be named.
    pub by_phone: bool,
    /// Whether the call that led to one counts as answered with a ticket.
    pub counts_as_callback: bool,
    /// Fields of which one must be given, so that the citizen can be answered; none if it does not matter.
    pub reachable_by: Vec<FieldId>,
    /// The fields that say what the citizen wants: routing reads them.
    pub concern: Vec<FieldId>,
    /// After so many callbacks in a row that reach nobody, no further one is owed.
    pub unreachable_after: u32,
}

/// What holds for the entries of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRules {
    /// What people register for.
    pub offers: OfferKind,
    /// Days until an entry that was not confirmed is gone.
    pub confirm_within_days: u32,
    /// What people consent to, in German.
    pub consent: String,
}

named! {
    /// What people register for.
    OfferKind {
        /// Newsletters of the rules.
        Newsletters = "newsletters",
        /// Events of the rules.
        Events = "events",
    }
}

/// How long data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What the period begins with.
    pub after: RetentionEvent,
    /// How long it is.
    pub period: Period,
    /// The rule as a sentence, in German.
    pub text: String,
}

/// A period of retention, in units of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Days; 0 is at once.
    Days(u32),
    /// Months.
    Months(u32),
    /// Years.
    Years(u32),
}

named! {
    /// What a period of retention begins with.
    RetentionEvent {
        /// The ticket was settled: nobody has handled it since.
        LastHandled = "last_handled",
        /// What was ordered was sent.
        Dispatched = "dispatched",
        /// The appointment is over.
        AppointmentOver = "appointment_over",
        /// The later of the call and its first reception.
        Call = "call",
        /// The data was received.
        Reception = "reception",
        /// The citizen unsubscribed, or cannot be reached.
        Unsubscribed = "unsubscribed",
        /// The deadline of a registration.
        Deadline = "deadline",
        /// Somebody removed it: until then it is kept.
        Removed = "removed",
    }
}

/// A field of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// Its id.
    pub id: FieldId,
    /// Its name for people, in German.
    pub title: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// Fields that must be given with it.
    pub requires: Vec<FieldId>,
    /// It may be given only together with this field.
    pub only_with: Option<FieldId>,
    /// The system adds it; a client must not send it.
    pub from_system: bool,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of at most so many characters.
    Line(usize),
    /// Lines of at most so many characters together.
    Text(usize),
    /// An e-mail address.
    Email,
    /// A telephone number as people write it.
    Phone,
    /// A German postal code.
    PostalCode,
    /// An account, with its check digits.
    Iban,
    /// A bank.
    Bic,
    /// `true` or `false`.
    Boolean,
    /// A whole number, not below 0.
    Number,
    /// A day, as 2026-12-23.
    Date,
    /// A moment with its offset, as 2026-12-23T16:30:00+01:00.
    Timestamp,
    /// An address of the internet, of version 4 or 6.
    IpAddress,
    /// One of these.
    Choice(Vec<String>),
}

impl FieldKind {
    /// The name, as the register writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Text(_) => "text",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::PostalCode => "postal_code",
            Self::Iban => "iban",
            Self::Bic => "bic",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::IpAddress => "ip_address",
            Self::Choice(_) => "choice",
        }
    }

    /// Characters that it has at most.
    pub fn longest(&self) -> usize {
        match self {
            Self::Line(longest) | Self::Text(longest) => *longest,
            Self::Email => 254,
            Self::Phone => 40,
            Self::PostalCode => 5,
            Self::Iban => 42,
            Self::Bic => 11,
            Self::Boolean => 5,
            Self::Number => 18,
            Self::Date => 10,
            Self::Timestamp => 40,
            Self::IpAddress => 45,
            Self::Choice(options) => options
                .iter()
                .map(|option| option.chars().count())
                .max()
                .unwrap_or(0),
        }
    }
}

/// The field that names the slots of an appointment, one a line.
pub const SLOTS: &str = "slots";
/// The field that says whether an appointment is by video.
pub const VIDEO: &str = "video";
/// The field with the place where one meets by video, which the system adds.
pub const VIDEO_LINK: &str = "video_link";
/// The field that says what slots are for.
pub const SERVICE: &str = "service";

impl Procedure {
    /// Whether its requests book slots, where departments offer any.
    pub fn books_slots(&self) -> bool {
        self.field(SLOTS).is_some()
    }

    /// The rules of its tickets; `None` if it makes none.
    pub fn ticket_rules(&self) -> Option<&TicketRules> {
        match &self.kind {
            Kind::Ticket(rules) => Some(rules),
            Kind::Entry(_) | Kind::Record => None,
        }
    }

    /// The rules of its entries; `None` if it makes none.
    pub fn entry_rules(&self) -> Option<&EntryRules> {
        match &self.kind {
            Kind::Entry(rules) => Some(rules),
            Kind::Ticket(_) | Kind::Record => None,
        }
    }

    /// The rule of a field.
    pub fn field(&self, id: &str) -> Option<&FieldRule> {
        self.fields.iter().find(|field| field.id.as_str() == id)
    }

    /// Why a ticket goes to the department that the register names, in German.
    pub fn because(&self) -> String {
        format!("Verfahren „{}“: Zuständigkeit laut Verzeichnis.", self.title)
    }
}

#[cfg(test)]
mod tests;
