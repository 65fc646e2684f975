//! Mails to departments without Kafka.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::DepartmentId;
use domain::ticket::{MailSubject, Ticket, TicketVersion, mail_failed, mailed};
use rusqlite::{Connection, Row, Transaction, params};

use super::rows::{self, TICKET_COLUMN_COUNT, TICKET_COLUMNS, collect};
use super::{SqliteTickets, changes, queries};
use crate::StoreError;
use crate::mails::{KeptColumns, KeptMail, MailFailure, MailStore, PendingMail, concerns, subject_now};
use crate::ticket_columns::{RESTRICTED, UNRESTRICTED, mail_kind, mail_subject};
use crate::tickets::{HandOverKey, SetAside};

#[async_trait]
impl MailStore for SqliteTickets {
    async fn pending_mails(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingMail>, StoreError> {
        let department = department.clone();
        self.query(move |connection| pending(connection, &department, now, most))
            .await
    }

    async fn mail_accepted(&self, key: &HandOverKey, at: DateTime<Utc>) -> Result<(), StoreError> {
        let key = key.clone();
        self.unit(move |transaction| accepted(transaction, &key, at))
            .await
    }

    async fn postpone_mail(&self, key: &HandOverKey, aside: SetAside) -> Result<(), StoreError> {
        let key = key.clone();
        self.unit(move |transaction| {
            transaction
                .prepare_cached(
                    "UPDATE pending_mails SET not_before_ms = ?4, attempts = attempts + 1, error = ?5
                     WHERE department = ?1 AND ticket_id = ?2 AND version = ?3",
                )?
                .execute(params![
                    key.department.as_str(),
                    key.ticket.as_str(),
                    key.version.0,
                    aside.retry_at.timestamp_millis(),
                    aside.error
                ])?;
            Ok(())
        })
        .await
    }

    async fn mails_held_up(&self, department: &DepartmentId, error: &str) -> Result<(), StoreError> {
        let (department, error) = (department.clone(), error.to_owned());
        self.unit(move |transaction| {
            transaction.execute(
                "UPDATE pending_mails SET error = ?2
                 WHERE department = ?1 AND failed_at_ms IS NULL AND error IS NOT ?2",
                params![department.as_str(), error],
            )?;
            Ok(())
        })
        .await
    }

    async fn mail_failed(
        &self,
        key: &HandOverKey,
        failure: MailFailure,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let key = key.clone();
        self.unit(move |transaction| failed(transaction, &key, &failure, at))
            .await
    }

    async fn mails(&self, after: i64, most: usize) -> Result<Vec<KeptMail>, StoreError> {
        self.query(move |connection| {
            collect(
                &mut *connection.prepare_cached(
                    "SELECT number, department, ticket_id, version, kind, since_ms, not_before_ms, attempts, error,
                         failed_at_ms
                     FROM pending_mails WHERE number > ?1 ORDER BY number LIMIT ?2",
                )?,
                params![after, most as i64],
                kept,
            )
        })
        .await
    }

    async fn retry_mail(&self, number: i64) -> Result<bool, StoreError> {
        self.unit(move |transaction| {
            let changed = transaction.execute(
                "UPDATE pending_mails SET not_before_ms = 0, attempts = 0, error = NULL, failed_at_ms = NULL
                 WHERE number = ?1",
                [number],
            )?;
            Ok(changed > 0)
        })
        .await
    }
}

/// The newest news replace those that were not sent yet, at their place.
pub(super) fn pend(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    subject: MailSubject,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO pending_mails (department, ticket_id, version, kind, since_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (ticket_id, department) DO UPDATE SET version = excluded.version, kind = excluded.kind,
                 since_ms = excluded.since_ms, not_before_ms = 0, attempts = 0, error = NULL, failed_at_ms = NULL",
        )?
        .execute(params![
            department.as_str(),
            ticket.id.as_str(),
            ticket.version.0,
            mail_kind(subject),
            ticket.changed_at.timestamp_millis()
        ])?;
    Ok(())
}

fn pending(
    connection: &Connection,
    department: &DepartmentId,
    now: DateTime<Utc>,
    most: usize,
) -> Result<Vec<PendingMail>, StoreError> {
    let sql = format!(
        "SELECT {TICKET_COLUMNS}, mails.version, mails.kind, mails.attempts
         FROM pending_mails AS mails JOIN tickets USING (ticket_id)
         WHERE mails.department = ?1 AND mails.failed_at_ms IS NULL AND mails.not_before_ms <= ?2
             AND ({UNRESTRICTED} OR mails.kind = '{RESTRICTED}')
         ORDER BY mails.number LIMIT ?3"
    );
    collect(
        &mut *connection.prepare_cached(&sql)?,
        params![department.as_str(), now.timestamp_millis(), most as i64],
        |row| {
            let ticket = rows::ticket(row)?;
            Ok(PendingMail {
                key: HandOverKey {
                    ticket: ticket.id.clone(),
                    department: department.clone(),
                    version: TicketVersion(row.get(TICKET_COLUMN_COUNT)?),
                },
                subject: mail_subject(&row.get::<_, String>(TICKET_COLUMN_COUNT + 1)?)?,
                attempts: row.get(TICKET_COLUMN_COUNT + 2)?,
                ticket,
            })
        },
    )
}

fn accepted(transaction: &Transaction<'_>, key: &HandOverKey, at: DateTime<Utc>) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "DELETE FROM pending_mails WHERE department = ?1 AND ticket_id = ?2 AND version = ?3",
        )?
        .execute(params![
            key.department.as_str(),
            key.ticket.as_str(),
            key.version.0
        ])?;
    match queries::ticket(transaction, &key.ticket)? {
        Some(ticket) => changes::apply(transaction, &mailed(&ticket, &key.department, at)),
        None => Ok(()),
    }
}

fn failed(
    transaction: &Transaction<'_>,
    key: &HandOverKey,
    failure: &MailFailure,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(ticket) = queries::ticket(transaction, &key.ticket)?.filter(|ticket| concerns(ticket, key))
    else {
        return Ok(false);
    };
    let mut known = transaction.prepare_cached(
        "SELECT 1 FROM pending_mails
         WHERE department = ?1 AND ticket_id = ?2 AND version = ?3 AND failed_at_ms IS NOT NULL",
    )?;
    if known.exists(params![
        key.department.as_str(),
        key.ticket.as_str(),
        key.version.0
    ])? {
        return Ok(false);
    }
    // Newer news stay as they are.
    transaction
        .prepare_cached(
            "INSERT INTO pending_mails (department, ticket_id, version, kind, since_ms, error, failed_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5)
             ON CONFLICT (ticket_id, department) DO UPDATE SET error = excluded.error,
                 failed_at_ms = excluded.failed_at_ms WHERE pending_mails.version = excluded.version",
        )?
        .execute(params![
            key.department.as_str(),
            key.ticket.as_str(),
            key.version.0,
            mail_kind(subject_now(&ticket, key)),
            at.timestamp_millis(),
            failure.error
        ])?;
    changes::apply(
        transaction,
        &mail_failed(&ticket, &key.department, &failure.status, at),
    )?;
    Ok(true)
}

fn kept(row: &Row<'_>) -> Result<KeptMail, StoreError> {
    let columns = KeptColumns {
        number: row.get(0)?,
        department: row.get(1)?,
        ticket: row.get(2)?,
        version: row.get(3)?,
        kind: row.get(4)?,
        since_ms: row.get(5)?,
        not_before_ms: row.get(6)?,
        attempts: row.get(7)?,
        error: row.get(8)?,
        failed_at_ms: row.get(9)?,
    };
    columns.mail()
}
