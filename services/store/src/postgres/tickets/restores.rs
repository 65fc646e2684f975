//! After a restore: what handover asks.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeZone as _, Utc};
use domain::ids::{DepartmentId, TicketId};
use tokio_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use super::{PostgresTickets, begin};
use crate::StoreError;
use crate::backups::{RestoreStore, Restored, settle_tickets};

impl PostgresTickets {
    /// Raises versions, hands over anew what departments have, and notes the restore.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Unavailable`].
    pub async fn settle_restore(&self, restored: Restored) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        settle(&*transaction, &restored).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// The same in a transaction that is under way.
pub(in crate::postgres) async fn settle(
    client: &impl GenericClient,
    restored: &Restored,
) -> Result<(), StoreError> {
    client.batch_execute(&settle_tickets()).await?;
    client
        .execute(
            "INSERT INTO restores (restored_at_ms, made_at_ms, backup) VALUES ($1, $2, $3)",
            &[
                &restored.restored_at.timestamp_millis(),
                &restored.made_at.timestamp_millis(),
                &restored.backup,
            ],
        )
        .await?;
    Ok(())
}

#[async_trait]
impl RestoreStore for PostgresTickets {
    async fn unchecked_topic(&self, department: &DepartmentId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = self
            .database
            .client()
            .await?
            .query_one(
                "SELECT max(restored_at_ms) FROM restores WHERE restored_at_ms > coalesce(
                     (SELECT restored_at_ms FROM checked_topics WHERE department = $1), -1)",
                &[&department.as_str()],
            )
            .await?;
        let at_ms: Option<i64> = row.get(0);
        Ok(at_ms.and_then(|at_ms| Utc.timestamp_millis_opt(at_ms).single()))
    }

    async fn belonging(
        &self,
        department: &DepartmentId,
        tickets: Vec<TicketId>,
    ) -> Result<BTreeSet<TicketId>, StoreError> {
        let ids: Vec<&str> = tickets.iter().map(TicketId::as_str).collect();
        let rows = self
            .database
            .client()
            .await?
            .query(
                "SELECT asked.ticket_id FROM unnest($1::text[]) AS asked (ticket_id)
                 WHERE EXISTS (SELECT FROM tickets WHERE tickets.ticket_id = asked.ticket_id AND department = $2
                         AND state NOT IN ('closed', 'erased'))
                     OR EXISTS (SELECT FROM tombstones WHERE tombstones.ticket_id = asked.ticket_id
                         AND department = $2)
                     OR EXISTS (SELECT FROM pending_hand_overs AS pending WHERE pending.ticket_id = asked.ticket_id
                         AND department = $2)",
                &[&ids, &department.as_str()],
            )
            .await?;
        let belonging: BTreeSet<&str> = rows.iter().map(|row| row.get(0)).collect();
        let belongs = |ticket: &TicketId| belonging.contains(ticket.as_str());
        Ok(tickets.iter().filter(|ticket| belongs(ticket)).cloned().collect())
    }

    async fn mark_topic_checked(
        &self,
        department: &DepartmentId,
        restored_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.database
            .client()
            .await?
            .execute(
                "INSERT INTO checked_topics (department, restored_at_ms) VALUES ($1, $2)
                 ON CONFLICT (department) DO UPDATE SET restored_at_ms = excluded.restored_at_ms",
                &[
                    &department.as_str() as &(dyn ToSql + Sync),
                    &restored_at.timestamp_millis(),
                ],
            )
            .await?;
        Ok(())
    }
}
