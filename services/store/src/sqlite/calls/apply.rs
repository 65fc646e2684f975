//! The ledger's unit of work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::assembly::{Assembled, CallState};
use domain::counting::CountingSources;
use domain::counts::{Contribution, Movements};
use domain::ids::Identity;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::names::Names;
use super::rows::{self, Filing, KnownCall};
use super::{agents, counts, identities, queries, rejected, replacements, retention};
use crate::StoreError;
use crate::batch::{Runs, Told, by_call};
use crate::calls::{Applied, LedgerBatch};
use crate::rejected::RejectedItem;
use crate::retention::{AGENT_NAMES, RunId};
use crate::sqlite::tallies;

/// One transaction of the ledger while it is being written.
struct Ledger<'a> {
    transaction: Transaction<'a>,
    counting: Arc<CountingSources>,
    names: Names,
    movements: BTreeMap<u32, Movements>,
    runs: Runs,
    applied: Applied,
    /// A call that was added.
    last_added: Option<i64>,
    /// Whether calls were ever deleted.
    any_deleted: bool,
    /// What came for calls that are deleted.
    late: Vec<RejectedItem>,
}

/// See [`crate::calls::CallStore::apply`].
pub(super) fn apply(connection: &mut Connection, batch: &LedgerBatch) -> Result<Applied, StoreError> {
    let mut ledger = Ledger::begin(connection, Arc::clone(&batch.counting))?;
    queries::advance(&ledger.transaction, &batch.topic_id, &batch.advances)?;
    for told in by_call(batch) {
        ledger.apply_to_call(&told)?;
    }
    replacements::confirm(&ledger.transaction, batch)?;
    agents::keep(&ledger.transaction, &batch.agents, &mut ledger.runs)?;
    let reports = batch.reports.iter().map(|(_, report)| report);
    rejected::remove_repaired(&ledger.transaction, reports)?;
    rejected::insert(&ledger.transaction, &ledger.late)?;
    ledger.commit(batch.at)
}

/// See [`crate::calls::CallStore::give_up`].
pub(super) fn give_up(
    connection: &mut Connection,
    heard_before: DateTime<Utc>,
    now: DateTime<Utc>,
    most: usize,
) -> Result<usize, StoreError> {
    let mut ledger = Ledger::begin(connection, Arc::default())?;
    let overdue: Vec<[u8; 16]> = {
        let mut statement = ledger.transaction.prepare_cached(
            "SELECT identity FROM calls WHERE open = 1 AND heard_at_ms < ?1 ORDER BY heard_at_ms LIMIT ?2",
        )?;
        let rows = statement.query_map(params![heard_before.timestamp_millis(), most as i64], |row| {
            row.get(0)
        })?;
        rows.collect::<Result<_, _>>()?
    };
    for identity in &overdue {
        let identity = Identity(*identity);
        let Some(known) = rows::known_call(&ledger.transaction, identity)? else {
            continue;
        };
        let mut state = known.state.clone();
        state.given_up = true;
        ledger.rewrite(identity, &known, &state, known.heard_at_ms)?;
    }
    ledger.commit(now)?;
    Ok(overdue.len())
}

/// See [`crate::erasure::CallErasure::erase_callers`].
pub(super) fn erase_callers(
    connection: &mut Connection,
    calls: &[Identity],
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut ledger = Ledger::begin(connection, Arc::default())?;
    let mut known_calls = 0;
    for identity in calls {
        let Some(known) = rows::known_call(&ledger.transaction, *identity)? else {
            continue;
        };
        known_calls += 1;
        let mut state = known.state.clone();
        state.erase_person();
        if state != known.state {
            ledger.rewrite(*identity, &known, &state, known.heard_at_ms)?;
        }
    }
    ledger.commit(at)?;
    Ok(known_calls)
}

/// See [`crate::retention::CallRetention::take_out_agents`]; the calls are given.
pub(super) fn take_out_agents(
    connection: &mut Connection,
    calls: &[Identity],
    run: RunId,
    at: DateTime<Utc>,
    within: Duration,
) -> Result<usize, StoreError> {
    let begun = Instant::now();
    let mut ledger = Ledger::begin(connection, Arc::default())?;
    let (mut looked_at, mut named) = (0, 0);
    for identity in calls {
        looked_at += 1;
        let Some(known) = rows::known_call(&ledger.transaction, *identity)? else {
            continue;
        };
        if known.state.names_agents() {
            named += 1;
            let mut state = known.state.clone();
            state.take_out_agents();
            ledger.rewrite(*identity, &known, &state, known.heard_at_ms)?;
        } else {
            ledger
                .transaction
                .prepare_cached("UPDATE calls SET names_agents = 0 WHERE call_row = ?1")?
                .execute([known.call_row])?;
        }
        if begun.elapsed() >= within {
            break;
        }
    }
    tallies::add(&ledger.transaction, run, AGENT_NAMES, named)?;
    ledger.commit(at)?;
    Ok(looked_at)
}

