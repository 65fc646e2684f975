//! What tickets are found by, whatever their state.

use async_trait::async_trait;
use domain::ids::TicketId;
use domain::privacy::marks_of_ticket;
use domain::procedure::CheckedRequest;
use domain::ticket::{AddedConcern, Ticket};
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params, params_from_iter};

use super::SqliteTickets;
use super::rows::{self, TICKET_COLUMNS, collect};
use crate::StoreError;
use crate::persons::{MarkedTickets, PersonTickets};
use crate::ticket_columns::{CitizenColumns, of_ticket};

/// Tickets that a step of the filling takes: few enough for a short transaction.
const TICKETS_AT_ONCE: i64 = 2000;

#[async_trait]
impl PersonTickets for SqliteTickets {
    async fn tickets_with(&self, search: MarkedTickets) -> Result<Vec<Ticket>, StoreError> {
        self.query(move |connection| find(connection, &search)).await
    }
}

fn find(connection: &Connection, search: &MarkedTickets) -> Result<Vec<Ticket>, StoreError> {
    if search.keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut parameters: Vec<Value> = Vec::new();
    for (kind, key) in &search.keys {
        parameters.extend([Value::from(kind.name().to_owned()), Value::from(key.clone())]);
    }
    let any = vec!["SELECT ticket_id FROM ticket_marks WHERE kind = ? AND key = ?"; search.keys.len()];
    let mut condition = format!("ticket_id IN ({})", any.join(" UNION "));
    if let Some(after) = &search.after {
        condition.push_str(" AND (created_at_ms, ticket_id) < (?, ?)");
        parameters.push(Value::from(after.at.timestamp_millis()));
        parameters.push(Value::from(after.id.to_string()));
    }
    parameters.push(Value::from(search.most as i64));
    // The unary plus keeps the list of all tickets out of it: a person has few.
    let sql = format!(
        "SELECT {TICKET_COLUMNS} FROM tickets WHERE {condition}
         ORDER BY +created_at_ms DESC, ticket_id DESC LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    collect(&mut statement, params_from_iter(parameters), rows::ticket)
}

/// Writes what a new ticket is found by.
pub(super) fn write(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    insert(transaction, &ticket.id, &ticket.request, &ticket.added)
}

/// Writes what a ticket is found by, instead of what it was found by before.
pub(super) fn write_anew(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    let citizen = CitizenColumns::of(&ticket.request);
    transaction
        .prepare_cached(
            "UPDATE tickets SET phone_key = ?2, name_key = ?3, postal_code = ?4 WHERE ticket_id = ?1",
        )?
        .execute(params![
            ticket.id.as_str(),
            citizen.phone_key,
            citizen.name_key,
            citizen.postal_code
        ])?;
    remove(transaction, &ticket.id)?;
    write(transaction, ticket)
}

fn insert(
    transaction: &Transaction<'_>,
    id: &TicketId,
    request: &CheckedRequest,
    added: &[AddedConcern],
) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO ticket_marks (kind, key, ticket_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for (kind, key) in marks_of_ticket(request, added) {
        insert.execute(params![kind.name(), key, id.as_str()])?;
    }
    Ok(())
}

/// A ticket is found by nothing any more.
pub(super) fn remove(transaction: &Transaction<'_>, id: &TicketId) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM ticket_marks WHERE ticket_id = ?1")?
        .execute([id.as_str()])?;
    Ok(())
}

/// Gives tickets that were logged before there were marks what they are found by. Goes on where it was cut.
pub(super) fn fill(connection: &mut Connection) -> Result<(), StoreError> {
    let is_due = |connection: &Connection| {
        connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM backfills WHERE name = 'marks')",
            [],
            |row| row.get::<_, bool>(0),
        )
    };
    let mut after = String::new();
    while is_due(connection)? {
        let transaction = connection.transaction()?;
        let tickets: Vec<(String, String, String)> = transaction
            .prepare_cached(
                "SELECT ticket_id, request, added FROM tickets WHERE ticket_id > ?1 ORDER BY ticket_id LIMIT ?2",
            )?
            .query_map(params![after, TICKETS_AT_ONCE], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        match tickets.last() {
            Some((last, ..)) => after.clone_from(last),
            None => drop(transaction.execute("DELETE FROM backfills WHERE name = 'marks'", [])?),
        }
        for (id, request, added) in &tickets {
            let id = TicketId::new(id);
            let request: CheckedRequest =
                serde_json::from_str(request).map_err(|_| of_ticket("the request", &id))?;
            let added: Vec<AddedConcern> =
                serde_json::from_str(added).map_err(|_| of_ticket("added", &id))?;
            insert(&transaction, &id, &request, &added)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_of_a_person_are_found_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tickets.db");
        drop(SqliteTickets::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection
            .prepare(
                "EXPLAIN QUERY PLAN SELECT * FROM tickets WHERE ticket_id IN
                     (SELECT ticket_id FROM ticket_marks WHERE kind = 'phone' AND key = '1'
                      UNION SELECT ticket_id FROM ticket_marks WHERE kind = 'email' AND key = '2')
                 ORDER BY +created_at_ms DESC, ticket_id DESC LIMIT 10",
            )
            .unwrap();
        let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        let plan = steps.map(Result::unwrap).collect::<Vec<_>>().join("; ");
        assert!(
            !plan.contains("SCAN tickets") && plan.contains("PRIMARY KEY (kind=? AND key=?)"),
            "{plan}"
        );
    }
}
