//! Deleting calls whose time is over: a month whole where everything in it is past, else a few at a time.
//!
//! Before a month is dropped, what stays of its calls is written, in pages and beside everything else. The drop itself
//! then takes moments: whoever is in its way is not made to wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::ids::{Identity, SourceName};
use domain::local_time;
use domain::visit::Outcome;
use tokio_postgres::IsolationLevel;

use super::super::tallies;
use super::super::values::{self, key, limit, text};
use super::partitions::{self, month_of};
use super::rows::{self, CALL_SELECT, KnownCall};
use super::{PostgresCalls, apply};
use crate::StoreError;
use crate::retention::{
    CALLS, CallPurge, CallPurgePlace, CallRetention, CallsPurged, DroppedPart, Gone, IDENTITIES, PartPurge,
    PastItems, REJECTED_ITEMS, RunId, Step, Tally, VISITS,
};
use crate::told;

pub(super) const TALLIES: &str = "retention_call_tallies";

/// Calls of which no start is known stand before all others.
const WITHOUT_START: i64 = i64::MIN;

/// What has not come to its end, began after `$1`, or is restricted, stays.
const IS_PAST: &str = "NOT open AND received_at_ms < $1 AND (started_at_ms IS NULL OR started_at_ms < $1)
    AND identity NOT IN (SELECT r.identity FROM restricted_calls r)";

/// Calls of a month that are read together before it is dropped.
const TOGETHER: i64 = 2000;

/// How often a month is tried to be dropped while somebody reads it.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(150);

/// Who waits for the drop of a month waits this long at most.
const BE_BRIEF: &str = "SET LOCAL lock_timeout = '300ms'; SET LOCAL statement_timeout = '10min'";

#[async_trait]
impl CallRetention for PostgresCalls {
    async fn past_calls(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = format!(
            "SELECT count(*), min(greatest(received_at_ms, started_at_ms)) FROM calls WHERE {IS_PAST}"
        );
        tallies::past(&client, &sql, &[&before.timestamp_millis()]).await
    }

    async fn drop_past_part(&self, purge: PartPurge) -> Result<Option<DroppedPart>, StoreError> {
        let mut client = self.database.client().await?;
        let Some(month) = past_month(&client, purge.before).await? else {
            return Ok(None);
        };
        keep_told(&mut client, month, &purge).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            match drop_month(&mut client, month, &purge).await {
                Err(StoreError::Unavailable(_)) if tries < TRIES => {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                Ok(Some(dropped)) => {
                    self.months.forget();
                    return Ok(Some(dropped));
                }
                outcome => return outcome,
            }
        }
    }

    async fn purge_calls(&self, purge: CallPurge) -> Result<CallsPurged, StoreError> {
        let mut client = self.database.client().await?;
        let page = page(&client, &purge).await?;
        let begun = Instant::now();
        let items = match page.past.is_empty() {
            true => 0,
            false => delete(&mut client, &purge, &page.past).await?,
        };
        let held = begun.elapsed();
        Ok(CallsPurged {
            gone: Gone { items, held },
            next: page.next,
        })
    }

