//! Versions of the rules.

use async_trait::async_trait;
use domain::rulebook::RulesVersion;
use tokio_postgres::Row;

use super::super::values::{limit, text};
use super::{PostgresTickets, begin};
use crate::StoreError;
use crate::rules::{AppliedRules, RuleStore, RulesEntry};
use crate::ticket_columns::{digest, documents, json, taken_rules, time};

const ENTRY: &str = "version, applied_at_ms, applied_by, note, digest";
const NEWEST: &str = "SELECT max(version) FROM rules";

#[async_trait]
impl RuleStore for PostgresTickets {
    async fn newest_rules(&self) -> Result<Option<RulesVersion>, StoreError> {
        let client = self.database.client().await?;
        let newest = client.prepare_cached(NEWEST).await?;
        version(&client.query_one(&newest, &[]).await?)
    }

    async fn rules(&self, version: RulesVersion) -> Result<Option<AppliedRules>, StoreError> {
        let Ok(number) = i32::try_from(version.0) else {
            return Ok(None);
        };
        let client = self.database.client().await?;
        let find = format!("SELECT {ENTRY}, documents FROM rules WHERE version = $1");
        let found = client.query_opt(&find, &[&number]).await?;
        let read = |row: &Row| {
            Ok(AppliedRules {
                entry: entry(row)?,
                documents: documents(row.get(5))?,
            })
        };
        found.as_ref().map(read).transpose()
    }

    async fn rules_history(
        &self,
        before: Option<RulesVersion>,
        most: usize,
    ) -> Result<Vec<RulesEntry>, StoreError> {
        let client = self.database.client().await?;
        let list = format!("SELECT {ENTRY} FROM rules WHERE version < $1 ORDER BY version DESC LIMIT $2");
        let before = before.map_or(i32::MAX, |version| i32::try_from(version.0).unwrap_or(i32::MAX));
        let rows = client.query(&list, &[&before, &limit(most)]).await?;
        rows.iter().map(entry).collect()
    }

    async fn were_applied(&self, digest: [u8; 32]) -> Result<bool, StoreError> {
        let client = self.database.client().await?;
        let find = "SELECT 1 FROM rules WHERE digest = $1 LIMIT 1";
        Ok(client.query_opt(find, &[&digest.as_slice()]).await?.is_some())
    }

    async fn apply_rules(&self, rules: AppliedRules) -> Result<(), StoreError> {
        let entry = &rules.entry;
        let taken = || taken_rules(entry.version);
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        // One at a time: two could see the same newest version else.
        transaction
            .batch_execute("LOCK TABLE rules IN SHARE ROW EXCLUSIVE MODE")
            .await?;
        let newest = version(&transaction.query_one(NEWEST, &[]).await?)?;
        if entry.version != RulesVersion::after(newest) {
            return Err(taken());
        }
        transaction
            .execute(
                "INSERT INTO rules (version, applied_at_ms, applied_by, note, digest, documents)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    &i32::try_from(entry.version.0).map_err(|_| taken())?,
                    &entry.at.timestamp_millis(),
                    &text(&entry.by),
                    &text(&entry.note),
                    &entry.digest.as_slice(),
                    &text(&json(&rules.documents)),
                ],
            )
            .await?;
        Ok(transaction.commit().await?)
    }
}

fn version(row: &Row) -> Result<Option<RulesVersion>, StoreError> {
    let newest: Option<i32> = row.get(0);
    newest.map(number).transpose()
}

fn number(number: i32) -> Result<RulesVersion, StoreError> {
    let number = u32::try_from(number);
    number
        .map(RulesVersion)
        .map_err(|_| crate::ticket_columns::unreadable("a version of the rules"))
}

fn entry(row: &Row) -> Result<RulesEntry, StoreError> {
    Ok(RulesEntry {
        version: number(row.get(0))?,
        at: time(row.get(1))?,
        by: row.get(2),
        note: row.get(3),
        digest: digest(row.get(4))?,
    })
}
