//! Runs of retention, and the beginning of the audit trail.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::audit::{CHAIN_BEGIN, cut_digest, short_head};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{SqliteAccess, cases};
use crate::StoreError;
use crate::retention::{
    AUDIT_ENTRIES, AuditCut, CASES, Gone, PastItems, PlannedCut, Rewritten, Run, RunId, RunLine, RunStore,
    Step, Tally, read_list, write_list,
};
use crate::sqlite::tallies;
use crate::users::time;

const COLUMNS: &str = "run_id, started_at_ms, started_by, finished_at_ms, outcome, rewritten";

/// Entries from the first one on that no cut at `?1` reaches, and the newest.
const FIRST_KEPT: &str = "SELECT min(number) FROM
    (SELECT min(number) AS number FROM audit_entries WHERE at_ms >= ?1 UNION ALL
     SELECT max(number) FROM audit_entries)";

#[async_trait]
impl RunStore for SqliteAccess {
    async fn unfinished_run(&self) -> Result<Option<Run>, StoreError> {
        self.query(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM retention_runs WHERE finished_at_ms IS NULL ORDER BY run_id LIMIT 1"
            );
            let run = connection.prepare_cached(&sql)?.query_row([], read).optional()?;
            run.transpose()
        })
        .await
    }

    async fn begin_run(&self, started_at: DateTime<Utc>, started_by: &str) -> Result<Run, StoreError> {
        let started_by = started_by.to_owned();
        self.unit(move |transaction| {
            transaction.execute(
                "INSERT INTO retention_runs (started_at_ms, started_by) VALUES (?1, ?2)",
                params![started_at.timestamp_millis(), started_by],
            )?;
            Ok(Run {
                id: transaction.last_insert_rowid(),
                started_at: time(started_at.timestamp_millis()),
                started_by,
                finished_at: None,
                outcome: Vec::new(),
                rewritten: Vec::new(),
            })
        })
        .await
    }

    async fn finish_run(
        &self,
        run: RunId,
        finished_at: DateTime<Utc>,
        outcome: Vec<RunLine>,
        rewritten: Vec<Rewritten>,
    ) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            let finished = transaction.execute(
                "UPDATE retention_runs SET finished_at_ms = ?2, outcome = ?3, rewritten = ?4
                 WHERE run_id = ?1 AND finished_at_ms IS NULL",
                params![
                    run,
                    finished_at.timestamp_millis(),
                    write_list(&outcome)?,
                    write_list(&rewritten)?
                ],
            )?;
            match finished {
                1 => Ok(()),
                _ => Err(StoreError::Conflict(format!("run {run}"))),
            }
        })
        .await
    }

    async fn runs(&self, before: Option<RunId>, most: usize) -> Result<Vec<Run>, StoreError> {
        self.query(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM retention_runs WHERE run_id < ?1 ORDER BY run_id DESC LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let runs = statement.query_map(params![before.unwrap_or(i64::MAX), most as i64], read)?;
            runs.map(|run| run?).collect()
        })
        .await
    }

    async fn past_audit(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.query(move |connection| {
            let sql = format!("SELECT count(*), min(at_ms) FROM audit_entries WHERE number < ({FIRST_KEPT})");
            tallies::past(connection, &sql, [before.timestamp_millis()])
        })
        .await
    }

    async fn audit_cut(&self, before: DateTime<Utc>) -> Result<Option<PlannedCut>, StoreError> {
        self.query(move |connection| {
            let sql = format!(
                "SELECT number, hash FROM audit_entries WHERE number < ({FIRST_KEPT}) ORDER BY number"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([before.timestamp_millis()])?;
            let (mut digest, mut last) = (digest_so_far(connection)?, None);
            while let Some(row) = rows.next()? {
                let hash: [u8; 32] = row.get(1)?;
                digest = cut_digest(digest, [short_head(&hash)]);
                last = Some((row.get(0)?, hash));
            }
            Ok(last.map(|(up_to, hash)| PlannedCut { up_to, hash, digest }))
        })
        .await
    }

    async fn cut_audit(&self, cut: AuditCut) -> Result<Gone, StoreError> {
        let cut = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let gone = cut_audit(&transaction, &cut)?;
            transaction.commit()?;
            Ok(gone)
        };
        let (items, held) = self.file.timed(cut).await?;
        Ok(Gone { items, held })
    }

    async fn past_cases(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.query(move |connection| {
            let past = cases::last_handled_before(connection, before, usize::MAX)?;
            Ok(PastItems {
                items: past.len() as u64,
                oldest: past.into_iter().map(|(at, _)| at).min(),
            })
        })
        .await
    }

    async fn purge_cases(&self, run: RunId, before: DateTime<Utc>, step: Step) -> Result<Gone, StoreError> {
        let delete = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let past = cases::last_handled_before(&transaction, before, step.most)?;
            for (_, number) in &past {
                transaction
                    .prepare_cached("DELETE FROM cases WHERE number = ?1")?
                    .execute([number])?;
            }
            tallies::add(&transaction, run, CASES, past.len())?;
            transaction.commit()?;
            Ok(past.len())
        };
        let (items, held) = self.file.timed(delete).await?;
        Ok(Gone { items, held })
    }

    async fn take_over_access(&self, run: RunId) -> Result<(), StoreError> {
        self.unit(move |transaction| tallies::take_over(transaction, run))
            .await
    }

    async fn access_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        self.query(move |connection| tallies::of(connection, run)).await
    }

    async fn empty_access_log(&self) -> Result<(), StoreError> {
        self.file.write(|connection| tallies::empty_log(connection)).await
    }
}

