//! Deleting calls whose time is over, a few at a time.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{Identity, SourceName};
use domain::local_time;
use domain::visit::Outcome;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::rows::{self, RECORD_COLUMNS};
use super::{SqliteCalls, apply};
use crate::StoreError;
use crate::retention::{
    CALLS, CallPurge, CallPurgePlace, CallRetention, CallsPurged, DroppedPart, Gone, IDENTITIES, PartPurge,
    PastItems, REJECTED_ITEMS, RunId, Step, Tally, VISITS,
};
use crate::sqlite::tallies;
use crate::told;

/// Calls of which no start is known stand before all others.
const WITHOUT_START: i64 = i64::MIN;

/// What has not come to its end, began after `?1`, or is restricted, stays.
const IS_PAST: &str = "open = 0 AND received_at_ms < ?1 AND (started_at_ms IS NULL OR started_at_ms < ?1)
    AND identity NOT IN (SELECT r.identity FROM restricted_calls r)";

/// A step that has found nothing.
const NOTHING: Gone = Gone {
    items: 0,
    held: Duration::ZERO,
};

#[async_trait]
impl CallRetention for SqliteCalls {
    async fn past_calls(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.file
            .read(move |connection| {
                let sql = format!(
                    "SELECT count(*), min(max(received_at_ms, coalesce(started_at_ms, received_at_ms)))
                     FROM calls WHERE {IS_PAST}"
                );
                tallies::past(connection, &sql, [before.timestamp_millis()])
            })
            .await
    }

    async fn drop_past_part(&self, _: PartPurge) -> Result<Option<DroppedPart>, StoreError> {
        Ok(None)
    }

    async fn purge_calls(&self, purge: CallPurge) -> Result<CallsPurged, StoreError> {
        // What is looked at and stays holds nobody up.
        let page = self.file.read(move |connection| page(connection, &purge)).await?;
        if page.past.is_empty() {
            return Ok(CallsPurged {
                gone: NOTHING,
                next: page.next,
            });
        }
        let past = page.past;
        let delete = move |connection: &mut Connection| delete(connection, &purge, &past);
        let (deleted, held) = self.file.timed(delete).await?;
        Ok(CallsPurged {
            gone: Gone {
                items: deleted.calls,
                held,
            },
            next: deleted.ended_early_at.or(page.next),
        })
    }

    async fn past_identities(&self, purged_before: NaiveDate) -> Result<PastItems, StoreError> {
        self.file
            .read(move |connection| {
                let (items, oldest): (i64, Option<i64>) = connection.query_row(
                    "SELECT count(*), min(purged_on) FROM purged_calls WHERE purged_on < ?1",
                    [local_time::day_number(purged_before)],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?;
                Ok(PastItems {
                    items: items.unsigned_abs(),
                    oldest: oldest.and_then(local_time::day_at).map(local_time::start_of),
                })
            })
            .await
    }

    async fn forget_identities(
        &self,
        run: RunId,
        purged_before: NaiveDate,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let forget = move |connection: &mut Connection| forget(connection, run, purged_before, step);
        let (items, held) = self.file.timed(forget).await?;
        Ok(Gone { items, held })
    }

    async fn past_agents(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.file
            .read(move |connection| {
                let sql = format!(
                    "SELECT count(*), min(received_at_ms) FROM calls WHERE names_agents AND {IS_PAST}"
                );
                tallies::past(connection, &sql, [before.timestamp_millis()])
            })
            .await
    }

    async fn take_out_agents(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        at: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let calls: Vec<Identity> = self
            .file
            .read(move |connection| {
                let mut statement = connection.prepare_cached(&format!(
                    "SELECT identity FROM calls WHERE names_agents AND {IS_PAST}
                     ORDER BY received_at_ms LIMIT ?2"
                ))?;
                let most = params![before.timestamp_millis(), step.most as i64];
                let calls = statement.query_map(most, |row| Ok(Identity(row.get(0)?)))?;
                Ok(calls.collect::<Result<_, _>>()?)
            })
            .await?;
        if calls.is_empty() {
            return Ok(NOTHING);
        }
        let take_out = move |connection: &mut Connection| {
            apply::take_out_agents(connection, &calls, run, at, step.within)
        };
        let (items, held) = self.file.timed(take_out).await?;
        Ok(Gone { items, held })
    }

    async fn past_rejected(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.file
            .read(move |connection| {
                tallies::past(
                    connection,
                    "SELECT count(*), min(received_at_ms) FROM rejected_items WHERE received_at_ms < ?1
                         AND id NOT IN (SELECT r.identity FROM restricted_calls r)",
                    [before.timestamp_millis()],
                )
            })
            .await
    }

    async fn purge_rejected(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let delete = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let gone = transaction.execute(
                "DELETE FROM rejected_items WHERE id IN
                     (SELECT id FROM rejected_items WHERE received_at_ms < ?1
                         AND id NOT IN (SELECT r.identity FROM restricted_calls r) ORDER BY received_at_ms LIMIT ?2)",
                params![before.timestamp_millis(), step.most as i64],
            )?;
            tallies::add(&transaction, run, REJECTED_ITEMS, gone)?;
            transaction.commit()?;
            Ok(gone)
        };
        let (items, held) = self.file.timed(delete).await?;
        Ok(Gone { items, held })
    }