impl<'a> Ledger<'a> {
    fn begin(connection: &'a mut Connection, counting: Arc<CountingSources>) -> Result<Self, StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Self {
            any_deleted: retention::any(&transaction)?,
            late: Vec::new(),
            transaction,
            counting,
            names: Names::default(),
            movements: BTreeMap::new(),
            runs: Runs::default(),
            applied: Applied::default(),
            last_added: None,
        })
    }

    fn apply_to_call(&mut self, told: &Told<'_>) -> Result<(), StoreError> {
        let known = rows::known_call(&self.transaction, told.identity)?;
        if known.is_none() && self.any_deleted && self.is_too_late(told)? {
            return Ok(());
        }
        let mut state = known
            .as_ref()
            .map(|known| known.state.clone())
            .unwrap_or_default();
        let news = told.apply_to(&mut state, &self.counting, &mut self.runs);
        self.applied.repeated += told.reports.len() - news;
        match known {
            Some(_) if news == 0 => Ok(()),
            Some(known) => {
                self.applied.changed_calls += 1;
                let heard_at_ms = told.heard_at_ms().max(known.heard_at_ms);
                self.rewrite(told.identity, &known, &state, heard_at_ms)?;
                if known.state.is_only_named() && !state.is_only_named() {
                    self.adopt(told, known.call_row, &state)?;
                }
                Ok(())
            }
            None => self.write_new(told, &state),
        }
    }

    /// Whether the call was deleted, or belongs to a day that can no longer be replaced: nothing of it counts then.
    fn is_too_late(&mut self, told: &Told<'_>) -> Result<bool, StoreError> {
        if let Some(before) = retention::told_before(&self.transaction, told.identity)? {
            let late = told.of_deleted_call(&before);
            self.applied.repeated += late.repeated;
            self.late.extend(late.rejected);
            return Ok(true);
        }
        let Some((source, day)) = told.replaces() else {
            return Ok(false);
        };
        let is_purged = retention::is_purged_day(&self.transaction, source, day)?;
        if is_purged {
            self.late.extend(told.of_deleted_day());
        }
        Ok(is_purged)
    }

    fn write_new(&mut self, told: &Told<'_>, state: &CallState) -> Result<(), StoreError> {
        let call = state.assembled();
        let (shard, report) = (told.shard, told.first());
        let filing = Filing {
            identity: told.identity,
            source_id: self.names.source(&self.transaction, &report.source)?,
            call_id: report.call_id.as_ref().map(domain::ids::CallId::as_str),
            run_id: Some(self.names.run(&self.transaction, &report.run)?),
            shard,
            received_at_ms: report.received_at.timestamp_millis(),
            heard_at_ms: told.heard_at_ms(),
        };
        let call_row = rows::write_call(&self.transaction, &mut self.names, None, &filing, state, &call)?;
        rows::write_visits(
            &self.transaction,
            &mut self.names,
            call_row,
            shard,
            0,
            state,
            &call.visits,
        )?;
        self.add_to_run(told, &call);
        self.applied.new_calls += 1;
        self.last_added = Some(call_row);
        self.move_counts(shard, &Contribution::default(), &state.contribution());
        Ok(())
    }

    /// The call's own feed tells of it for the first time.
    fn adopt(&mut self, told: &Told<'_>, call_row: i64, state: &CallState) -> Result<(), StoreError> {
        let report = told.first();
        let source_id = self.names.source(&self.transaction, &report.source)?;
        let run_id = self.names.run(&self.transaction, &report.run)?;
        let call_id = report.call_id.as_ref().map(domain::ids::CallId::as_str);
        self.transaction
            .prepare_cached("UPDATE calls SET source_id = ?2, call_id = ?3, run_id = ?4 WHERE call_row = ?1")?
            .execute(params![call_row, source_id, call_id, run_id])?;
        self.add_to_run(told, &state.assembled());
        Ok(())
    }

    fn add_to_run(&mut self, told: &Told<'_>, call: &Assembled) {
        if !call.flags.is_empty() {
            self.runs.of(&told.first().run, told.shard).flagged += 1;
        }
    }

    fn rewrite(
        &mut self,
        identity: Identity,
        known: &KnownCall,
        state: &CallState,
        heard_at_ms: i64,
    ) -> Result<(), StoreError> {
        let call = state.assembled();
        // Source, id, import and first reception of a known call stay as they are: the statement does not update them.
        let filing = Filing {
            identity,
            source_id: 0,
            call_id: None,
            run_id: None,
            shard: known.shard,
            received_at_ms: 0,
            heard_at_ms,
        };
        rows::write_call(
            &self.transaction,
            &mut self.names,
            Some(known.call_row),
            &filing,
            state,
            &call,
        )?;
        let had = known.state.assembled().visits;
        let moved = (known.state.retracted, &known.state.uncounted) != (state.retracted, &state.uncounted);
        if moved || had != call.visits {
            rows::write_visits(
                &self.transaction,
                &mut self.names,
                known.call_row,
                known.shard,
                had.len(),
                state,
                &call.visits,
            )?;
        }
        self.move_counts(known.shard, &known.state.contribution(), &state.contribution());
        Ok(())
    }

    fn move_counts(&mut self, shard: u32, old: &Contribution, new: &Contribution) {
        self.movements.entry(shard).or_default().replace(old, new);
    }

    fn commit(mut self, at: DateTime<Utc>) -> Result<Applied, StoreError> {
        if let Some(last_added) = self.last_added {
            identities::settle(&self.transaction, last_added, self.applied.new_calls)?;
        }
        counts::write(&self.transaction, &mut self.names, &self.movements, at)?;
        for ((run, _), counts) in &self.runs.0 {
            self.transaction
                .prepare_cached(
                    "INSERT INTO import_runs (run, new_reports, flagged) VALUES (?1, ?2, ?3)
                     ON CONFLICT (run) DO UPDATE SET new_reports = new_reports + excluded.new_reports,
                         flagged = flagged + excluded.flagged",
                )?
                .execute(params![run.as_str(), counts.new_reports, counts.flagged])?;
        }
        self.transaction.commit()?;
        Ok(self.applied)
    }
}