fn cut_audit(transaction: &Transaction<'_>, cut: &AuditCut) -> Result<usize, StoreError> {
    let hashes: Vec<(i64, [u8; 32])> = {
        let mut statement = transaction.prepare_cached(
            "SELECT number, hash FROM audit_entries WHERE number <= ?1 ORDER BY number LIMIT ?2",
        )?;
        let rows = statement.query_map(params![cut.up_to, cut.most as i64], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect::<Result<_, _>>()?
    };
    let Some((number, hash)) = hashes.last() else {
        return Ok(0);
    };
    let heads: Vec<_> = hashes.iter().map(|(_, hash)| short_head(hash)).collect();
    let digest = cut_digest(digest_so_far(transaction)?, heads.iter().copied());
    transaction.execute(
        "INSERT INTO audit_cut_parts (last_number, cut_at_ms, heads, digest) VALUES (?1, ?2, ?3, ?4)",
        params![number, cut.at.timestamp_millis(), heads.as_flattened(), digest],
    )?;
    let gone = transaction.execute("DELETE FROM audit_entries WHERE number <= ?1", [number])?;
    transaction.execute(
        "INSERT INTO audit_anchor (single, number, hash, cut_at_ms) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET number = excluded.number, hash = excluded.hash, cut_at_ms = excluded.cut_at_ms",
        params![number, hash, cut.at.timestamp_millis()],
    )?;
    tallies::add(transaction, cut.run, AUDIT_ENTRIES, gone)?;
    Ok(gone)
}

/// The digest of what stayed of all entries that are cut.
fn digest_so_far(connection: &Connection) -> Result<[u8; 32], StoreError> {
    let digest = connection
        .prepare_cached("SELECT digest FROM audit_cut_parts ORDER BY last_number DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(digest.unwrap_or(CHAIN_BEGIN))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Run, StoreError>> {
    let (outcome, rewritten): (String, String) = (row.get(4)?, row.get(5)?);
    let run = Run {
        id: row.get(0)?,
        started_at: time(row.get(1)?),
        started_by: row.get(2)?,
        finished_at: row.get::<_, Option<i64>>(3)?.map(time),
        outcome: Vec::new(),
        rewritten: Vec::new(),
    };
    let lists = read_list(&outcome).and_then(|outcome| Ok((outcome, read_list(&rewritten)?)));
    Ok(lists.map(|(outcome, rewritten)| Run {
        outcome,
        rewritten,
        ..run
    }))
}
