//! A ticket as pages show it: for departments, supervisors and data protection alike.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::procedure::VIDEO_LINK;
use domain::ticket::{AddedField, AddedPart, AttemptOutcome, TicketState};
use tonic::Code;
use wire::v1::tickets as proto;

use crate::format;
use crate::trouble::Trouble;
use crate::visitor::Visitor;
use crate::words::{self, Badge};

/// Departments by id, for their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departments(BTreeMap<String, String>);

impl Departments {
    /// Those of the rules in force.
    pub(crate) async fn of(visitor: &Visitor) -> Result<Self, Trouble> {
        let mut ticketing = visitor.services.ticketing();
        let described = ticketing
            .describe_routing(proto::DescribeRoutingRequest {})
            .await?;
        let named = described.into_inner().departments.into_iter();
        Ok(Self(named.map(|it| (it.id, it.name)).collect()))
    }

    /// The name of a department; its id if it has gone.
    pub(crate) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }

    /// All but one, by name: for a choice.
    pub(crate) fn others(&self, but: &str) -> Vec<Choice> {
        let mut choices: Vec<Choice> = self
            .0
            .iter()
            .filter(|(id, _)| *id != but)
            .map(Choice::of)
            .collect();
        choices.sort_by(|one, other| one.name.cmp(&other.name));
        choices
    }
}

/// Something to be chosen.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// For programs.
    pub(crate) id: String,
    /// For people.
    pub(crate) name: String,
}

impl Choice {
    fn of((id, name): (&String, &String)) -> Self {
        Self {
            id: id.clone(),
            name: name.clone(),
        }
    }
}

/// A time, for people and for machines.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    pub(crate) text: String,
    pub(crate) machine: String,
}

impl Time {
    pub(crate) fn at(unix_ms: i64) -> Self {
        Self {
            text: format::day_and_time(unix_ms),
            machine: format::machine(unix_ms),
        }
    }

    pub(crate) fn short(unix_ms: i64) -> Self {
        Self {
            text: format::weekday_and_time(unix_ms),
            machine: format::machine(unix_ms),
        }
    }
}

/// A field of the register with what was given.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) title: String,
    pub(crate) value: String,
    /// Where a click leads, for numbers and addresses; empty elsewhere.
    pub(crate) link: String,
}

/// What was said in a later call.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub(crate) at: Time,
    pub(crate) concern: String,
    pub(crate) phone: String,
    pub(crate) email: String,
}

/// A line of the history.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Time,
    pub(crate) actor: String,
    pub(crate) action: &'static str,
    pub(crate) note: String,
}

/// A ticket for a page.
#[derive(Clone, Debug)]
pub(crate) struct ShownTicket {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) state: Badge,
    pub(crate) state_name: String,
    pub(crate) is_owed: bool,
    pub(crate) urgency: Option<Badge>,
    pub(crate) due: Time,
    pub(crate) created: Time,
    pub(crate) settled: Option<Time>,
    pub(crate) department_name: String,
    pub(crate) procedure: String,
    pub(crate) hotline: String,
    pub(crate) category: String,
    pub(crate) because: String,
    pub(crate) returned_because: String,
    pub(crate) attempts: u32,
    pub(crate) wished: Option<(Time, Time)>,
    pub(crate) appointment: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) added: Vec<Added>,
    pub(crate) history: Vec<Entry>,
    pub(crate) masked: bool,
    /// What the citizen wants, shortened; empty where it is not to be seen.
    pub(crate) concern: String,
    /// The citizen; empty where it is not to be seen.
    pub(crate) citizen: String,
}

/// Letters of a concern in a list.
const SHORT: usize = 90;

impl ShownTicket {
    /// A ticket with the names of its procedure and department; `now` says how urgent it is.
    pub(crate) fn of(
        ticket: proto::Ticket,
        procedures: &[proto::Procedure],
        departments: &Departments,
        now: DateTime<Utc>,
    ) -> Self {
        let procedure = procedures.iter().find(|it| it.id == ticket.procedure);
        let is_owed = TicketState::from_name(&ticket.state).is_some_and(TicketState::is_pending);
        let wished = ticket.wished.as_ref();
        Self {
            state: words::state(&ticket.state),
            is_owed,
            urgency: urgency(&ticket, is_owed, now),
            due: Time::short(ticket.due_at_unix_ms),
            created: Time::at(ticket.created_at_unix_ms),
            settled: ticket.settled_at_unix_ms.map(Time::at),
            department_name: departments.name(&ticket.department).to_owned(),
            procedure: procedure.map_or_else(|| ticket.procedure.clone(), |it| it.title.clone()),
            wished: wished.map(|it| (Time::short(it.from_unix_ms), Time::short(it.until_unix_ms))),
            appointment: ticket.appointment.as_ref().map(appointment).unwrap_or_default(),
            fields: fields(&ticket, procedure),
            concern: concern(&ticket, procedure),
            citizen: citizen(&ticket),
            added: ticket.added.iter().map(added).collect(),
            history: ticket
                .history
                .iter()
                .map(|it| entry(it, procedure, departments))
                .collect(),
            id: ticket.ticket_id,
            version: ticket.version,
            state_name: ticket.state,
            hotline: ticket.hotline,
            category: ticket.category,
            because: ticket.because,
            returned_because: ticket.returned_because,
            attempts: ticket.attempts,
            masked: ticket.masked,
        }
    }