    async fn take_over_calls(&self, run: RunId) -> Result<(), StoreError> {
        self.file
            .write(move |connection| {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                tallies::take_over(&transaction, run)?;
                Ok(transaction.commit()?)
            })
            .await
    }

    async fn call_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        self.file
            .read(move |connection| tallies::of(connection, run))
            .await
    }

    /// They are in one part.
    async fn touched_since(&self, _: NaiveDate) -> Result<Vec<Identity>, StoreError> {
        Ok(Vec::new())
    }

    async fn empty_call_log(&self) -> Result<(), StoreError> {
        self.file.write(|connection| tallies::empty_log(connection)).await
    }
}

/// Calls to look at.
struct Page {
    /// The places of those that are past.
    past: Vec<CallPurgePlace>,
    next: Option<CallPurgePlace>,
}

fn page(connection: &Connection, purge: &CallPurge) -> Result<Page, StoreError> {
    let place = purge.after.unwrap_or(CallPurgePlace {
        started_at_ms: WITHOUT_START,
        call_row: 0,
    });
    let before_ms = purge.before.timestamp_millis();
    let has_no_start = place.started_at_ms == WITHOUT_START;
    let which = match has_no_start {
        true => "started_at_ms IS NULL AND call_row > ?3 AND ?2 < 0 ORDER BY call_row",
        false => {
            "(started_at_ms, call_row) > (?2, ?3) AND started_at_ms < ?1 ORDER BY started_at_ms, call_row"
        }
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT call_row, started_at_ms, {IS_PAST} FROM calls WHERE {which} LIMIT ?4"
    ))?;
    let mut found = statement.query(params![
        before_ms,
        place.started_at_ms,
        place.call_row,
        purge.step.most as i64
    ])?;
    let (mut looked_at, mut past, mut last) = (0, Vec::new(), None);
    while let Some(row) = found.next()? {
        let place = CallPurgePlace {
            started_at_ms: row.get::<_, Option<i64>>(1)?.unwrap_or(WITHOUT_START),
            call_row: row.get(0)?,
        };
        if row.get(2)? {
            past.push(place);
        }
        last = Some(place);
        looked_at += 1;
    }
    let next = match looked_at == purge.step.most {
        true => last,
        false if has_no_start => Some(CallPurgePlace {
            started_at_ms: WITHOUT_START + 1,
            call_row: 0,
        }),
        false => None,
    };
    Ok(Page { past, next })
}

/// A call that is to be deleted.
struct Past {
    call_row: i64,
    identity: Identity,
    source_id: i64,
    day: Option<i64>,
    told: Vec<u8>,
}

/// What was deleted of a page.
struct Deleted {
    calls: usize,
    /// The last call that was looked at, if it took too long to go on.
    ended_early_at: Option<CallPurgePlace>,
}

fn delete(
    connection: &mut Connection,
    purge: &CallPurge,
    past: &[CallPurgePlace],
) -> Result<Deleted, StoreError> {
    let begun = Instant::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut calls, mut visits, mut ended_early_at) = (0, 0, None);
    for (number, place) in past.iter().enumerate() {
        // It may have been written since the page was looked at.
        if let Some(past) = read(&transaction, place.call_row, purge.before)? {
            visits += delete_one(&transaction, &past, purge.on)?;
            calls += 1;
        }
        if begun.elapsed() >= purge.step.within && number + 1 < past.len() {
            ended_early_at = Some(*place);
            break;
        }
    }
    tallies::add(&transaction, purge.run, CALLS, calls)?;
    tallies::add(&transaction, purge.run, VISITS, visits)?;
    transaction.commit()?;
    Ok(Deleted {
        calls,
        ended_early_at,
    })
}

fn read(
    transaction: &Transaction<'_>,
    call_row: i64,
    before: DateTime<Utc>,
) -> Result<Option<Past>, StoreError> {
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT call_row, given_up, more, heard_at_ms, shard, h.name, {RECORD_COLUMNS}, identity, source_id
         FROM calls LEFT JOIN hotlines h USING (hotline_id) WHERE call_row = ?2 AND {IS_PAST}"
    ))?;
    let mut found = statement.query(params![before.timestamp_millis(), call_row])?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    let identity = Identity(row.get("identity")?);
    let started_at_ms: Option<i64> = row.get("started_at_ms")?;
    let started_at = started_at_ms.and_then(DateTime::from_timestamp_millis);
    Ok(Some(Past {
        call_row,
        identity,
        source_id: row.get("source_id")?,
        day: started_at.map(|at| local_time::day_number(local_time::day_of(at))),
        told: told::marks(identity, &rows::read_known(row)?.state),
    }))
}

