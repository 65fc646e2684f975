//! Mails to departments without Kafka.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use domain::ids::DepartmentId;
use domain::ticket::{MailSubject, Ticket, TicketVersion, mail_failed, mailed};
use tokio_postgres::Row;

use super::super::values::{count, limit, text};
use super::rows::{self, TICKET_COLUMN_COUNT, TICKET_COLUMNS};
use super::{PostgresTickets, begin, changes, queries};
use crate::StoreError;
use crate::mails::{KeptColumns, KeptMail, MailFailure, MailStore, PendingMail, concerns, subject_now};
use crate::ticket_columns::{RESTRICTED, UNRESTRICTED, mail_kind, mail_subject};
use crate::tickets::{HandOverKey, SetAside};

#[async_trait]
impl MailStore for PostgresTickets {
    async fn pending_mails(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingMail>, StoreError> {
        let client = self.database.client().await?;
        let find = format!(
            "SELECT {TICKET_COLUMNS}, mails.version, mails.kind, mails.attempts
             FROM pending_mails AS mails JOIN tickets USING (ticket_id)
             WHERE mails.department = $1 AND mails.failed_at_ms IS NULL AND mails.not_before_ms <= $2
                 AND ({UNRESTRICTED} OR mails.kind = '{RESTRICTED}')
             ORDER BY mails.number LIMIT $3"
        );
        let find = client.prepare_cached(&find).await?;
        let parameters = (now.timestamp_millis(), limit(most));
        let found = client
            .query(&find, &[&department.as_str(), &parameters.0, &parameters.1])
            .await?;
        found.iter().map(|row| pending(row, department)).collect()
    }

    async fn mail_accepted(&self, key: &HandOverKey, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let ticket = locked(&transaction, key).await?;
        transaction
            .execute(
                "DELETE FROM pending_mails WHERE department = $1 AND ticket_id = $2 AND version = $3",
                &[
                    &key.department.as_str(),
                    &key.ticket.as_str(),
                    &i64::from(key.version.0),
                ],
            )
            .await?;
        if let Some(ticket) = ticket {
            changes::apply(&transaction, &mailed(&ticket, &key.department, at)).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn postpone_mail(&self, key: &HandOverKey, aside: SetAside) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                "UPDATE pending_mails SET not_before_ms = $4, attempts = attempts + 1, error = $5
                 WHERE department = $1 AND ticket_id = $2 AND version = $3",
                &[
                    &key.department.as_str(),
                    &key.ticket.as_str(),
                    &i64::from(key.version.0),
                    &aside.retry_at.timestamp_millis(),
                    &text(&aside.error),
                ],
            )
            .await?;
        Ok(())
    }

    async fn mails_held_up(&self, department: &DepartmentId, error: &str) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                "UPDATE pending_mails SET error = $2
                 WHERE department = $1 AND failed_at_ms IS NULL AND error IS DISTINCT FROM $2",
                &[&department.as_str(), &text(error)],
            )
            .await?;
        Ok(())
    }

    async fn mail_failed(
        &self,
        key: &HandOverKey,
        failure: MailFailure,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let is_news = failed(&transaction, key, &failure, at).await?;
        transaction.commit().await?;
        Ok(is_news)
    }

    async fn mails(&self, after: i64, most: usize) -> Result<Vec<KeptMail>, StoreError> {
        let client = self.database.client().await?;
        let found = client
            .query(
                "SELECT number, department, ticket_id, version, kind, since_ms, not_before_ms, attempts, error,
                     failed_at_ms
                 FROM pending_mails WHERE number > $1 ORDER BY number LIMIT $2",
                &[&after, &limit(most)],
            )
            .await?;
        found.iter().map(kept).collect()
    }

    async fn retry_mail(&self, number: i64) -> Result<bool, StoreError> {
        let client = self.database.client().await?;
        let changed = client
            .execute(
                "UPDATE pending_mails SET not_before_ms = 0, attempts = 0, error = NULL, failed_at_ms = NULL
                 WHERE number = $1",
                &[&number],
            )
            .await?;
        Ok(changed > 0)
    }
}

/// The newest news replace those that were not sent yet, at their place.
pub(super) async fn pend(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    subject: MailSubject,
) -> Result<(), StoreError> {
    let pend = transaction
        .prepare_cached(
            "INSERT INTO pending_mails (department, ticket_id, version, kind, since_ms)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (ticket_id, department) DO UPDATE SET version = excluded.version, kind = excluded.kind,
                 since_ms = excluded.since_ms, not_before_ms = 0, attempts = 0, error = NULL, failed_at_ms = NULL",
        )
        .await?;
    transaction
        .execute(
            &pend,
            &[
                &department.as_str(),
                &ticket.id.as_str(),
                &i64::from(ticket.version.0),
                &mail_kind(subject),
                &ticket.changed_at.timestamp_millis(),
            ],
        )
        .await?;
    Ok(())
}

fn pending(row: &Row, department: &DepartmentId) -> Result<PendingMail, StoreError> {
    let ticket = rows::ticket(row)?;
    Ok(PendingMail {
        key: HandOverKey {
            ticket: ticket.id.clone(),
            department: department.clone(),
            version: TicketVersion(count(row.get(TICKET_COLUMN_COUNT))?),
        },
        subject: mail_subject(row.get(TICKET_COLUMN_COUNT + 1))?,
        attempts: count(row.get(TICKET_COLUMN_COUNT + 2))?,
        ticket,
    })
}

async fn locked(transaction: &Transaction<'_>, key: &HandOverKey) -> Result<Option<Ticket>, StoreError> {
    Ok(queries::lock(transaction, std::iter::once(&key.ticket))
        .await?
        .pop())
}

async fn failed(
    transaction: &Transaction<'_>,
    key: &HandOverKey,
    failure: &MailFailure,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ticket = locked(transaction, key).await?;
    let Some(ticket) = ticket.filter(|ticket| concerns(ticket, key)) else {
        return Ok(false);
    };
    let known = transaction
        .query_opt(
            "SELECT 1 FROM pending_mails
             WHERE department = $1 AND ticket_id = $2 AND version = $3 AND failed_at_ms IS NOT NULL",
            &[
                &key.department.as_str(),
                &key.ticket.as_str(),
                &i64::from(key.version.0),
            ],
        )
        .await?;
    if known.is_some() {
        return Ok(false);
    }
    // Newer news stay as they are.
    transaction
        .execute(
            "INSERT INTO pending_mails (department, ticket_id, version, kind, since_ms, error, failed_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $5)
             ON CONFLICT (ticket_id, department) DO UPDATE SET error = excluded.error,
                 failed_at_ms = excluded.failed_at_ms WHERE pending_mails.version = excluded.version",
            &[
                &key.department.as_str(),
                &key.ticket.as_str(),
                &i64::from(key.version.0),
                &mail_kind(subject_now(&ticket, key)),
                &at.timestamp_millis(),
                &text(&failure.error),
            ],
        )
        .await?;
    changes::apply(
        transaction,
        &mail_failed(&ticket, &key.department, &failure.status, at),
    )
    .await?;
    Ok(true)
}

fn kept(row: &Row) -> Result<KeptMail, StoreError> {
    let columns = KeptColumns {
        number: row.get(0),
        department: row.get(1),
        ticket: row.get(2),
        version: count(row.get(3))?,
        kind: row.get(4),
        since_ms: row.get(5),
        not_before_ms: row.get(6),
        attempts: count(row.get(7))?,
        error: row.get(8),
        failed_at_ms: row.get(9),
    };
    columns.mail()
}