    async fn past_identities(&self, purged_before: NaiveDate) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = "SELECT count(*), min(purged_on) FROM purged_calls WHERE purged_on < $1";
        let row = client.query_one(sql, &[&day_column(purged_before)]).await?;
        let oldest: Option<i32> = row.get(1);
        Ok(PastItems {
            items: row.get::<_, i64>(0).unsigned_abs(),
            oldest: oldest
                .and_then(|day| local_time::day_at(day.into()))
                .map(local_time::start_of),
        })
    }

    async fn forget_identities(
        &self,
        run: RunId,
        purged_before: NaiveDate,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let mut client = self.database.client().await?;
        let begun = Instant::now();
        let transaction = begin(&mut client).await?;
        let rows = transaction
            .query(
                "SELECT identity FROM purged_calls WHERE purged_on < $1 ORDER BY purged_on LIMIT $2",
                &[&day_column(purged_before), &limit(step.most)],
            )
            .await?;
        let past: Vec<uuid::Uuid> = rows.iter().map(|row| row.get(0)).collect();
        for table in ["identities", "purged_calls"] {
            let delete = format!("DELETE FROM {table} WHERE identity = ANY($1)");
            transaction.execute(&delete, &[&past]).await?;
        }
        tallies::add(&transaction, TALLIES, run, IDENTITIES, past.len() as u64).await?;
        transaction.commit().await?;
        Ok(Gone {
            items: past.len(),
            held: begun.elapsed(),
        })
    }

    async fn past_agents(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = format!("SELECT count(*), min(received_at_ms) FROM calls WHERE names_agents AND {IS_PAST}");
        tallies::past(&client, &sql, &[&before.timestamp_millis()]).await
    }

    async fn take_out_agents(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        at: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let calls: Vec<Identity> = {
            let client = self.database.client().await?;
            let find = format!(
                "SELECT identity FROM calls WHERE names_agents AND {IS_PAST} ORDER BY received_at_ms LIMIT $2"
            );
            let find = client.prepare_cached(&find).await?;
            let found = client
                .query(&find, &[&before.timestamp_millis(), &limit(step.most)])
                .await?;
            found.iter().map(|row| values::identity(row.get(0))).collect()
        };
        let begun = Instant::now();
        let items = match calls.is_empty() {
            true => 0,
            false => apply::take_out_agents(self, &calls, run, at).await?,
        };
        Ok(Gone {
            items,
            held: begun.elapsed(),
        })
    }

    async fn past_rejected(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = "SELECT count(*), min(received_at_ms) FROM rejected_items WHERE received_at_ms < $1
                         AND id NOT IN (SELECT r.identity FROM restricted_calls r)";
        tallies::past(&client, sql, &[&before.timestamp_millis()]).await
    }

    async fn purge_rejected(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let mut client = self.database.client().await?;
        let begun = Instant::now();
        let transaction = begin(&mut client).await?;
        let gone = transaction
            .execute(
                "DELETE FROM rejected_items WHERE id IN
                     (SELECT id FROM rejected_items WHERE received_at_ms < $1
                         AND id NOT IN (SELECT r.identity FROM restricted_calls r) ORDER BY received_at_ms, id LIMIT $2)",
                &[&before.timestamp_millis(), &limit(step.most)],
            )
            .await?;
        tallies::add(&transaction, TALLIES, run, REJECTED_ITEMS, gone).await?;
        transaction.commit().await?;
        Ok(Gone {
            items: usize::try_from(gone).unwrap_or(usize::MAX),
            held: begun.elapsed(),
        })
    }

    async fn take_over_calls(&self, run: RunId) -> Result<(), StoreError> {
        tallies::take_over(&self.database.client().await?, TALLIES, run).await
    }

    async fn call_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        let client = self.database.client().await?;
        let sql = format!(
            "SELECT what, items, partition FROM {TALLIES} WHERE run_id = $1 ORDER BY what, partition"
        );
        let rows = client.query(&sql, &[&run]).await?;
        let tally = |row| {
            let (what, items) = tallies::read(row);
            Tally {
                what,
                part: row.get(2),
                items,
            }
        };
        Ok(rows.iter().map(tally).collect())
    }

    async fn touched_since(&self, day: NaiveDate) -> Result<Vec<Identity>, StoreError> {
        let client = self.database.client().await?;
        let rows = client
            .query(
                "SELECT DISTINCT ON (month) identity FROM purged_calls JOIN identities USING (identity)
                 JOIN partitions USING (month) WHERE purged_on >= $1 ORDER BY month, identity",
                &[&day_column(day)],
            )
            .await?;
        Ok(rows.iter().map(|row| values::identity(row.get(0))).collect())
    }

    /// The log is the server's own.
    async fn empty_call_log(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

pub(super) async fn begin(client: &mut Object) -> Result<Transaction<'_>, StoreError> {
    let builder = client.build_transaction();
    Ok(builder
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?)
}

fn day_column(day: NaiveDate) -> i32 {
    i32::try_from(local_time::day_number(day)).unwrap_or(i32::MAX)
}

