//! Tickets and the register on the wire.

use std::collections::BTreeMap;

use chrono::DateTime;
use domain::access::Sight;
use domain::ids::Identity;
use domain::personal::Personal;
use domain::places::Municipality;
use domain::procedure::{FieldId, FieldKind, FieldRule, Fields, Period, Procedure, Retention};
use domain::routing::RoutingDecision;
use domain::rulebook::RulesVersion;
use domain::ticket::{Actor, AddedConcern, HistoryEntry, Ticket};

use crate::v1::tickets as wire;

/// What was entered, by field.
pub fn fields_from_wire(fields: BTreeMap<String, String>) -> Fields {
    let field = |(id, text): (String, String)| (FieldId::new(id), Personal::new(text));
    fields.into_iter().map(field).collect()
}

/// The fields for who may see them.
pub fn fields_to_wire(fields: &Fields) -> BTreeMap<String, String> {
    let field = |(id, text): (&FieldId, &Personal)| (id.to_string(), text.reveal().to_owned());
    fields.iter().map(field).collect()
}

/// A ticket with its history as somebody may see it; `None` if he or she may not see it at all.
pub fn ticket_seen(ticket: &Ticket, history: &[HistoryEntry], sight: Sight) -> Option<wire::Ticket> {
    match sight {
        Sight::Whole => Some(ticket_to_wire(ticket, history)),
        Sight::Masked => Some(masked(ticket_to_wire(ticket, history))),
        Sight::Hidden => None,
    }
}

/// Without what citizens and departments wrote, and what tells who a citizen is. When, what and where stay.
fn masked(ticket: wire::Ticket) -> wire::Ticket {
    let because = domain::routing::without_reason(&ticket.because);
    let because = match ticket.fields.get("postal_code").map(|code| code.trim()) {
        None | Some("") => because.to_owned(),
        Some(postal_code) => because.replace(postal_code, "•••••"),
    };
    wire::Ticket {
        fields: BTreeMap::new(),
        because,
        returned_because: String::new(),
        history: ticket
            .history
            .into_iter()
            .map(|entry| wire::HistoryEntry {
                note: String::new(),
                ..entry
            })
            .collect(),
        added: ticket
            .added
            .into_iter()
            .map(|added| wire::AddedConcern {
                at_unix_ms: added.at_unix_ms,
                ..wire::AddedConcern::default()
            })
            .collect(),
        masked: true,
        ..ticket
    }
}

/// A ticket with its history, for who may see it.
pub fn ticket_to_wire(ticket: &Ticket, history: &[HistoryEntry]) -> wire::Ticket {
    let returned_because = ticket.returned_because.as_ref();
    wire::Ticket {
        ticket_id: ticket.id.to_string(),
        version: ticket.version.0.into(),
        state: ticket.state.name().to_owned(),
        department: ticket.department.to_string(),
        procedure: ticket.procedure.to_string(),
        hotline: ticket
            .hotline
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        category: ticket.category.clone().unwrap_or_default(),
        fields: fields_to_wire(ticket.request.fields()),
        call: ticket.call.map(Identity::to_hex).unwrap_or_default(),
        created_at_unix_ms: ticket.created_at.timestamp_millis(),
        due_at_unix_ms: ticket.due_at.timestamp_millis(),
        because: ticket.because.clone(),
        history: history.iter().map(entry_to_wire).collect(),
        attempts: ticket.attempts,
        changed_at_unix_ms: ticket.changed_at.timestamp_millis(),
        rule: ticket.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        rules_version: ticket.rules.map_or(0, |version| version.0),
        returned_because: returned_because
            .map(|because| because.reveal().to_owned())
            .unwrap_or_default(),
        added: ticket.added.iter().map(added_to_wire).collect(),
        wished: ticket.schedule.wished.map(|wished| wire::TimeWindow {
            from_unix_ms: wished.from.timestamp_millis(),
            until_unix_ms: wished.until.timestamp_millis(),
        }),
        appointment: appointment_to_wire(ticket),
        alarm: ticket
            .alarm()
            .map(|alarm| alarm.name().to_owned())
            .unwrap_or_default(),
        settled_at_unix_ms: ticket.settled_at().map(|at| at.timestamp_millis()),
        further_calls: ticket.course.calls.iter().map(|call| call.to_hex()).collect(),
        masked: false,
        restricted: ticket.is_restricted(),
    }
}

fn appointment_to_wire(ticket: &Ticket) -> Option<wire::Appointment> {
    let booking = ticket.schedule.booking.as_ref()?;
    let slots = booking.slots.iter().map(DateTime::timestamp_millis);
    Some(wire::Appointment {
        department: booking.department.to_string(),
        service: booking.service.clone(),
        slots_unix_ms: slots.collect(),
        held: ticket.held_slots().is_some(),
    })
}

fn added_to_wire(added: &AddedConcern) -> wire::AddedConcern {
    let text = |text: Option<&Personal>| text.map(|text| text.reveal().to_owned()).unwrap_or_default();
    wire::AddedConcern {
        at_unix_ms: added.at.timestamp_millis(),
        concern: added.concern.reveal().to_owned(),
        phone: text(added.phone.as_ref()),
        email: text(added.email.as_ref()),
    }
}

