//! Reading tickets.

use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::Ticket;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::rows::{self, TICKET_COLUMNS, collect};
use crate::StoreError;
use crate::ticket_columns::{ENDED, ESCALATED_ALREADY, OWED, RETURNED, UNRESTRICTED};
use crate::tickets::{TicketFilter, TicketWithHistory};

pub(super) fn ticket(connection: &Connection, id: &TicketId) -> Result<Option<Ticket>, StoreError> {
    let sql = format!("SELECT {TICKET_COLUMNS} FROM tickets WHERE ticket_id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(collect(&mut statement, [id.as_str()], rows::ticket)?.pop())
}

pub(super) fn with_history(
    connection: &Connection,
    id: &TicketId,
) -> Result<Option<TicketWithHistory>, StoreError> {
    // One transaction, so that ticket and history are of the same moment.
    let moment = connection.unchecked_transaction()?;
    let Some(ticket) = ticket(&moment, id)? else {
        return Ok(None);
    };
    let mut statement = moment.prepare_cached(
        "SELECT number, at_ms, actor_kind, actor, action, note FROM history WHERE ticket_id = ?1 ORDER BY number",
    )?;
    let history = collect(&mut statement, [id.as_str()], rows::history_entry)?;
    Ok(Some(TicketWithHistory { ticket, history }))
}

pub(super) fn list(connection: &Connection, filter: &TicketFilter) -> Result<Vec<Ticket>, StoreError> {
    let (sql, parameters) = selection(TICKET_COLUMNS, true, filter);
    let mut statement = connection.prepare_cached(&sql)?;
    collect(&mut statement, params_from_iter(parameters), rows::ticket)
}

pub(super) fn listed(connection: &Connection, filter: &TicketFilter) -> Result<Vec<TicketId>, StoreError> {
    let (sql, parameters) = selection("ticket_id", false, filter);
    let mut statement = connection.prepare_cached(&sql)?;
    collect(&mut statement, params_from_iter(parameters), |row| {
        Ok(TicketId::new(row.get::<_, String>(0)?))
    })
}

/// The statement of a list, and its parameters.
fn selection(columns: &str, in_order: bool, filter: &TicketFilter) -> (String, Vec<Value>) {
    let mut conditions: Vec<String> = vec![UNRESTRICTED.to_owned()];
    let mut parameters: Vec<Value> = Vec::new();
    if let Some(department) = &filter.department {
        conditions.push("department = ?".to_owned());
        parameters.push(Value::from(department.to_string()));
    }
    if let Some(procedure) = &filter.procedure {
        conditions.push("procedure = ?".to_owned());
        parameters.push(Value::from(procedure.to_string()));
    }
    if !filter.states.is_empty() {
        conditions.push(format!(
            "state IN ({})",
            vec!["?"; filter.states.len()].join(", ")
        ));
        parameters.extend(
            filter
                .states
                .iter()
                .map(|state| Value::from(state.name().to_owned())),
        );
    }
    if let Some(due_before) = filter.due_before {
        conditions.push(format!("{OWED} AND due_at_ms < ?"));
        parameters.push(Value::from(due_before.timestamp_millis()));
        conditions.extend(filter.escalated.then(|| ESCALATED_ALREADY.to_owned()));
        conditions.extend(filter.returned.then(|| RETURNED.to_owned()));
    }
    if let Some(after) = &filter.after {
        conditions.push(match filter.due_before {
            None => "(created_at_ms, ticket_id) < (?, ?)".to_owned(),
            Some(_) => "(due_at_ms, ticket_id) > (?, ?)".to_owned(),
        });
        parameters.push(Value::from(after.at.timestamp_millis()));
        parameters.push(Value::from(after.id.to_string()));
    }
    let conditions = format!("WHERE {}", conditions.join(" AND "));
    let order = match (in_order, filter.due_before) {
        (false, _) => "",
        (true, None) => "ORDER BY created_at_ms DESC, ticket_id DESC",
        (true, Some(_)) => "ORDER BY due_at_ms, ticket_id",
    };
    let sql = format!("SELECT {columns} FROM tickets {conditions} {order} LIMIT ?");
    parameters.push(Value::from(filter.most as i64));
    (sql, parameters)
}

pub(super) fn ended_before(
    connection: &Connection,
    department: &DepartmentId,
    before: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Ticket>, StoreError> {
    let sql = format!(
        "SELECT {TICKET_COLUMNS} FROM tickets WHERE department = ?1 AND {ENDED} AND {UNRESTRICTED} AND changed_at_ms < ?2
         ORDER BY changed_at_ms LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let before_ms = before.timestamp_millis();
    collect(
        &mut statement,
        params![department.as_str(), before_ms, most as i64],
        rows::ticket,
    )
}