    /// Whether it stands in one of these states.
    pub(crate) fn is_in(&self, states: &[TicketState]) -> bool {
        states.iter().any(|state| state.name() == self.state_name)
    }
}

fn urgency(ticket: &proto::Ticket, is_owed: bool, now: DateTime<Utc>) -> Option<Badge> {
    if !is_owed {
        return None;
    }
    match ticket.alarm.as_str() {
        // The look at due times may be some seconds behind.
        "" | "due_soon" if ticket.due_at_unix_ms <= now.timestamp_millis() => words::alarm("overdue"),
        alarm => words::alarm(alarm),
    }
}

/// In the order of the register, then whatever it does not know any more.
fn fields(ticket: &proto::Ticket, procedure: Option<&proto::Procedure>) -> Vec<Field> {
    let rules = procedure.map(|it| it.fields.as_slice()).unwrap_or_default();
    let mut shown: Vec<Field> = Vec::new();
    for rule in rules {
        if let Some(value) = ticket.fields.get(&rule.id) {
            let mut field = field(&rule.title, &rule.r#type, value);
            // Made by the system of an address that the configuration names.
            if rule.id == VIDEO_LINK && rule.from_system {
                field.link.clone_from(value);
            }
            shown.push(field);
        }
    }
    let others: BTreeMap<_, _> = ticket
        .fields
        .iter()
        .filter(|(id, _)| rules.iter().all(|rule| rule.id != **id))
        .collect();
    shown.extend(others.into_iter().map(|(id, value)| field(id, "line", value)));
    shown
}

fn field(title: &str, kind: &str, value: &str) -> Field {
    let link = match kind {
        "phone" => {
            let dialled: String = value
                .chars()
                .filter(|c| c.is_ascii_digit() || *c == '+')
                .collect();
            match dialled.len() {
                0..=2 => String::new(),
                _ => format!("tel:{dialled}"),
            }
        }
        "email" => format!("mailto:{value}"),
        _ => String::new(),
    };
    let value = match (kind, value) {
        ("boolean", "true") => "ja",
        ("boolean", "false") => "nein",
        (_, value) => value,
    };
    Field {
        title: title.to_owned(),
        value: value.to_owned(),
        link,
    }
}

fn concern(ticket: &proto::Ticket, procedure: Option<&proto::Procedure>) -> String {
    let ids = procedure.map(|it| it.concern.as_slice()).unwrap_or_default();
    let given = ids.iter().filter_map(|id| ticket.fields.get(id));
    let text = given.map(String::as_str).collect::<Vec<_>>().join(" – ");
    match text.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text,
    }
}

