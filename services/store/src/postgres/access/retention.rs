//! Runs of retention, and the beginning of the audit trail.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::super::tallies;
use super::super::values::{limit, text};
use super::audit::hash;
use super::{PostgresAccess, begin};
use crate::StoreError;
use crate::retention::{
    AUDIT_ENTRIES, AuditCut, PastItems, Run, RunId, RunLine, RunStore, Tally, read_outcome, write_outcome,
};
use crate::users::time;

const COLUMNS: &str = "run_id, started_at_ms, started_by, finished_at_ms, outcome";
const TALLIES: &str = "retention_access_tallies";

/// Entries from the first one on that no cut at `$1` reaches, and the newest.
const FIRST_KEPT: &str = "SELECT least((SELECT min(number) FROM audit_entries WHERE at_ms >= $1),
    (SELECT max(number) FROM audit_entries))";

#[async_trait]
impl RunStore for PostgresAccess {
    async fn unfinished_run(&self) -> Result<Option<Run>, StoreError> {
        let client = self.database.client().await?;
        let sql = format!(
            "SELECT {COLUMNS} FROM retention_runs WHERE finished_at_ms IS NULL ORDER BY run_id LIMIT 1"
        );
        let run = client.query_opt(&sql, &[]).await?;
        run.as_ref().map(read).transpose()
    }

    async fn begin_run(&self, started_at: DateTime<Utc>, started_by: &str) -> Result<Run, StoreError> {
        let client = self.database.client().await?;
        let sql = format!(
            "INSERT INTO retention_runs (started_at_ms, started_by) VALUES ($1, $2) RETURNING {COLUMNS}"
        );
        let run = client
            .query_one(&sql, &[&started_at.timestamp_millis(), &text(started_by)])
            .await?;
        read(&run)
    }

    async fn finish_run(
        &self,
        run: RunId,
        finished_at: DateTime<Utc>,
        outcome: Vec<RunLine>,
    ) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        let finished = client
            .execute(
                "UPDATE retention_runs SET finished_at_ms = $2, outcome = $3
                 WHERE run_id = $1 AND finished_at_ms IS NULL",
                &[&run, &finished_at.timestamp_millis(), &write_outcome(&outcome)?],
            )
            .await?;
        match finished {
            1 => Ok(()),
            _ => Err(StoreError::Conflict(format!("run {run}"))),
        }
    }

    async fn runs(&self, before: Option<RunId>, most: usize) -> Result<Vec<Run>, StoreError> {
        let client = self.database.client().await?;
        let sql =
            format!("SELECT {COLUMNS} FROM retention_runs WHERE run_id < $1 ORDER BY run_id DESC LIMIT $2");
        let runs = client
            .query(&sql, &[&before.unwrap_or(i64::MAX), &limit(most)])
            .await?;
        runs.iter().map(read).collect()
    }

    async fn past_audit(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = format!("SELECT count(*), min(at_ms) FROM audit_entries WHERE number < ({FIRST_KEPT})");
        tallies::past(&client, &sql, &[&before.timestamp_millis()]).await
    }

    async fn audit_cut(&self, before: DateTime<Utc>) -> Result<Option<(i64, [u8; 32])>, StoreError> {
        let client = self.database.client().await?;
        let sql = format!(
            "SELECT number, hash FROM audit_entries WHERE number < ({FIRST_KEPT}) ORDER BY number DESC LIMIT 1"
        );
        let last = client.query_opt(&sql, &[&before.timestamp_millis()]).await?;
        last.map(|row| Ok((row.get(0), hash(row.get(1))?))).transpose()
    }

    async fn cut_audit(&self, cut: AuditCut) -> Result<usize, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let last = transaction
            .query_opt(
                "SELECT number, hash FROM
                     (SELECT number, hash FROM audit_entries WHERE number <= $1 ORDER BY number LIMIT $2) AS page
                 ORDER BY number DESC LIMIT 1",
                &[&cut.up_to, &limit(cut.most)],
            )
            .await?;
        let Some(last) = last else {
            return Ok(0);
        };
        let (number, hash): (i64, &[u8]) = (last.get(0), last.get(1));
        let gone = transaction
            .execute("DELETE FROM audit_entries WHERE number <= $1", &[&number])
            .await?;
        transaction
            .execute(
                "INSERT INTO audit_anchor (number, hash, cut_at_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (is_anchor) DO UPDATE SET number = excluded.number, hash = excluded.hash,
                     cut_at_ms = excluded.cut_at_ms",
                &[&number, &hash, &cut.at.timestamp_millis()],
            )
            .await?;
        tallies::add(&transaction, TALLIES, cut.run, AUDIT_ENTRIES, gone).await?;
        transaction.commit().await?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }

    async fn access_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        let client = self.database.client().await?;
        let sql = format!("SELECT what, items FROM {TALLIES} WHERE run_id = $1 ORDER BY what");
        let rows = client.query(&sql, &[&run]).await?;
        let tally = |(what, items)| Tally {
            what,
            part: String::new(),
            items,
        };
        Ok(rows.iter().map(tallies::read).map(tally).collect())
    }

    /// The log is the server's own.
    async fn empty_access_log(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn read(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        id: row.get(0),
        started_at: time(row.get(1)),
        started_by: row.get(2),
        finished_at: row.get::<_, Option<i64>>(3).map(time),
        outcome: read_outcome(row.get(4))?,
    })
}