/// Deletes a call; returns how many visits it had.
fn delete_one(transaction: &Transaction<'_>, past: &Past, on: NaiveDate) -> Result<usize, StoreError> {
    transaction
        .prepare_cached(&keep_longest())?
        .execute([past.call_row])?;
    transaction
        .prepare_cached(
            "INSERT INTO purged_calls (call_row, identity, purged_on, told) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            past.call_row,
            past.identity.0,
            local_time::day_number(on),
            past.told
        ])?;
    if let Some(day) = past.day {
        transaction
            .prepare_cached(
                "INSERT INTO purged_days (source_id, day) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![past.source_id, day])?;
    }
    let visits = transaction
        .prepare_cached("DELETE FROM visits WHERE call_row = ?1")?
        .execute([past.call_row])?;
    transaction
        .prepare_cached("DELETE FROM calls WHERE call_row = ?1")?
        .execute([past.call_row])?;
    Ok(visits)
}

/// Keeps the longest times of the visits of a call, which a later retraction of another one may ask for.
fn keep_longest() -> String {
    let longest = |outcome: Outcome| {
        format!(
            "max(CASE WHEN outcome = {} THEN wait_ms + coalesce(ring_ms, 0) END)",
            outcome.code()
        )
    };
    let greater =
        |name: &str| format!("{name} = nullif(max(coalesce({name}, -1), coalesce(excluded.{name}, -1)), -1)");
    format!(
        "INSERT INTO purged_longest (hotline_id, interval, task_type, shard, longest_time_to_answer_ms,
             longest_time_to_abandon_ms)
         SELECT hotline_id, offered_at_ms / 900000, task_type, shard, {}, {} FROM visits
         WHERE call_row = ?1 AND counted AND wait_ms IS NOT NULL AND outcome IN ({}, {})
         GROUP BY 1, 2, 3, 4
         ON CONFLICT DO UPDATE SET {}, {}",
        longest(Outcome::Answered),
        longest(Outcome::Abandoned),
        Outcome::Answered.code(),
        Outcome::Abandoned.code(),
        greater("longest_time_to_answer_ms"),
        greater("longest_time_to_abandon_ms"),
    )
}

fn forget(
    connection: &mut Connection,
    run: RunId,
    purged_before: NaiveDate,
    step: Step,
) -> Result<usize, StoreError> {
    let begun = Instant::now();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let past: Vec<(i64, [u8; 16])> = {
        let mut statement = transaction.prepare_cached(
            "SELECT call_row, identity FROM purged_calls WHERE purged_on < ?1 ORDER BY purged_on LIMIT ?2",
        )?;
        let day = local_time::day_number(purged_before);
        let rows = statement.query_map(params![day, step.most as i64], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect::<Result<_, _>>()?
    };
    let mut gone = 0;
    for (call_row, identity) in &past {
        for table in ["recent_identities", "settled_identities"] {
            transaction
                .prepare_cached(&format!("DELETE FROM {table} WHERE identity = ?1"))?
                .execute([identity])?;
        }
        transaction
            .prepare_cached("DELETE FROM purged_calls WHERE call_row = ?1")?
            .execute([call_row])?;
        gone += 1;
        if begun.elapsed() >= step.within {
            break;
        }
    }
    tallies::add(&transaction, run, IDENTITIES, gone)?;
    transaction.commit()?;
    Ok(gone)
}

/// Whether any call was ever deleted: until then nobody need ask.
pub(super) fn any(transaction: &Transaction<'_>) -> Result<bool, StoreError> {
    Ok(transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM purged_calls) OR EXISTS (SELECT 1 FROM purged_days)")?
        .query_row([], |row| row.get(0))?)
}

/// What a deleted call was told by; `None`: no such call was deleted.
pub(super) fn told_before(
    transaction: &Transaction<'_>,
    identity: Identity,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(transaction
        .prepare_cached(
            "SELECT told FROM purged_calls
             WHERE call_row = (SELECT call_row FROM identities WHERE identity = ?1)",
        )?
        .query_row([identity.0], |row| row.get(0))
        .optional()?)
}

/// Whether calls of a feed that began on a day were deleted.
pub(super) fn is_purged_day(
    transaction: &Transaction<'_>,
    source: &SourceName,
    day: NaiveDate,
) -> Result<bool, StoreError> {
    Ok(transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM purged_days JOIN sources USING (source_id) WHERE name = ?1 AND day = ?2)",
        )?
        .query_row(params![source.as_str(), local_time::day_number(day)], |row| row.get(0))?)
}
