//! The audit trail.

use async_trait::async_trait;
use domain::audit::NewAuditEntry;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};

use super::SqliteAccess;
use crate::StoreError;
use crate::audit::{AuditEntry, AuditFilter, AuditStore, CutPart, Head, read_heads};
use crate::retention::Anchor;
use crate::users::time;

const COLUMNS: &str = "number, at_ms, actor, roles, action, subject_kind, subject, reason, items, hash";

#[async_trait]
impl AuditStore for SqliteAccess {
    async fn append(&self, entries: Vec<NewAuditEntry>) -> Result<(), StoreError> {
        self.unit(move |transaction| append(transaction, entries)).await
    }

    async fn entries(&self, filter: AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        self.query(move |connection| {
            let mut values: Vec<Value> = Vec::new();
            let mut conditions = vec!["true".to_owned()];
            let mut add = |condition: &str, value: Option<Value>| {
                if let Some(value) = value {
                    values.push(value);
                    conditions.push(format!("{condition} ?{}", values.len()));
                }
            };
            let ms = |at: chrono::DateTime<chrono::Utc>| at.timestamp_millis().into();
            add("actor =", filter.actor.map(Into::into));
            add("subject =", filter.subject.map(Into::into));
            add("action =", filter.action.map(Into::into));
            add("at_ms >=", filter.from.map(ms));
            add("at_ms <", filter.to.map(ms));
            add("number <", filter.before.map(Into::into));
            values.push((filter.most as i64).into());
            let sql = format!(
                "SELECT {COLUMNS} FROM audit_entries WHERE {} ORDER BY number DESC LIMIT ?{}",
                conditions.join(" AND "),
                values.len()
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let entries = statement.query_map(params_from_iter(values), read)?;
            Ok(entries.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn chain(&self, after: i64, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.query(move |connection| {
            let sql =
                format!("SELECT {COLUMNS} FROM audit_entries WHERE number > ?1 ORDER BY number LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let entries = statement.query_map(params![after, most as i64], read)?;
            Ok(entries.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn anchor(&self) -> Result<Option<Anchor>, StoreError> {
        self.query(|connection| {
            let anchor =
                connection.query_row("SELECT number, hash, cut_at_ms FROM audit_anchor", [], |row| {
                    Ok(Anchor {
                        number: row.get(0)?,
                        hash: row.get(1)?,
                        cut_at: time(row.get(2)?),
                    })
                });
            Ok(anchor.optional()?)
        })
        .await
    }

    async fn cut_parts(&self, after: i64, most: usize) -> Result<Vec<CutPart>, StoreError> {
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT last_number, cut_at_ms, heads, digest FROM audit_cut_parts WHERE last_number > ?1
                 ORDER BY last_number LIMIT ?2",
            )?;
            let parts = statement.query_map(params![after, most as i64], |row| {
                Ok(CutPart {
                    last: row.get(0)?,
                    cut_at: time(row.get(1)?),
                    heads: read_heads(row.get_ref(2)?.as_blob()?),
                    digest: row.get(3)?,
                })
            })?;
            Ok(parts.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// Appends entries; the file has one writer, so the end of the chain stays where it was read.
pub(super) fn append(
    transaction: &Transaction<'_>,
    entries: impl IntoIterator<Item = NewAuditEntry>,
) -> Result<(), StoreError> {
    let mut head = transaction
        .prepare_cached("SELECT number, hash FROM audit_entries ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| {
            Ok(Head {
                number: row.get(0)?,
                hash: row.get(1)?,
            })
        })
        .optional()?
        .unwrap_or(Head::BEGIN);
    let sql =
        format!("INSERT INTO audit_entries ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    let mut insert = transaction.prepare_cached(&sql)?;
    for entry in entries {
        let entry = head.next(entry);
        insert.execute(params![
            entry.number,
            entry.at.timestamp_millis(),
            entry.actor,
            entry.roles,
            entry.action,
            entry.subject_kind,
            entry.subject,
            entry.reason,
            entry.items,
            entry.hash,
        ])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        number: row.get(0)?,
        at: time(row.get(1)?),
        actor: row.get(2)?,
        roles: row.get(3)?,
        action: row.get(4)?,
        subject_kind: row.get(5)?,
        subject: row.get(6)?,
        reason: row.get(7)?,
        items: row.get(8)?,
        hash: row.get(9)?,
    })
}
