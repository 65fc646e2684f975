//! Replies about tickets of which nothing is kept any more.

use domain::ids::{DepartmentId, TicketId};
use rusqlite::{Connection, Transaction, params};

use super::rows::collect;
use crate::StoreError;
use crate::erasure::StrayReply;

/// What was there of the same department and ticket has the new place in the sequence.
pub(super) fn add(
    transaction: &Transaction<'_>,
    department: &DepartmentId,
    tickets: &[TicketId],
) -> Result<(), StoreError> {
    let mut add = transaction
        .prepare_cached("INSERT OR REPLACE INTO stray_replies (department, ticket_id) VALUES (?1, ?2)")?;
    for ticket in tickets {
        add.execute([department.as_str(), ticket.as_str()])?;
    }
    Ok(())
}

/// See [`crate::erasure::TicketErasure::stray_replies`].
pub(super) fn list(connection: &Connection, after: i64, most: usize) -> Result<Vec<StrayReply>, StoreError> {
    collect(
        &mut *connection.prepare_cached(
            "SELECT sequence, department, ticket_id FROM stray_replies WHERE sequence > ?1
             ORDER BY sequence LIMIT ?2",
        )?,
        params![after, most as i64],
        |row| {
            Ok(StrayReply {
                sequence: row.get(0)?,
                department: DepartmentId::new(row.get::<_, String>(1)?),
                ticket: TicketId::new(row.get::<_, String>(2)?),
            })
        },
    )
}

/// See [`crate::erasure::TicketErasure::forget_stray_replies`].
pub(super) fn forget(transaction: &Transaction<'_>, sequences: &[i64]) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached("DELETE FROM stray_replies WHERE sequence = ?1")?;
    for sequence in sequences {
        statement.execute([sequence])?;
    }
    Ok(())
}
