//! A ticket, as its person is told of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, Identity};
use domain::procedure::Procedure;
use domain::rulebook::Rulebook;
use domain::ticket::{Action, Actor, HistoryEntry, Ticket};
use serde::Serialize;
use store::recipients::Recipient;
use store::tickets::TicketWithHistory;

use super::Look;
use crate::finder::calls_of_ticket;

/// A ticket.
#[derive(Debug, Serialize)]
pub(crate) struct ToldTicket {
    pub(crate) ticket_id: String,
    pub(crate) procedure: String,
    pub(crate) procedure_title: String,
    pub(crate) state: String,
    pub(crate) restricted: bool,
    /// The department that has it.
    pub(crate) department: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hotline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) category: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) changed_at: DateTime<Utc>,
    pub(crate) due_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) settled_at: Option<DateTime<Utc>>,
    /// Why this department.
    pub(crate) because: String,
    /// What was entered, by field.
    pub(crate) fields: BTreeMap<String, String>,
    /// What these fields are called.
    #[serde(skip)]
    pub(crate) titles: BTreeMap<String, String>,
    pub(crate) added: Vec<ToldConcern>,
    pub(crate) history: Vec<ToldEntry>,
    /// To whom what was sent, and when.
    pub(crate) sent: Vec<Sent>,
    /// Identities of the calls that led to it.
    pub(crate) calls: Vec<String>,
    pub(crate) seen: Vec<Look>,
}

/// What was said in a later call.
#[derive(Debug, Serialize)]
pub(crate) struct ToldConcern {
    pub(crate) at: DateTime<Utc>,
    pub(crate) concern: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
}

/// An entry of the history. Agents are not named.
#[derive(Debug, Serialize)]
pub(crate) struct ToldEntry {
    pub(crate) at: DateTime<Utc>,
    /// agent, department, system
    pub(crate) by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) department: Option<String>,
    pub(crate) action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// That something was sent to a department.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    pub(crate) at: DateTime<Utc>,
    pub(crate) to: String,
    /// ticket, news, withdrawn, mail, rectified, restricted, erased
    pub(crate) what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
}

impl ToldTicket {
    pub(crate) fn of(
        found: &TicketWithHistory,
        rules: &Rulebook,
        recipients: &[Recipient],
        seen: Vec<Look>,
    ) -> Self {
        let ticket = &found.ticket;
        let procedure = rules.register.procedure(ticket.procedure.as_str());
        let given = ticket.request.fields().iter();
        Self {
            ticket_id: ticket.id.to_string(),
            procedure: ticket.procedure.to_string(),
            procedure_title: procedure.map(|it| it.title.clone()).unwrap_or_default(),
            state: ticket.state.name().to_owned(),
            restricted: ticket.is_restricted(),
            department: named(&ticket.department, rules),
            hotline: ticket.hotline.as_ref().map(ToString::to_string),
            category: ticket.category.clone(),
            created_at: ticket.created_at,
            changed_at: ticket.changed_at,
            due_at: ticket.due_at,
            settled_at: ticket.settled_at(),
            because: domain::routing::without_reason(&ticket.because).to_owned(),
            fields: given
                .map(|(id, text)| (id.to_string(), text.reveal().to_owned()))
                .filter(|(id, _)| id != "user")
                .collect(),
            titles: procedure.map(titles).unwrap_or_default(),
            added: concerns(ticket),
            history: found
                .history
                .iter()
                .map(|entry| told_entry(entry, rules))
                .collect(),
            sent: sent(found, rules, recipients),
            calls: calls_of_ticket(ticket).map(Identity::to_hex).collect(),
            seen,
        }
    }
}

/// A department as people call it.
pub(super) fn named(id: &DepartmentId, rules: &Rulebook) -> String {
    let department = rules.routing.department(id);
    department.map_or_else(|| id.to_string(), |department| department.name.clone())
}

pub(super) fn titles(procedure: &Procedure) -> BTreeMap<String, String> {
    let fields = procedure.fields.iter();
    fields
        .map(|rule| (rule.id.to_string(), rule.title.clone()))
        .collect()
}

fn concerns(ticket: &Ticket) -> Vec<ToldConcern> {
    let text = |text: &domain::personal::Personal| text.reveal().to_owned();
    let added = ticket.added.iter();
    added
        .map(|added| ToldConcern {
            at: added.at,
            concern: text(&added.concern),
            phone: added.phone.as_ref().map(text),
            email: added.email.as_ref().map(text),
        })
        .collect()
}

fn told_entry(entry: &HistoryEntry, rules: &Rulebook) -> ToldEntry {
    let (by, department) = match &entry.actor {
        Actor::Agent(_) => ("agent", None),
        Actor::Department(id) => ("department", Some(named(id, rules))),
        Actor::System => ("system", None),
    };
    ToldEntry {
        at: entry.at,
        by,
        department,
        action: entry.action.name().to_owned(),
        note: entry.note.as_ref().map(|note| note.reveal().to_owned()),
    }
}

/// What was sent, by the history and by who was told of a right.
fn sent(found: &TicketWithHistory, rules: &Rulebook, recipients: &[Recipient]) -> Vec<Sent> {
    let mut holder: Option<DepartmentId> = None;
    let by_history = found.history.iter().filter_map(|entry| {
        let noted = || entry.note.as_ref().map(|note| DepartmentId::new(note.reveal()));
        let (what, to) = match entry.action {
            Action::HandedOver => {
                holder = noted();
                ("ticket", holder.clone()?)
            }
            Action::Mailed => ("mail", noted()?),
            // Whoever has it gets it as it is now.
            Action::ConcernAdded | Action::Rebooked | Action::Reopened => ("news", holder.clone()?),
            Action::Withdrawn => ("withdrawn", holder.clone()?),
            Action::Rerouted => ("withdrawn", holder.take()?),
            _ => return None,
        };
        Some(Sent {
            at: entry.at,
            to: named(&to, rules),
            what,
            confirmed_at: None,
        })
    });
    let told = recipients.iter().map(|recipient| Sent {
        at: recipient.place.told_at,
        to: named(&recipient.place.department, rules),
        what: recipient.place.of.name(),
        confirmed_at: recipient.confirmed_at,
    });
    let mut sent: Vec<Sent> = by_history.chain(told).collect();
    sent.sort_by_key(|sent| sent.at);
    sent
}