/// Where a concern goes, and why; by this version of the rules, if they have one.
pub fn decision_to_wire(
    decision: &RoutingDecision,
    rules: Option<RulesVersion>,
) -> wire::ExplainRouteResponse {
    wire::ExplainRouteResponse {
        department: decision.department.to_string(),
        rule: decision
            .rule
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        because: decision.because.clone(),
        ambiguous: decision.ambiguous,
        rules_version: rules.map_or(0, |version| version.0),
        municipalities: decision.municipalities.iter().map(municipality_to_wire).collect(),
    }
}

/// A town or municipality.
pub fn municipality_to_wire(it: &Municipality) -> wire::Municipality {
    wire::Municipality {
        name: it.name.to_owned(),
        key: it.key.as_str().to_owned(),
        district: it.district.to_owned(),
        government: it.government.to_owned(),
    }
}

fn entry_to_wire(entry: &HistoryEntry) -> wire::HistoryEntry {
    let actor = match &entry.actor {
        Actor::Agent(name) => format!("agent {name}"),
        Actor::Department(id) => format!("department {id}"),
        Actor::System => "nrwdirekt".to_owned(),
    };
    wire::HistoryEntry {
        number: entry.number,
        at_unix_ms: entry.at.timestamp_millis(),
        actor,
        action: entry.action.name().to_owned(),
        note: entry
            .note
            .as_ref()
            .map(|note| note.reveal().to_owned())
            .unwrap_or_default(),
    }
}

/// An entry of the register.
pub fn procedure_to_wire(procedure: &Procedure) -> wire::Procedure {
    let rules = procedure.ticket_rules();
    let names = |ids: &[FieldId]| ids.iter().map(FieldId::to_string).collect();
    wire::Procedure {
        id: procedure.id.to_string(),
        title: procedure.title.clone(),
        kind: procedure.kind.name().to_owned(),
        purpose: procedure.purpose.clone(),
        legal_basis: procedure.legal_basis.clone(),
        persons: procedure.persons.clone(),
        recipients: procedure.recipients.clone(),
        processors: procedure.processors.clone(),
        retention: Some(retention_to_wire(&procedure.retention)),
        department: rules
            .and_then(|rules| rules.department.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default(),
        by_phone: rules.is_some_and(|rules| rules.by_phone),
        counts_as_callback: rules.is_some_and(|rules| rules.counts_as_callback),
        reachable_by: rules.map(|rules| names(&rules.reachable_by)).unwrap_or_default(),
        concern: rules.map(|rules| names(&rules.concern)).unwrap_or_default(),
        fields: procedure.fields.iter().map(field_to_wire).collect(),
        unreachable_after: rules.map_or(0, |rules| rules.unreachable_after),
    }
}

fn retention_to_wire(retention: &Retention) -> wire::Retention {
    use wire::retention::Period as Sent;
    wire::Retention {
        after: retention.after.name().to_owned(),
        period: Some(match retention.period {
            Period::Days(days) => Sent::Days(days),
            Period::Months(months) => Sent::Months(months),
            Period::Years(years) => Sent::Years(years),
        }),
        text: retention.text.clone(),
    }
}

fn field_to_wire(field: &FieldRule) -> wire::FieldRule {
    let options = match &field.kind {
        FieldKind::Choice(options) => options.clone(),
        _ => Vec::new(),
    };
    wire::FieldRule {
        id: field.id.to_string(),
        title: field.title.clone(),
        r#type: field.kind.name().to_owned(),
        required: field.required,
        longest: field.kind.longest() as u32,
        options,
        requires: field.requires.iter().map(FieldId::to_string).collect(),
        only_with: field
            .only_with
            .as_ref()
            .map(FieldId::to_string)
            .unwrap_or_default(),
        from_system: field.from_system,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_ticket_has_no_word_of_a_citizen_and_no_postal_code() {
        let ticket = wire::Ticket {
            because: "Postleitzahl 50667 gehört zu Köln.".to_owned(),
            fields: BTreeMap::from([("postal_code".to_owned(), "50667".to_owned())]),
            returned_because: "Frau Groß".to_owned(),
            added: vec![wire::AddedConcern {
                at_unix_ms: 1,
                concern: "Groß".to_owned(),
                phone: "0221 4710".to_owned(),
                email: "erika@example.org".to_owned(),
            }],
            history: vec![wire::HistoryEntry {
                number: 1,
                note: "Groß".to_owned(),
                ..wire::HistoryEntry::default()
            }],
            ..wire::Ticket::default()
        };
        let seen = masked(ticket);
        let text = format!("{seen:?}");
        for personal in ["50667", "Groß", "4710", "erika"] {
            assert!(!text.contains(personal), "{text}");
        }
        assert!(seen.masked && seen.because.contains("Köln"));
        assert_eq!((seen.added[0].at_unix_ms, seen.history[0].number), (1, 1));
    }
}
