//! Rows as values of the domain.

use domain::ids::{DepartmentId, TicketId};
use domain::personal::Personal;
use domain::procedure::{CheckedRequest, ProcedureId};
use domain::routing::RuleId;
use domain::ticket::{Action, HistoryEntry, Ticket, TicketState, TicketVersion};
use tokio_postgres::Row;

use super::super::values;
use crate::StoreError;
use crate::ticket_columns::{self, Details, of_ticket, time, unreadable};

/// The columns that [`ticket`] reads, from the first.
pub(super) const TICKET_COLUMNS: &str = "tickets.ticket_id, tickets.version, tickets.history_length, \
    tickets.state, tickets.department, tickets.hotline, tickets.category, tickets.request, tickets.call, \
    tickets.created_at_ms, tickets.changed_at_ms, tickets.due_at_ms, tickets.because, tickets.rule, \
    tickets.attempts, tickets.returned_by, tickets.returned_because, tickets.added, \
    tickets.procedure, tickets.details";

/// How many columns [`TICKET_COLUMNS`] are.
pub(super) const TICKET_COLUMN_COUNT: usize = 20;

pub(super) fn ticket(row: &Row) -> Result<Ticket, StoreError> {
    let id = TicketId::new(row.get::<_, &str>(0));
    let unreadable = |column: &str| of_ticket(column, &id);
    let request: CheckedRequest = serde_json::from_str(row.get(7)).map_err(|_| unreadable("the request"))?;
    let returned_by = serde_json::from_str(row.get(15)).map_err(|_| unreadable("returned_by"))?;
    let added = serde_json::from_str(row.get(17)).map_err(|_| unreadable("added"))?;
    let details = row.get(19);
    let details = Details::read(details).ok_or_else(|| unreadable("the details"))?;
    Ok(Ticket {
        version: TicketVersion(values::count(row.get(1))?),
        history_length: values::count(row.get(2))?,
        state: TicketState::from_name(row.get(3)).ok_or_else(|| unreadable("the state"))?,
        department: DepartmentId::new(row.get::<_, &str>(4)),
        procedure: ProcedureId::new(row.get::<_, &str>(18)),
        hotline: ticket_columns::hotline(row.get(5)),
        category: row.get(6),
        request,
        added,
        call: row.get::<_, Option<uuid::Uuid>>(8).map(values::identity),
        created_at: time(row.get(9))?,
        changed_at: time(row.get(10))?,
        due_at: time(row.get(11))?,
        because: row.get(12),
        rule: row.get::<_, Option<String>>(13).map(RuleId::from),
        rules: details.rules,
        schedule: details.schedule,
        course: details.course,
        attempts: values::count(row.get(14))?,
        returned_by,
        returned_because: row.get::<_, Option<&str>>(16).map(Personal::new),
        id,
    })
}

/// Reads `number, at_ms, actor_kind, actor, action, note`.
pub(super) fn history_entry(row: &Row) -> Result<HistoryEntry, StoreError> {
    let action = Action::from_name(row.get(4));
    Ok(HistoryEntry {
        number: values::count(row.get(0))?,
        at: time(row.get(1))?,
        actor: ticket_columns::actor(row.get(2), row.get(3))?,
        action: action.ok_or_else(|| unreadable("the action of an entry of a history"))?,
        note: row.get::<_, Option<&str>>(5).map(Personal::new),
    })
}
