//! After a restore: what must not be as it was, and what handover asks.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeZone as _, Utc};
use domain::ids::{DepartmentId, TicketId};
use rusqlite::params;

use super::SqliteTickets;
use crate::StoreError;
use crate::backups::{RestoreStore, Restored, settle_tickets};

impl SqliteTickets {
    /// Raises versions, hands over anew what departments have, and notes the restore.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Unavailable`].
    pub async fn settle_restore(&self, restored: Restored) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            transaction.execute_batch(&settle_tickets())?;
            transaction.execute(
                "INSERT INTO restores (restored_at_ms, made_at_ms, backup) VALUES (?1, ?2, ?3)",
                params![
                    restored.restored_at.timestamp_millis(),
                    restored.made_at.timestamp_millis(),
                    restored.backup
                ],
            )?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl RestoreStore for SqliteTickets {
    async fn unchecked_topic(&self, department: &DepartmentId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let department = department.as_str().to_owned();
        self.query(move |connection| {
            let at_ms: Option<i64> = connection.query_row(
                "SELECT max(restored_at_ms) FROM restores WHERE restored_at_ms > coalesce(
                     (SELECT restored_at_ms FROM checked_topics WHERE department = ?1), -1)",
                [department],
                |row| row.get(0),
            )?;
            Ok(at_ms.and_then(|at_ms| Utc.timestamp_millis_opt(at_ms).single()))
        })
        .await
    }

    async fn belonging(
        &self,
        department: &DepartmentId,
        tickets: Vec<TicketId>,
    ) -> Result<BTreeSet<TicketId>, StoreError> {
        let department = department.as_str().to_owned();
        self.query(move |connection| {
            let mut belongs = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM tickets WHERE ticket_id = ?1 AND department = ?2
                         AND state NOT IN ('closed', 'erased'))
                     OR EXISTS (SELECT 1 FROM tombstones WHERE ticket_id = ?1 AND department = ?2)
                     OR EXISTS (SELECT 1 FROM pending_hand_overs WHERE ticket_id = ?1 AND department = ?2)",
            )?;
            let mut found = BTreeSet::new();
            for ticket in tickets {
                if belongs.query_row(params![ticket.as_str(), department], |row| row.get(0))? {
                    found.insert(ticket);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn mark_topic_checked(
        &self,
        department: &DepartmentId,
        restored_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let department = department.as_str().to_owned();
        self.unit(move |transaction| {
            transaction.execute(
                "INSERT INTO checked_topics (department, restored_at_ms) VALUES (?1, ?2)
                 ON CONFLICT (department) DO UPDATE SET restored_at_ms = excluded.restored_at_ms",
                params![department, restored_at.timestamp_millis()],
            )?;
            Ok(())
        })
        .await
    }
}
