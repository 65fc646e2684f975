//! The audit trail.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use domain::audit::NewAuditEntry;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{count, limit, text};
use super::{PostgresAccess, begin};
use crate::StoreError;
use crate::audit::{AuditEntry, AuditFilter, AuditStore, CutPart, Head, read_heads};
use crate::retention::Anchor;
use crate::ticket_columns::unreadable;
use crate::users::time;

const COLUMNS: &str = "number, at_ms, actor, roles, action, subject_kind, subject, reason, items, hash";

#[async_trait]
impl AuditStore for PostgresAccess {
    async fn append(&self, entries: Vec<NewAuditEntry>) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        append(&transaction, entries).await?;
        Ok(transaction.commit().await?)
    }

    async fn entries(&self, filter: AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
        let mut conditions = vec!["true".to_owned()];
        let mut add = |condition: &str, value: Option<Box<dyn ToSql + Sync + Send>>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{condition} ${}", values.len()));
            }
        };
        let said = |said: &Option<String>| {
            let said = said.as_ref()?;
            Some(Box::new(text(said).into_owned()) as _)
        };
        let ms = |at: chrono::DateTime<chrono::Utc>| Box::new(at.timestamp_millis()) as _;
        add("actor =", said(&filter.actor));
        add("subject =", said(&filter.subject));
        add("action =", said(&filter.action));
        add("at_ms >=", filter.from.map(ms));
        add("at_ms <", filter.to.map(ms));
        add("number <", filter.before.map(|before| Box::new(before) as _));
        values.push(Box::new(limit(filter.most)));
        let list = format!(
            "SELECT {COLUMNS} FROM audit_entries WHERE {} ORDER BY number DESC LIMIT ${}",
            conditions.join(" AND "),
            values.len()
        );
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
        let client = self.database.client().await?;
        let list = client.prepare_cached(&list).await?;
        client.query(&list, &values).await?.iter().map(read).collect()
    }

    async fn chain(&self, after: i64, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let list = format!("SELECT {COLUMNS} FROM audit_entries WHERE number > $1 ORDER BY number LIMIT $2");
        let client = self.database.client().await?;
        let list = client.prepare_cached(&list).await?;
        let rows = client.query(&list, &[&after, &limit(most)]).await?;
        rows.iter().map(read).collect()
    }

    async fn anchor(&self) -> Result<Option<Anchor>, StoreError> {
        let client = self.database.client().await?;
        let anchor = client
            .query_opt("SELECT number, hash, cut_at_ms FROM audit_anchor", &[])
            .await?;
        let read = |row: &Row| {
            Ok(Anchor {
                number: row.get(0),
                hash: hash(row.get(1))?,
                cut_at: time(row.get(2)),
            })
        };
        anchor.as_ref().map(read).transpose()
    }

    async fn cut_parts(&self, after: i64, most: usize) -> Result<Vec<CutPart>, StoreError> {
        let client = self.database.client().await?;
        let list = client
            .prepare_cached(
                "SELECT last_number, cut_at_ms, heads, digest FROM audit_cut_parts WHERE last_number > $1
                 ORDER BY last_number LIMIT $2",
            )
            .await?;
        let rows = client.query(&list, &[&after, &limit(most)]).await?;
        let read = |row: &Row| {
            Ok(CutPart {
                last: row.get(0),
                cut_at: time(row.get(1)),
                heads: read_heads(row.get(2)),
                digest: hash(row.get(3))?,
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Appends entries behind the head, which is locked until the transaction ends: take no other lock after it.
pub(super) async fn append(
    transaction: &Transaction<'_>,
    entries: impl IntoIterator<Item = NewAuditEntry>,
) -> Result<(), StoreError> {
    let lock = transaction
        .prepare_cached("SELECT number, hash FROM audit_head FOR UPDATE")
        .await?;
    let head = transaction.query_one(&lock, &[]).await?;
    let mut head = Head {
        number: head.get(0),
        hash: hash(head.get(1))?,
    };
    let insert =
        format!("INSERT INTO audit_entries ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    let insert = transaction.prepare_cached(&insert).await?;
    for entry in entries {
        let entry = head.next(entry);
        transaction
            .execute(
                &insert,
                &[
                    &entry.number,
                    &entry.at.timestamp_millis(),
                    &entry.actor,
                    &entry.roles,
                    &entry.action,
                    &entry.subject_kind,
                    &entry.subject,
                    &entry.reason,
                    &i64::from(entry.items),
                    &entry.hash.as_slice(),
                ],
            )
            .await?;
    }
    let advance = transaction
        .prepare_cached("UPDATE audit_head SET number = $1, hash = $2")
        .await?;
    transaction
        .execute(&advance, &[&head.number, &head.hash.as_slice()])
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: row.get(0),
        at: time(row.get(1)),
        actor: row.get(2),
        roles: row.get(3),
        action: row.get(4),
        subject_kind: row.get(5),
        subject: row.get(6),
        reason: row.get(7),
        items: count(row.get(8))?,
        hash: hash(row.get(9))?,
    })
}

pub(super) fn hash(stored: &[u8]) -> Result<[u8; 32], StoreError> {
    stored
        .try_into()
        .map_err(|_| unreadable("the hash of an audit entry"))
}