fn citizen(ticket: &proto::Ticket) -> String {
    let given = ["first_name", "name"]
        .iter()
        .filter_map(|id| ticket.fields.get(*id));
    given.map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn added(added: &proto::AddedConcern) -> Added {
    Added {
        at: Time::at(added.at_unix_ms),
        concern: added.concern.clone(),
        phone: added.phone.clone(),
        email: added.email.clone(),
    }
}

fn appointment(appointment: &proto::Appointment) -> String {
    let slots = appointment.slots_unix_ms.iter();
    let slots: Vec<String> = slots.map(|slot| format::weekday_and_time(*slot)).collect();
    let held = if appointment.held {
        ""
    } else {
        " (nicht mehr gehalten)"
    };
    format!("{}: {}{held}", appointment.service, slots.join(", "))
}

fn entry(
    entry: &proto::HistoryEntry,
    procedure: Option<&proto::Procedure>,
    departments: &Departments,
) -> Entry {
    let actor = match entry.actor.split_once(' ') {
        Some(("department", id)) => departments.name(id).to_owned(),
        Some(("agent", name)) => name.to_owned(),
        _ => "NRW direkt".to_owned(),
    };
    let note = match entry.action.as_str() {
        "handed_over" | "rerouted" | "escalated" if !entry.note.is_empty() => {
            format!("an {}", departments.name(&entry.note))
        }
        "callback_attempted" => {
            let (name, rest) = entry.note.split_once(": ").unwrap_or((&entry.note, ""));
            match AttemptOutcome::from_name(name).map(words::outcome) {
                Some(outcome) if rest.is_empty() => outcome.to_owned(),
                Some(outcome) => format!("{outcome}: {rest}"),
                None => entry.note.clone(),
            }
        }
        "rectified" => rectified(&entry.note, procedure),
        _ => entry.note.clone(),
    };
    Entry {
        at: Time::at(entry.at_unix_ms),
        actor,
        action: words::action(&entry.action),
        note,
    }
}

/// A ticket by its number; what is no number is the number of no ticket.
pub(crate) async fn ticket(visitor: &Visitor, id: &str) -> Result<proto::Ticket, Trouble> {
    let request = proto::GetTicketRequest {
        ticket_id: id.to_owned(),
    };
    match visitor.services.ticketing().get_ticket(request).await {
        Ok(ticket) => Ok(ticket.into_inner()),
        Err(status) if status.code() == Code::InvalidArgument => Err(Trouble::NotFound),
        Err(status) => Err(status.into()),
    }
}

/// The procedures of the register that make tickets.
pub(crate) async fn procedures(visitor: &Visitor) -> Result<Vec<proto::Procedure>, Trouble> {
    let mut ticketing = visitor.services.ticketing();
    let listed = ticketing.list_procedures(proto::ListProceduresRequest {}).await?;
    Ok(listed.into_inner().procedures)
}

/// What pages of tickets have in common: the names that a ticket is shown with.
pub(crate) struct Names {
    pub(crate) procedures: Vec<proto::Procedure>,
    pub(crate) departments: Departments,
    pub(crate) now: DateTime<Utc>,
}

impl Names {
    /// Those of now.
    pub(crate) async fn of(visitor: &Visitor, now: DateTime<Utc>) -> Result<Self, Trouble> {
        let (procedures, departments) = futures::try_join!(procedures(visitor), Departments::of(visitor))?;
        Ok(Self {
            procedures,
            departments,
            now,
        })
    }

    /// What a procedure is called; its id if it has gone.
    pub(crate) fn procedure<'a>(&'a self, id: &'a str) -> &'a str {
        let procedure = self.procedures.iter().find(|procedure| procedure.id == id);
        procedure.map_or(id, |procedure| &procedure.title)
    }

    /// What a field of a request, or of a concern that was added, is called; its id if it has gone.
    pub(crate) fn field(&self, procedure: &str, id: &str) -> String {
        let procedure = self.procedures.iter().find(|it| it.id == procedure);
        field_title(procedure, id)
    }

    /// A ticket, to be shown.
    pub(crate) fn show(&self, ticket: proto::Ticket) -> ShownTicket {
        ShownTicket::of(ticket, &self.procedures, &self.departments, self.now)
    }
}

/// What a field of a request, or of a concern that was added, is called; its id if it has gone.
fn field_title(procedure: Option<&proto::Procedure>, id: &str) -> String {
    if let Some(added) = AddedField::named(id) {
        let part = match added.part {
            AddedPart::Concern => "Anliegen",
            AddedPart::Phone => "Telefonnummer",
            AddedPart::Email => "E-Mail-Adresse",
        };
        return format!("{part} ({}. Nachtrag)", added.place + 1);
    }
    let mut rules = procedure.map_or(&[][..], |it| &it.fields).iter();
    let rule = rules.find(|rule| rule.id == id);
    rule.map_or_else(|| id.to_owned(), |rule| rule.title.clone())
}

/// What the history says of a rectification: the fields by their names, and why.
pub(crate) fn rectified(note: &str, procedure: Option<&proto::Procedure>) -> String {
    let (ids, reason) = note.split_once(": ").unwrap_or((note, ""));
    let titles: Vec<String> = ids.split(", ").map(|id| field_title(procedure, id)).collect();
    match reason {
        "" => titles.join(", "),
        reason => format!("{}: {reason}", titles.join(", ")),
    }
}

/// A count that may stand for more: 500+.
pub(crate) fn capped(count: u32, up_to: u32) -> String {
    match count > up_to {
        true => format!("{}+", format::count(i64::from(up_to))),
        false => format::count(i64::from(count)),
    }
}