/// The oldest month in which everything is past.
async fn past_month(client: &Object, before: DateTime<Utc>) -> Result<Option<i32>, StoreError> {
    let months = client
        .query(
            "SELECT month FROM partitions WHERE month < $1 ORDER BY month",
            &[&month_of(before)],
        )
        .await?;
    for row in &months {
        let month: i32 = row.get(0);
        if is_past(client, month, before).await? {
            return Ok(Some(month));
        }
    }
    Ok(None)
}

async fn is_past(
    client: &impl deadpool_postgres::GenericClient,
    month: i32,
    before: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let any_stays = format!("SELECT EXISTS (SELECT FROM calls_{month} WHERE NOT ({IS_PAST}))");
    let row = client
        .query_one(&any_stays, &[&before.timestamp_millis()])
        .await?;
    Ok(!row.get::<_, bool>(0))
}

/// Writes what stays of the calls of a month. Done again, it changes nothing.
async fn keep_told(client: &mut Object, month: i32, purge: &PartPurge) -> Result<(), StoreError> {
    let page = format!(
        "SELECT {CALL_SELECT} FROM calls LEFT JOIN hotlines h ON h.id = hotline_id
         WHERE month = $1 AND call_row > $2 ORDER BY call_row LIMIT $3"
    );
    let mut after = i64::MIN;
    loop {
        let transaction = begin(client).await?;
        let found = transaction.query(&page, &[&month, &after, &TOGETHER]).await?;
        let calls: Vec<KnownCall> = found
            .iter()
            .map(|row| rows::known_call(row, month))
            .collect::<Result<_, _>>()?;
        keep_of(&transaction, &calls, purge.on).await?;
        transaction.commit().await?;
        match calls.last() {
            Some(last) => after = last.filing.call_row,
            None => return Ok(()),
        }
    }
}

/// Writes what stays of calls.
async fn keep_of(
    transaction: &Transaction<'_>,
    calls: &[KnownCall],
    on: NaiveDate,
) -> Result<(), StoreError> {
    let identities: Vec<uuid::Uuid> = calls.iter().map(|call| key(call.filing.identity)).collect();
    let told: Vec<Vec<u8>> = calls
        .iter()
        .map(|call| told::marks(call.filing.identity, &call.state))
        .collect();
    transaction
        .execute(
            "INSERT INTO purged_calls (identity, purged_on, told)
             SELECT identity, $2, told FROM unnest($1::uuid[], $3::bytea[]) AS k (identity, told)
             ON CONFLICT (identity) DO UPDATE SET told = excluded.told, purged_on = excluded.purged_on",
            &[&identities, &day_column(on), &told],
        )
        .await?;
    let started = calls.iter().filter_map(|call| {
        let record = call.state.assembled().record?;
        let day = local_time::day_number(local_time::day_of(record.started_at));
        Some((call.filing.source_id, day))
    });
    let days: BTreeSet<(i32, i64)> = started.collect();
    let (sources, days): (Vec<i32>, Vec<i64>) = days.into_iter().unzip();
    transaction
        .execute(
            "INSERT INTO purged_days (source_id, day) SELECT * FROM unnest($1::int4[], $2::int8[])
             ON CONFLICT DO NOTHING",
            &[&sources, &days],
        )
        .await?;
    Ok(())
}

