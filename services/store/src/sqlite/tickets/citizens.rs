//! Tickets of a citizen, by number or name: those that are owed an answer, and those that were settled lately.

use domain::ids::TicketId;
use domain::procedure::CheckedRequest;
use domain::ticket::Ticket;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::rows::{self, TICKET_COLUMNS, collect};
use crate::StoreError;
use crate::ticket_columns::{CitizenColumns, OWED, SETTLED, UNRESTRICTED, of_ticket};
use crate::tickets::{Acquaintance, AcquaintanceSearch, Citizen, CitizenSearch};

/// Tickets that a step of the filling takes: few enough for a short transaction.
const TICKETS_AT_ONCE: i64 = 2000;

pub(super) fn find(connection: &Connection, search: &CitizenSearch) -> Result<Vec<Ticket>, StoreError> {
    let mut parameters: Vec<Value> = Vec::new();
    let mut conditions = match &search.citizen {
        Citizen::Phone(keys) => {
            parameters.extend(keys.iter().cloned().map(Value::from));
            format!("phone_key IN ({})", vec!["?"; keys.len()].join(", "))
        }
        Citizen::Name { key, postal_code } => {
            parameters.push(Value::from(key.clone()));
            match postal_code {
                None => "name_key = ?".to_owned(),
                Some(postal_code) => {
                    parameters.push(Value::from(postal_code.clone()));
                    "name_key = ? AND postal_code = ?".to_owned()
                }
            }
        }
    };
    let wanted = match &search.settled_since {
        None => OWED,
        Some(since) => {
            parameters.push(Value::from(since.timestamp_millis()));
            conditions.push_str(" AND settled_at_ms >= ?");
            SETTLED
        }
    };
    if let Some(after) = &search.after {
        conditions.push_str(" AND (created_at_ms, ticket_id) < (?, ?)");
        parameters.push(Value::from(after.at.timestamp_millis()));
        parameters.push(Value::from(after.id.to_string()));
    }
    parameters.push(Value::from(search.most as i64));
    let sql = format!(
        "SELECT {TICKET_COLUMNS} FROM tickets WHERE {wanted} AND {UNRESTRICTED} AND {conditions}
         ORDER BY created_at_ms DESC, ticket_id DESC LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    collect(&mut statement, params_from_iter(parameters), rows::ticket)
}

pub(super) fn acquaintance(
    connection: &Connection,
    search: AcquaintanceSearch,
) -> Result<Acquaintance, StoreError> {
    let mut found = Vec::new();
    for citizen in search.citizens {
        for settled_since in [None, Some(search.settled_since)] {
            let of = CitizenSearch {
                citizen: citizen.clone(),
                settled_since,
                after: None,
                most: search.most,
            };
            found.extend(find(connection, &of)?);
        }
    }
    Ok(Acquaintance::of(found, search.most))
}

/// Gives tickets that were logged before these columns were there what they are found by. Goes on where it was cut.
pub(super) fn fill_columns(connection: &mut Connection) -> Result<(), StoreError> {
    let is_due = |connection: &Connection| {
        connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM backfills WHERE name = 'citizens')",
            [],
            |row| row.get::<_, bool>(0),
        )
    };
    let mut after = String::new();
    while is_due(connection)? {
        let transaction = connection.transaction()?;
        let tickets: Vec<(String, String)> = transaction
            .prepare_cached(
                "SELECT ticket_id, request FROM tickets WHERE ticket_id > ?1 ORDER BY ticket_id LIMIT ?2",
            )?
            .query_map(params![after, TICKETS_AT_ONCE], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        match tickets.last() {
            Some((last, _)) => after.clone_from(last),
            None => drop(transaction.execute("DELETE FROM backfills WHERE name = 'citizens'", [])?),
        }
        for (id, request) in &tickets {
            let request: CheckedRequest =
                serde_json::from_str(request).map_err(|_| of_ticket("the request", &TicketId::new(id)))?;
            let citizen = CitizenColumns::of(&request);
            transaction
                .prepare_cached(
                    "UPDATE tickets SET phone_key = ?2, name_key = ?3, postal_code = ?4 WHERE ticket_id = ?1",
                )?
                .execute(params![
                    id,
                    citizen.phone_key,
                    citizen.name_key,
                    citizen.postal_code
                ])?;
        }
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::SqliteTickets;

    fn plan(connection: &Connection, wanted: &str, condition: &str) -> String {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT {TICKET_COLUMNS} FROM tickets WHERE {wanted} AND {condition} LIMIT 100"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn citizens_and_due_times_are_found_by_index_and_not_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tickets.db");
        drop(SqliteTickets::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        for (wanted, condition, index) in [
            (
                SETTLED,
                "phone_key = '1' AND settled_at_ms >= 1 ORDER BY created_at_ms DESC, ticket_id DESC",
                "tickets_settled_by_phone",
            ),
            (
                SETTLED,
                "name_key = '1' AND settled_at_ms >= 1 ORDER BY created_at_ms DESC, ticket_id DESC",
                "tickets_settled_by_name",
            ),
            (
                OWED,
                "phone_key IN ('1') ORDER BY created_at_ms DESC, ticket_id DESC",
                "tickets_owed_by_phone",
            ),
            (
                OWED,
                "name_key = '1' ORDER BY created_at_ms DESC, ticket_id DESC",
                "tickets_owed_by_name",
            ),
            (
                OWED,
                "due_at_ms < 1 ORDER BY due_at_ms, ticket_id",
                "tickets_owed_by_due",
            ),
        ] {
            let plan = plan(&connection, wanted, condition);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
