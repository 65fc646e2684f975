//! Versions of the rules.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::rulebook::RulesVersion;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::SqliteTickets;
use crate::StoreError;
use crate::rules::{AppliedRules, RuleStore, RulesEntry};
use crate::ticket_columns::{digest, documents, json, taken_rules, time};

const ENTRY: &str = "version, applied_at_ms, applied_by, note, digest";

#[async_trait]
impl RuleStore for SqliteTickets {
    async fn newest_rules(&self) -> Result<Option<RulesVersion>, StoreError> {
        self.query(newest).await
    }

    async fn rules(&self, version: RulesVersion) -> Result<Option<AppliedRules>, StoreError> {
        self.query(move |connection| {
            let sql = format!("SELECT {ENTRY}, documents FROM rules WHERE version = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement
                .query_row([version.0], |row| Ok((entry(row), row.get::<_, String>(5)?)))
                .optional()?;
            let Some((entry, texts)) = found else {
                return Ok(None);
            };
            Ok(Some(AppliedRules {
                entry: entry?,
                documents: documents(&texts)?,
            }))
        })
        .await
    }

    async fn rules_history(
        &self,
        before: Option<RulesVersion>,
        most: usize,
    ) -> Result<Vec<RulesEntry>, StoreError> {
        self.query(move |connection| {
            let sql = format!("SELECT {ENTRY} FROM rules WHERE version < ?1 ORDER BY version DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let before = before.map_or(i64::MAX, |version| i64::from(version.0));
            let entries = statement.query_map(params![before, most as i64], |row| Ok(entry(row)))?;
            entries.map(|entry| entry?).collect()
        })
        .await
    }

    async fn were_applied(&self, digest: [u8; 32]) -> Result<bool, StoreError> {
        self.query(move |connection| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM rules WHERE digest = ?1")?;
            Ok(statement.exists([digest])?)
        })
        .await
    }

    async fn apply_rules(&self, rules: AppliedRules) -> Result<(), StoreError> {
        self.unit(move |transaction| apply(transaction, &rules.entry, &rules.documents))
            .await
    }
}

fn newest(connection: &Connection) -> Result<Option<RulesVersion>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT max(version) FROM rules")?;
    let newest: Option<u32> = statement.query_row([], |row| row.get(0))?;
    Ok(newest.map(RulesVersion))
}

fn apply(
    transaction: &Transaction<'_>,
    entry: &RulesEntry,
    documents: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    if entry.version != RulesVersion::after(newest(transaction)?) {
        return Err(taken_rules(entry.version));
    }
    transaction.execute(
        "INSERT INTO rules (version, applied_at_ms, applied_by, note, digest, documents)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            entry.version.0,
            entry.at.timestamp_millis(),
            entry.by,
            entry.note,
            entry.digest,
            json(documents)
        ],
    )?;
    Ok(())
}

fn entry(row: &Row<'_>) -> Result<RulesEntry, StoreError> {
    Ok(RulesEntry {
        version: RulesVersion(row.get(0)?),
        at: time(row.get(1)?)?,
        by: row.get(2)?,
        note: row.get(3)?,
        digest: digest(row.get(4)?)?,
    })
}
