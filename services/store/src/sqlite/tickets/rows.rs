//! Rows as values of the domain.

use domain::ids::{DepartmentId, Identity, TicketId};
use domain::personal::Personal;
use domain::procedure::{CheckedRequest, ProcedureId};
use domain::routing::RuleId;
use domain::ticket::{Action, HistoryEntry, Ticket, TicketState, TicketVersion};
use rusqlite::Row;

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

pub(super) fn ticket(row: &Row<'_>) -> Result<Ticket, StoreError> {
    let id = TicketId::new(row.get::<_, String>(0)?);
    let unreadable = |column: &str| of_ticket(column, &id);
    let request: String = row.get(7)?;
    let request: CheckedRequest = serde_json::from_str(&request).map_err(|_| unreadable("the request"))?;
    let returned_by: String = row.get(15)?;
    let returned_by = serde_json::from_str(&returned_by).map_err(|_| unreadable("returned_by"))?;
    let added: String = row.get(17)?;
    let added = serde_json::from_str(&added).map_err(|_| unreadable("added"))?;
    let details = row.get::<_, String>(19)?;
    let details = Details::read(&details).ok_or_else(|| unreadable("the details"))?;
    Ok(Ticket {
        version: TicketVersion(row.get(1)?),
        history_length: row.get(2)?,
        state: TicketState::from_name(&row.get::<_, String>(3)?).ok_or_else(|| unreadable("the state"))?,
        department: DepartmentId::new(row.get::<_, String>(4)?),
        procedure: ProcedureId::new(row.get::<_, String>(18)?),
        hotline: ticket_columns::hotline(&row.get::<_, String>(5)?),
        category: row.get(6)?,
        request,
        added,
        call: row.get::<_, Option<[u8; 16]>>(8)?.map(Identity),
        created_at: time(row.get(9)?)?,
        changed_at: time(row.get(10)?)?,
        due_at: time(row.get(11)?)?,
        because: row.get(12)?,
        rule: row.get::<_, Option<String>>(13)?.map(RuleId::new),
        rules: details.rules,
        schedule: details.schedule,
        course: details.course,
        attempts: row.get(14)?,
        returned_by,
        returned_because: row.get::<_, Option<String>>(16)?.map(Personal::new),
        id,
    })
}

/// Reads `number, at_ms, actor_kind, actor, action, note`.
pub(super) fn history_entry(row: &Row<'_>) -> Result<HistoryEntry, StoreError> {
    Ok(HistoryEntry {
        number: row.get(0)?,
        at: time(row.get(1)?)?,
        actor: ticket_columns::actor(&row.get::<_, String>(2)?, row.get(3)?)?,
        action: Action::from_name(&row.get::<_, String>(4)?)
            .ok_or_else(|| unreadable("the action of an entry of a history"))?,
        note: row.get::<_, Option<String>>(5)?.map(Personal::new),
    })
}

/// Runs a statement and reads every row.
pub(super) fn collect<T>(
    statement: &mut rusqlite::Statement<'_>,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = statement.query(parameters)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}
