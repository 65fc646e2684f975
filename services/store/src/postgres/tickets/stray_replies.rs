//! Replies about tickets of which nothing is kept any more.

use deadpool_postgres::{GenericClient, Object, Transaction};
use domain::ids::{DepartmentId, TicketId};
use tokio_postgres::Row;

use super::super::values::{limit, text};
use crate::StoreError;
use crate::erasure::StrayReply;

/// What was there of the same department and ticket has the new place in the sequence.
pub(super) async fn add(
    transaction: &Transaction<'_>,
    department: &DepartmentId,
    tickets: &[TicketId],
) -> Result<(), StoreError> {
    for ticket in tickets {
        transaction
            .execute(
                "INSERT INTO stray_replies (department, ticket_id) VALUES ($1, $2)
                 ON CONFLICT (department, ticket_id) DO UPDATE SET sequence = DEFAULT",
                &[&department.as_str(), &text(ticket.as_str())],
            )
            .await?;
    }
    Ok(())
}

/// See [`crate::erasure::TicketErasure::stray_replies`].
pub(super) async fn list(client: &Object, after: i64, most: usize) -> Result<Vec<StrayReply>, StoreError> {
    let find = client
        .prepare_cached(
            "SELECT sequence, department, ticket_id FROM stray_replies WHERE sequence > $1
             ORDER BY sequence LIMIT $2",
        )
        .await?;
    let rows = client.query(&find, &[&after, &limit(most)]).await?;
    let stray = |row: &Row| StrayReply {
        sequence: row.get(0),
        department: DepartmentId::new(row.get::<_, &str>(1)),
        ticket: TicketId::new(row.get::<_, &str>(2)),
    };
    Ok(rows.iter().map(stray).collect())
}

/// See [`crate::erasure::TicketErasure::forget_stray_replies`].
pub(super) async fn forget(client: &Object, sequences: &[i64]) -> Result<(), StoreError> {
    let delete = "DELETE FROM stray_replies WHERE sequence = ANY($1)";
    client.execute(delete, &[&sequences]).await?;
    Ok(())
}