/// Drops a month, if everything in it still is past.
async fn drop_month(
    client: &mut Object,
    month: i32,
    purge: &PartPurge,
) -> Result<Option<DroppedPart>, StoreError> {
    let transaction = begin(client).await?;
    transaction.batch_execute(BE_BRIEF).await?;
    partitions::alone(&transaction).await?;
    // Nothing is written here from now on; who reads is not held up.
    transaction
        .batch_execute(&format!("LOCK TABLE calls_{month}, visits_{month} IN SHARE MODE"))
        .await?;
    let begun = Instant::now();
    if !is_past(&transaction, month, purge.before).await? {
        return Ok(None);
    }
    transaction
        .batch_execute(&keep_longest(&format!("visits_{month}"), "true"))
        .await?;
    let part = format!("{:04}-{:02}", month / 100, month % 100);
    let mut dropped = DroppedPart {
        part: part.clone(),
        calls: 0,
        held: Duration::ZERO,
    };
    for (what, table) in [(CALLS, "calls"), (VISITS, "visits")] {
        let count = format!("SELECT count(*) FROM {table}_{month}");
        let items: i64 = transaction.query_one(&count, &[]).await?.get(0);
        if what == CALLS {
            dropped.calls = items.unsigned_abs();
        }
        let add = format!(
            "INSERT INTO {TALLIES} (run_id, what, items, partition) VALUES ($1, $2, $3, $4)
             ON CONFLICT (run_id, what, partition) DO UPDATE SET items = {TALLIES}.items + excluded.items"
        );
        transaction
            .execute(&add, &[&purge.run, &what, &items, &part])
            .await?;
    }
    transaction
        .execute("DELETE FROM partitions WHERE month = $1", &[&month])
        .await?;
    transaction
        .batch_execute(&format!("DROP TABLE visits_{month}, calls_{month}"))
        .await?;
    transaction.commit().await?;
    dropped.held = begun.elapsed();
    Ok(Some(dropped))
}

/// Keeps the longest times of visits, which a later retraction of another one may ask for.
fn keep_longest(visits: &str, which: &str) -> String {
    let longest = |outcome: Outcome| {
        format!(
            "max(wait_ms + coalesce(ring_ms, 0)) FILTER (WHERE outcome = {})",
            outcome.code()
        )
    };
    let greater = |name: &str| format!("{name} = greatest(p.{name}, excluded.{name})");
    format!(
        "INSERT INTO purged_longest AS p (hotline_id, interval, task_type, shard, longest_time_to_answer_ms,
             longest_time_to_abandon_ms)
         SELECT hotline_id, offered_at_ms / 900000, task_type, shard, {}, {} FROM {visits}
         WHERE {which} AND counted AND wait_ms IS NOT NULL AND outcome IN ({}, {})
         GROUP BY 1, 2, 3, 4
         ON CONFLICT (hotline_id, interval, task_type, shard) DO UPDATE SET {}, {}",
        longest(Outcome::Answered),
        longest(Outcome::Abandoned),
        Outcome::Answered.code(),
        Outcome::Abandoned.code(),
        greater("longest_time_to_answer_ms"),
        greater("longest_time_to_abandon_ms"),
    )
}

/// Calls to look at.
struct Page {
    past: Vec<Identity>,
    next: Option<CallPurgePlace>,
}

async fn page(client: &Object, purge: &CallPurge) -> Result<Page, StoreError> {
    let place = purge.after.unwrap_or(CallPurgePlace {
        started_at_ms: WITHOUT_START,
        call_row: 0,
    });
    let has_no_start = place.started_at_ms == WITHOUT_START;
    let which = match has_no_start {
        true => "started_at_ms IS NULL AND call_row > $3 AND $2::int8 < 0 ORDER BY call_row",
        false => {
            "started_at_ms >= $2 AND (started_at_ms, call_row) > ($2, $3) AND started_at_ms < $1
             ORDER BY started_at_ms, call_row"
        }
    };
    let find =
        format!("SELECT identity, call_row, started_at_ms, {IS_PAST} FROM calls WHERE {which} LIMIT $4");
    let find = client.prepare_cached(&find).await?;
    let found = client
        .query(
            &find,
            &[
                &purge.before.timestamp_millis(),
                &place.started_at_ms,
                &place.call_row,
                &limit(purge.step.most),
            ],
        )
        .await?;
    let past = found.iter().filter(|row| row.get::<_, bool>(3));
    let past = past.map(|row| values::identity(row.get(0))).collect();
    let last = found.last().map(|row| CallPurgePlace {
        started_at_ms: row.get::<_, Option<i64>>(2).unwrap_or(WITHOUT_START),
        call_row: row.get(1),
    });
    let next = match found.len() == purge.step.most {
        true => last,
        false if has_no_start => Some(CallPurgePlace {
            started_at_ms: WITHOUT_START + 1,
            call_row: 0,
        }),
        false => None,
    };
    Ok(Page { past, next })
}

