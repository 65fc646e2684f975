//! Tickets on the wire.

use domain::callback::CallbackFields;
use domain::ids::Identity;
use domain::personal::Personal;
use domain::routing::RoutingDecision;
use domain::ticket::{Actor, AddedConcern, HistoryEntry, Ticket};

use crate::v1::tickets as wire;

/// The ten fields as they were entered.
pub fn fields_from_wire(fields: wire::CallbackFields) -> CallbackFields {
    CallbackFields {
        salutation: Personal::new(fields.salutation),
        name: Personal::new(fields.name),
        first_name: Personal::new(fields.first_name),
        email: Personal::new(fields.email),
        street: Personal::new(fields.street),
        house_number: Personal::new(fields.house_number),
        postal_code: Personal::new(fields.postal_code),
        town: Personal::new(fields.town),
        phone: Personal::new(fields.phone),
        concern: Personal::new(fields.concern),
    }
}

/// The ten fields for who may see them.
pub fn fields_to_wire(fields: &CallbackFields) -> wire::CallbackFields {
    let text = |field: &Personal| field.reveal().to_owned();
    wire::CallbackFields {
        salutation: text(&fields.salutation),
        name: text(&fields.name),
        first_name: text(&fields.first_name),
        email: text(&fields.email),
        street: text(&fields.street),
        house_number: text(&fields.house_number),
        postal_code: text(&fields.postal_code),
        town: text(&fields.town),
        phone: text(&fields.phone),
        concern: text(&fields.concern),
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
        hotline: ticket.hotline.to_string(),
        category: ticket.category.clone().unwrap_or_default(),
        fields: Some(fields_to_wire(ticket.request.fields())),
        call: ticket.call.map(Identity::to_hex).unwrap_or_default(),
        created_at_unix_ms: ticket.created_at.timestamp_millis(),
        due_at_unix_ms: ticket.due_at.timestamp_millis(),
        because: ticket.because.clone(),
        history: history.iter().map(entry_to_wire).collect(),
        attempts: ticket.attempts,
        changed_at_unix_ms: ticket.changed_at.timestamp_millis(),
        rule: ticket.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        returned_because: returned_because
            .map(|because| because.reveal().to_owned())
            .unwrap_or_default(),
        added: ticket.added.iter().map(added_to_wire).collect(),
    }
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

/// Where a concern goes, and why.
pub fn decision_to_wire(decision: &RoutingDecision) -> wire::ExplainRouteResponse {
    let municipalities = decision.municipalities.iter().map(|it| wire::Municipality {
        name: it.name.to_owned(),
        key: it.key.as_str().to_owned(),
        district: it.district.to_owned(),
        government: it.government.to_owned(),
    });
    wire::ExplainRouteResponse {
        department: decision.department.to_string(),
        rule: decision
            .rule
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        because: decision.because.clone(),
        ambiguous: decision.ambiguous,
        municipalities: municipalities.collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_keeps_its_place() {
        let sent = wire::CallbackFields {
            salutation: "1".to_owned(),
            name: "2".to_owned(),
            first_name: "3".to_owned(),
            email: "4".to_owned(),
            street: "5".to_owned(),
            house_number: "6".to_owned(),
            postal_code: "7".to_owned(),
            town: "8".to_owned(),
            phone: "9".to_owned(),
            concern: "10".to_owned(),
        };
        assert_eq!(fields_to_wire(&fields_from_wire(sent.clone())), sent);
    }
}
