//! Runs of retention, and the beginning of the audit trail.

use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use domain::audit::{CHAIN_BEGIN, cut_digest, short_head};
use tokio_postgres::Row;

use super::super::tallies;
use super::super::values::{limit, text};
use super::audit::hash;
use super::{PostgresAccess, begin, cases};
use crate::StoreError;
use crate::retention::{
    AUDIT_ENTRIES, AuditCut, CASES, Gone, PastItems, PlannedCut, Rewritten, Run, RunId, RunLine, RunStore,
    Step, Tally, read_list, write_list,
};
use crate::users::time;

const COLUMNS: &str = "run_id, started_at_ms, started_by, finished_at_ms, outcome, rewritten";
/// Hashes that are read together.
const HASHES_AT_ONCE: usize = 10_000;
pub(super) const TALLIES: &str = "retention_access_tallies";

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
        rewritten: Vec<Rewritten>,
    ) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        let finished = client
            .execute(
                "UPDATE retention_runs SET finished_at_ms = $2, outcome = $3, rewritten = $4
                 WHERE run_id = $1 AND finished_at_ms IS NULL",
                &[
                    &run,
                    &finished_at.timestamp_millis(),
                    &write_list(&outcome)?,
                    &write_list(&rewritten)?,
                ],
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

    async fn audit_cut(&self, before: DateTime<Utc>) -> Result<Option<PlannedCut>, StoreError> {
        let client = self.database.client().await?;
        let mut digest = digest_so_far(&client).await?;
        let first_kept = client
            .query_one(FIRST_KEPT, &[&before.timestamp_millis()])
            .await?
            .get::<_, Option<i64>>(0)
            .unwrap_or(0);
        let (mut after, mut planned) = (0, None);
        loop {
            let page = hashes(&client, after, first_kept - 1, HASHES_AT_ONCE).await?;
            for (up_to, hash) in &page {
                digest = cut_digest(digest, [short_head(hash)]);
                (after, planned) = (*up_to, Some((*up_to, *hash)));
            }
            if page.len() < HASHES_AT_ONCE {
                return Ok(planned.map(|(up_to, hash)| PlannedCut { up_to, hash, digest }));
            }
        }
    }

    async fn cut_audit(&self, cut: AuditCut) -> Result<Gone, StoreError> {
        let mut client = self.database.client().await?;
        let begun = Instant::now();
        let transaction = begin(&mut client).await?;
        let hashes = hashes(&transaction, 0, cut.up_to, cut.most).await?;
        let Some((number, hash)) = hashes.last() else {
            return Ok(Gone {
                items: 0,
                held: begun.elapsed(),
            });
        };
        let heads: Vec<_> = hashes.iter().map(|(_, hash)| short_head(hash)).collect();
        let digest = cut_digest(digest_so_far(&transaction).await?, heads.iter().copied());
        transaction
            .execute(
                "INSERT INTO audit_cut_parts (last_number, cut_at_ms, heads, digest) VALUES ($1, $2, $3, $4)",
                &[
                    number,
                    &cut.at.timestamp_millis(),
                    &heads.as_flattened(),
                    &digest.as_slice(),
                ],
            )
            .await?;
        let gone = transaction
            .execute("DELETE FROM audit_entries WHERE number <= $1", &[number])
            .await?;
        transaction
            .execute(
                "INSERT INTO audit_anchor (number, hash, cut_at_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (is_anchor) DO UPDATE SET number = excluded.number, hash = excluded.hash,
                     cut_at_ms = excluded.cut_at_ms",
                &[number, &hash.as_slice(), &cut.at.timestamp_millis()],
            )
            .await?;
        tallies::add(&transaction, TALLIES, cut.run, AUDIT_ENTRIES, gone).await?;
        transaction.commit().await?;
        Ok(Gone {
            items: usize::try_from(gone).unwrap_or(usize::MAX),
            held: begun.elapsed(),
        })
    }

    async fn past_cases(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let past = cases::last_handled_before(&client, before, usize::MAX).await?;
        Ok(PastItems {
            items: past.len() as u64,
            oldest: past.into_iter().map(|(at, _)| at).min(),
        })
    }

    async fn purge_cases(&self, run: RunId, before: DateTime<Utc>, step: Step) -> Result<Gone, StoreError> {
        let mut client = self.database.client().await?;
        let begun = Instant::now();
        let transaction = begin(&mut client).await?;
        let past = cases::last_handled_before(&transaction, before, step.most).await?;
        let numbers: Vec<i64> = past.into_iter().map(|(_, number)| number).collect();
        let gone = transaction
            .execute("DELETE FROM cases WHERE number = ANY($1)", &[&numbers])
            .await?;
        tallies::add(&transaction, TALLIES, run, CASES, gone).await?;
        transaction.commit().await?;
        Ok(Gone {
            items: usize::try_from(gone).unwrap_or(usize::MAX),
            held: begun.elapsed(),
        })
    }

    async fn take_over_access(&self, run: RunId) -> Result<(), StoreError> {
        tallies::take_over(&self.database.client().await?, TALLIES, run).await
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

/// Hashes of entries behind one, up to another, in their order.
async fn hashes(
    client: &impl GenericClient,
    after: i64,
    up_to: i64,
    most: usize,
) -> Result<Vec<(i64, [u8; 32])>, StoreError> {
    let rows = client
        .query(
            "SELECT number, hash FROM audit_entries WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3",
            &[&after, &up_to, &limit(most)],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0), hash(row.get(1))?)))
        .collect()
}

/// The digest of what stayed of all entries that are cut.
async fn digest_so_far(client: &impl GenericClient) -> Result<[u8; 32], StoreError> {
    let last = client
        .query_opt(
            "SELECT digest FROM audit_cut_parts ORDER BY last_number DESC LIMIT 1",
            &[],
        )
        .await?;
    last.map_or(Ok(CHAIN_BEGIN), |row| hash(row.get(0)))
}

fn read(row: &Row) -> Result<Run, StoreError> {
    Ok(Run {
        id: row.get(0),
        started_at: time(row.get(1)),
        started_by: row.get(2),
        finished_at: row.get::<_, Option<i64>>(3).map(time),
        outcome: read_list(row.get(4))?,
        rewritten: read_list(row.get(5))?,
    })
}