async fn delete(client: &mut Object, purge: &CallPurge, past: &[Identity]) -> Result<usize, StoreError> {
    let transaction = begin(client).await?;
    // Calls that are being written are heard of right now. The others are read again now that they are locked.
    let places = rows::lock_idle(&transaction, past).await?;
    let known = rows::known_calls(&transaction, &places).await?;
    let restricted = restricted_among(&transaction, past).await?;
    let before_ms = purge.before.timestamp_millis();
    let calls: Vec<KnownCall> = known
        .into_values()
        .filter(|call| {
            let assembled = call.state.assembled();
            let started_at = assembled.record.map(|record| record.started_at);
            !assembled.open
                && !restricted.contains(&call.filing.identity)
                && call.filing.received_at_ms < before_ms
                && started_at.is_none_or(|at| at.timestamp_millis() < before_ms)
        })
        .collect();
    keep_of(&transaction, &calls, purge.on).await?;
    let mut months: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for call in &calls {
        let month = months.entry(call.filing.month).or_default();
        month.push(call.filing.call_row);
    }
    let of_month = "month = $1 AND call_row = ANY($2)";
    let keep = transaction
        .prepare_cached(&keep_longest("visits", of_month))
        .await?;
    let mut visits = 0;
    for (month, call_rows) in &months {
        transaction.execute(&keep, &[month, call_rows]).await?;
        let delete = transaction
            .prepare_cached(&format!("DELETE FROM visits WHERE {of_month}"))
            .await?;
        visits += transaction.execute(&delete, &[month, call_rows]).await?;
        let delete = transaction
            .prepare_cached(&format!("DELETE FROM calls WHERE {of_month}"))
            .await?;
        transaction.execute(&delete, &[month, call_rows]).await?;
    }
    tallies::add(&transaction, TALLIES, purge.run, CALLS, calls.len() as u64).await?;
    tallies::add(&transaction, TALLIES, purge.run, VISITS, visits).await?;
    transaction.commit().await?;
    Ok(calls.len())
}

async fn restricted_among(
    transaction: &Transaction<'_>,
    identities: &[Identity],
) -> Result<BTreeSet<Identity>, StoreError> {
    let keys: Vec<_> = identities.iter().map(|identity| key(*identity)).collect();
    let find = transaction
        .prepare_cached("SELECT identity FROM restricted_calls WHERE identity = ANY($1)")
        .await?;
    let rows = transaction.query(&find, &[&keys]).await?;
    Ok(rows.iter().map(|row| values::identity(row.get(0))).collect())
}

/// What deleted calls were told by, of these.
pub(super) async fn told_before(
    transaction: &Transaction<'_>,
    identities: impl Iterator<Item = Identity>,
) -> Result<BTreeMap<Identity, Vec<u8>>, StoreError> {
    let keys: Vec<_> = identities.map(key).collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let find = transaction
        .prepare_cached("SELECT identity, told FROM purged_calls WHERE identity = ANY($1)")
        .await?;
    let rows = transaction.query(&find, &[&keys]).await?;
    Ok(rows
        .iter()
        .map(|row| (values::identity(row.get(0)), row.get(1)))
        .collect())
}

/// Days of feeds of which calls were deleted, of these.
pub(super) async fn purged_days(
    transaction: &Transaction<'_>,
    days: &BTreeSet<(SourceName, NaiveDate)>,
) -> Result<BTreeSet<(SourceName, NaiveDate)>, StoreError> {
    if days.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sources: Vec<_> = days.iter().map(|(source, _)| text(source.as_str())).collect();
    let numbers: Vec<i64> = days.iter().map(|(_, day)| local_time::day_number(*day)).collect();
    let find = transaction
        .prepare_cached(
            "SELECT k.name, k.day FROM unnest($1::text[], $2::int8[]) AS k (name, day)
             JOIN sources s ON s.name = k.name JOIN purged_days d ON d.source_id = s.id AND d.day = k.day",
        )
        .await?;
    let rows = transaction.query(&find, &[&sources, &numbers]).await?;
    let read = |row: &tokio_postgres::Row| {
        let day = local_time::day_at(row.get(1))?;
        Some((SourceName::new(row.get::<_, &str>(0)), day))
    };
    Ok(rows.iter().filter_map(read).collect())
}
