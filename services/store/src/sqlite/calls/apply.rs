//! The ledger's unit of work.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::assembly::CallState;
use domain::counts::{Contribution, Movements};
use domain::ids::{Identity, ImportRun};
use domain::report::CallReport;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::names::Names;
use super::rows::{self, Filing, KnownCall};
use super::{counts, queries};
use crate::StoreError;
use crate::calls::{Applied, LedgerBatch, RunCounts};

/// One transaction of the ledger while it is being written.
struct Ledger<'a> {
    transaction: Transaction<'a>,
    names: Names,
    movements: BTreeMap<u32, Movements>,
    runs: BTreeMap<ImportRun, RunCounts>,
    applied: Applied,
}

/// See [`crate::calls::CallStore::apply`].
pub(super) fn apply(connection: &mut Connection, batch: &LedgerBatch) -> Result<Applied, StoreError> {
    let mut ledger = Ledger::begin(connection)?;
    queries::advance(&ledger.transaction, &batch.topic_id, &batch.advances)?;
    for (identity, reports) in by_call(batch) {
        ledger.apply_to_call(identity, &reports)?;
    }
    ledger.commit()
}

/// The reports of each call, calls in the order of their first report.
fn by_call(batch: &LedgerBatch) -> Vec<(Identity, Vec<&(u32, CallReport)>)> {
    let mut places: HashMap<Identity, usize> = HashMap::with_capacity(batch.reports.len());
    let mut calls: Vec<(Identity, Vec<&(u32, CallReport)>)> = Vec::with_capacity(batch.reports.len());
    for entry in &batch.reports {
        let identity = entry.1.identity;
        let place = *places.entry(identity).or_insert_with(|| {
            calls.push((identity, Vec::with_capacity(1)));
            calls.len() - 1
        });
        calls[place].1.push(entry);
    }
    calls
}

/// See [`crate::calls::CallStore::give_up`].
pub(super) fn give_up(
    connection: &mut Connection,
    heard_before: DateTime<Utc>,
    most: usize,
) -> Result<usize, StoreError> {
    let mut ledger = Ledger::begin(connection)?;
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
    ledger.commit()?;
    Ok(overdue.len())
}

impl<'a> Ledger<'a> {
    fn begin(connection: &'a mut Connection) -> Result<Self, StoreError> {
        Ok(Self {
            transaction: connection.transaction_with_behavior(TransactionBehavior::Immediate)?,
            names: Names::default(),
            movements: BTreeMap::new(),
            runs: BTreeMap::new(),
            applied: Applied::default(),
        })
    }

    fn apply_to_call(
        &mut self,
        identity: Identity,
        reports: &[&(u32, CallReport)],
    ) -> Result<(), StoreError> {
        let known = rows::known_call(&self.transaction, identity)?;
        let mut state = known
            .as_ref()
            .map(|known| known.state.clone())
            .unwrap_or_default();
        let mut news = 0;
        for (_, report) in reports {
            news += usize::from(state.apply(report.body.clone()));
        }
        self.applied.repeated += reports.len() - news;
        let heard_at_ms = reports
            .iter()
            .map(|(_, report)| report.received_at.timestamp_millis())
            .max()
            .unwrap_or(0);
        match known {
            Some(_) if news == 0 => Ok(()),
            Some(known) => {
                self.applied.changed_calls += 1;
                self.rewrite(identity, &known, &state, heard_at_ms.max(known.heard_at_ms))
            }
            None => self.write_new(identity, reports[0], &state, heard_at_ms),
        }
    }

    fn write_new(
        &mut self,
        identity: Identity,
        (shard, report): &(u32, CallReport),
        state: &CallState,
        heard_at_ms: i64,
    ) -> Result<(), StoreError> {
        let call = state.assembled();
        let filing = Filing {
            identity,
            source_id: self.names.source(&self.transaction, &report.source)?,
            call_id: report.call_id.as_ref().map(domain::ids::CallId::as_str),
            shard: *shard,
            received_at_ms: report.received_at.timestamp_millis(),
            heard_at_ms,
        };
        let call_row = rows::write_call(&self.transaction, &mut self.names, None, &filing, state, &call)?;
        rows::write_visits(
            &self.transaction,
            &mut self.names,
            call_row,
            *shard,
            0,
            &call.visits,
        )?;
        let run = self.runs.entry(report.run.clone()).or_default();
        run.new_calls += 1;
        run.flagged += i64::from(!call.flags.is_empty());
        self.applied.new_calls += 1;
        self.move_counts(*shard, &Contribution::default(), &state.contribution());
        Ok(())
    }

    fn rewrite(
        &mut self,
        identity: Identity,
        known: &KnownCall,
        state: &CallState,
        heard_at_ms: i64,
    ) -> Result<(), StoreError> {
        let call = state.assembled();
        // Source, id and first reception of a known call stay as they are: the statement does not update them.
        let filing = Filing {
            identity,
            source_id: 0,
            call_id: None,
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
        if had != call.visits {
            rows::write_visits(
                &self.transaction,
                &mut self.names,
                known.call_row,
                known.shard,
                had.len(),
                &call.visits,
            )?;
        }
        self.move_counts(known.shard, &known.state.contribution(), &state.contribution());
        Ok(())
    }

    fn move_counts(&mut self, shard: u32, old: &Contribution, new: &Contribution) {
        self.movements.entry(shard).or_default().replace(old, new);
    }

    fn commit(mut self) -> Result<Applied, StoreError> {
        for (shard, movements) in &self.movements {
            counts::write(&self.transaction, &mut self.names, *shard, movements)?;
        }
        for (run, counts) in &self.runs {
            self.transaction
                .prepare_cached(
                    "INSERT INTO import_runs (run, new_calls, flagged) VALUES (?1, ?2, ?3)
                     ON CONFLICT (run) DO UPDATE SET new_calls = new_calls + excluded.new_calls,
                         flagged = flagged + excluded.flagged",
                )?
                .execute(params![run.as_str(), counts.new_calls, counts.flagged])?;
        }
        self.transaction.commit()?;
        Ok(self.applied)
    }
}
