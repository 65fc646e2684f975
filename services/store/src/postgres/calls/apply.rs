//! The ledger's unit of work: a fixed number of statements, however many calls a batch tells about.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::assembly::{Assembled, CallState};
use domain::counting::CountingSources;
use domain::counts::{Contribution, Movements};
use domain::event::{EventKind, OverflowTarget};
use domain::ids::{HotlineName, Identity, SourceName};
use domain::personal::{Caller, Personal};
use domain::report::{CallReport, ReportBody, RevisedRecord};
use tokio_postgres::IsolationLevel;

use super::super::tallies;
use super::super::values::{self, key, text};
use super::names::Numbers;
use super::partitions::month_of;
use super::retention::TALLIES;
use super::rows::{Filing, KnownCall, Writing};
use super::{PostgresCalls, agents, counts, queries, rejected, replacements, retention, rows};
use crate::StoreError;
use crate::batch::{Runs, Told, by_call};
use crate::calls::{Applied, LedgerBatch};
use crate::retention::{AGENT_NAMES, RunId};

/// What a batch tells about a call, and what the call is if nothing else was told before.
struct Incoming<'a> {
    told: Told<'a>,
    alone: CallState,
    news: usize,
    runs: Runs,
    month: i32,
}

/// The numbers of the names that a batch brings.
struct Names {
    sources: Numbers,
    runs: Numbers,
}

/// What one transaction of the ledger writes.
#[derive(Default)]
struct Ledger {
    writings: Vec<Writing>,
    movements: BTreeMap<u32, Movements>,
    runs: Runs,
    applied: Applied,
}

/// See [`crate::calls::CallStore::apply`].
pub(super) async fn apply(store: &PostgresCalls, mut batch: LedgerBatch) -> Result<Applied, StoreError> {
    for (_, report) in &mut batch.reports {
        make_storable(report);
    }
    let incoming: Vec<Incoming<'_>> = by_call(&batch)
        .into_iter()
        .map(|told| Incoming::new(told, &batch.counting))
        .collect();
    let mut client = store.database.client().await?;
    // What is shared by all partitions is made beforehand: nobody waits for this transaction because of a new name.
    let sources = incoming.iter().map(|call| call.told.first().source.as_str());
    let sources = store.sources.learn(&client, sources).await?;
    let runs = incoming.iter().map(|call| call.told.first().run.as_str());
    let runs = store.runs.learn(&client, runs).await?;
    let names = Names { sources, runs };
    let hotlines = batch.reports.iter().filter_map(|(_, report)| hotline_of(report));
    store
        .hotlines
        .learn(&client, hotlines.map(HotlineName::as_str))
        .await?;
    let months: BTreeSet<i32> = incoming.iter().map(|call| call.month).collect();
    store.months.ensure(&mut client, months).await?;

    let transaction = begin(&mut client).await?;
    queries::advance(&transaction, &batch.topic_id, &batch.advances).await?;
    let identities: Vec<Identity> = incoming.iter().map(|call| call.told.identity).collect();
    let places = rows::lock(&transaction, &identities).await?;
    let mut known = rows::known_calls(&transaction, &places).await?;
    let deleted = places.keys().filter(|identity| !known.contains_key(identity));
    let deleted = retention::told_before(&transaction, deleted.copied()).await?;
    let too_late = on_deleted_days(&transaction, &incoming, &places).await?;
    let new = incoming
        .iter()
        .filter(|call| !places.contains_key(&call.told.identity) && !too_late.contains(&call.told.identity));
    let new: Vec<(Identity, i32)> = new.map(|call| (call.told.identity, call.month)).collect();
    let filed = match new.is_empty() {
        true => HashMap::new(),
        false => rows::file(&transaction, new).await?,
    };
    let reports = batch.reports.iter().map(|(_, report)| report);
    rejected::remove_repaired(&transaction, reports).await?;
    let mut ledger = Ledger::default();
    let mut late = Vec::new();
    for call in incoming {
        let identity = call.told.identity;
        if let Some(known) = known.remove(&identity) {
            ledger.apply_to_known(&call.told, known, &batch.counting, &names)?;
        } else if places.contains_key(&identity) {
            // Counted once, and deleted since: it must not count again.
            match deleted.get(&identity) {
                Some(told) => {
                    let of_deleted = call.told.of_deleted_call(told);
                    ledger.applied.repeated += of_deleted.repeated;
                    late.extend(of_deleted.rejected);
                }
                // Its month was dropped by hand.
                None => ledger.applied.repeated += call.told.reports.len(),
            }
        } else if too_late.contains(&identity) {
            late.extend(call.told.of_deleted_day());
        } else {
            let filed = filed.get(&identity).ok_or_else(filed_elsewhere)?;
            ledger.add_new(call, *filed, &names)?;
        }
    }
    if !late.is_empty() {
        rejected::keep(&transaction, &late).await?;
    }
    replacements::confirm(&transaction, &batch).await?;
    agents::keep(&transaction, &batch.agents, &mut ledger.runs).await?;
    ledger.commit(store, transaction, batch.at).await
}

/// Calls not heard of before that would replace calls of days that were deleted.
async fn on_deleted_days(
    transaction: &Transaction<'_>,
    incoming: &[Incoming<'_>],
    places: &rows::Places,
) -> Result<BTreeSet<Identity>, StoreError> {
    let new = incoming
        .iter()
        .filter(|call| !places.contains_key(&call.told.identity));
    let days: Vec<(Identity, (SourceName, NaiveDate))> = new
        .filter_map(|call| {
            let (source, day) = call.told.replaces()?;
            Some((call.told.identity, (source.clone(), day)))
        })
        .collect();
    let asked = days.iter().map(|(_, day)| day.clone()).collect();
    let deleted = retention::purged_days(transaction, &asked).await?;
    let too_late = days.into_iter().filter(|(_, day)| deleted.contains(day));
    Ok(too_late.map(|(identity, _)| identity).collect())
}

/// See [`crate::calls::CallStore::give_up`].
pub(super) async fn give_up(
    store: &PostgresCalls,
    heard_before: DateTime<Utc>,
    now: DateTime<Utc>,
    most: usize,
) -> Result<usize, StoreError> {
    let before_ms = heard_before.timestamp_millis();
    let mut client = store.database.client().await?;
    let transaction = begin(&mut client).await?;
    let most = values::limit(most);
    let overdue = transaction
        .query(
            "SELECT identity FROM calls WHERE open AND heard_at_ms < $1 ORDER BY heard_at_ms LIMIT $2",
            &[&before_ms, &most],
        )
        .await?;
    let overdue: Vec<Identity> = overdue.iter().map(|row| values::identity(row.get(0))).collect();
    if overdue.is_empty() {
        return Ok(0);
    }
    // Calls that are being written are heard of right now. The others are read again now that they are locked.
    let places = rows::lock_idle(&transaction, &overdue).await?;
    let known = rows::known_calls(&transaction, &places).await?;
    let mut ledger = Ledger::default();
    for call in known.into_values() {
        if call.filing.heard_at_ms < before_ms && call.state.assembled().open {
            let mut state = call.state.clone();
            state.given_up = true;
            ledger.rewrite(call, state);
        }
    }
    let given_up = ledger.writings.len();
    ledger.commit(store, transaction, now).await?;
    Ok(given_up)
}

/// See [`crate::erasure::CallErasure::erase_callers`].
pub(super) async fn erase_callers(
    store: &PostgresCalls,
    calls: &[Identity],
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut client = store.database.client().await?;
    let transaction = begin(&mut client).await?;
    let places = rows::lock(&transaction, calls).await?;
    let known = rows::known_calls(&transaction, &places).await?;
    let known_calls = known.len();
    let mut ledger = Ledger::default();
    for call in known.into_values() {
        let mut state = call.state.clone();
        state.erase_person();
        if state != call.state {
            ledger.rewrite(call, state);
        }
    }
    ledger.commit(store, transaction, at).await?;
    Ok(known_calls)
}

/// See [`crate::retention::CallRetention::take_out_agents`]; the calls are given.
pub(super) async fn take_out_agents(
    store: &PostgresCalls,
    calls: &[Identity],
    run: RunId,
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut client = store.database.client().await?;
    let transaction = begin(&mut client).await?;
    let places = rows::lock(&transaction, calls).await?;
    let known = rows::known_calls(&transaction, &places).await?;
    let looked_at = calls.len();
    let (naming, nameless): (Vec<_>, Vec<_>) =
        known.into_values().partition(|call| call.state.names_agents());
    let keys: Vec<_> = nameless.iter().map(|call| key(call.filing.identity)).collect();
    let months: Vec<i32> = nameless.iter().map(|call| call.filing.month).collect();
    transaction
        .execute(
            "UPDATE calls SET names_agents = false FROM unnest($1::uuid[], $2::int4[]) AS w (identity, month)
             WHERE calls.identity = w.identity AND calls.month = w.month",
            &[&keys, &months],
        )
        .await?;
    tallies::add(&transaction, TALLIES, run, AGENT_NAMES, naming.len() as u64).await?;
    let mut ledger = Ledger::default();
    for call in naming {
        let mut state = call.state.clone();
        state.take_out_agents();
        ledger.rewrite(call, state);
    }
    ledger.commit(store, transaction, at).await?;
    Ok(looked_at)
}

/// Statements see what was committed before each of them, so that a call is read as it is once its lock is held.
async fn begin(client: &mut Object) -> Result<Transaction<'_>, StoreError> {
    let builder = client.build_transaction();
    Ok(builder
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?)
}

fn filed_elsewhere() -> StoreError {
    StoreError::Unavailable("another instance has just filed the same call".to_owned())
}

/// Takes NULs out of the texts of a record, so that what is stored is what a repetition is compared with. Events are
/// stored as a whole and need not change.
fn make_storable(report: &mut CallReport) {
    let ReportBody::Record(RevisedRecord { record, .. }) = &mut report.body else {
        return;
    };
    if let Some(Caller::Given(given)) = &mut record.caller
        && let Cow::Owned(storable) = text(given.reveal())
    {
        *given = Personal::new(storable);
    }
    if let Some(address) = &mut record.dialled_address
        && let Cow::Owned(storable) = text(address)
    {
        *address = storable;
    }
    if let Cow::Owned(storable) = text(record.hotline.as_str()) {
        record.hotline = HotlineName::new(storable);
    }
}

/// The hotline that a report names.
fn hotline_of(report: &CallReport) -> Option<&HotlineName> {
    match &report.body {
        ReportBody::Record(revised) => Some(&revised.record.hotline),
        ReportBody::CallbackLogged(callback) => Some(&callback.hotline),
        ReportBody::Retracted => None,
        ReportBody::Event(event) => match &event.kind {
            EventKind::Arrived { hotline, .. } | EventKind::Queued { hotline } => Some(hotline),
            EventKind::Overflowed {
                to: OverflowTarget::Hotline(hotline),
            } => Some(hotline),
            EventKind::Transferred { hotline, .. } => hotline.as_ref(),
            _ => None,
        },
    }
}

impl<'a> Incoming<'a> {
    fn new(told: Told<'a>, counting: &CountingSources) -> Self {
        let mut alone = CallState::default();
        let mut runs = Runs::default();
        let news = told.apply_to(&mut alone, counting, &mut runs);
        let filed_at = alone.filed_at().unwrap_or(told.first().received_at);
        Self {
            told,
            alone,
            news,
            runs,
            month: month_of(filed_at),
        }
    }
}

impl Ledger {
    fn apply_to_known(
        &mut self,
        told: &Told<'_>,
        mut known: KnownCall,
        counting: &CountingSources,
        names: &Names,
    ) -> Result<(), StoreError> {
        let mut state = known.state.clone();
        let news = told.apply_to(&mut state, counting, &mut self.runs);
        self.applied.repeated += told.reports.len() - news;
        if news > 0 {
            self.applied.changed_calls += 1;
            known.filing.heard_at_ms = known.filing.heard_at_ms.max(told.heard_at_ms());
            if known.state.is_only_named() && !state.is_only_named() {
                // The call's own feed tells of it for the first time.
                let report = told.first();
                known.filing.source_id = names.sources.of(report.source.as_str())?;
                known.filing.run_id = Some(names.runs.of(report.run.as_str())?);
                known.filing.call_id = report.call_id.as_ref().map(|id| id.as_str().to_owned());
                self.add_to_run(told, &state.assembled());
            }
            self.rewrite(known, state);
        }
        Ok(())
    }

    fn add_new(&mut self, call: Incoming<'_>, call_row: i64, names: &Names) -> Result<(), StoreError> {
        let Incoming {
            told,
            alone: state,
            news,
            runs,
            month,
        } = call;
        self.runs.add(runs);
        let report = told.first();
        let filing = Filing {
            identity: told.identity,
            month,
            call_row,
            source_id: names.sources.of(report.source.as_str())?,
            run_id: Some(names.runs.of(report.run.as_str())?),
            call_id: report.call_id.as_ref().map(|id| id.as_str().to_owned()),
            shard: told.shard,
            received_at_ms: report.received_at.timestamp_millis(),
            heard_at_ms: told.heard_at_ms(),
        };
        let call = state.assembled();
        self.add_to_run(&told, &call);
        self.applied.new_calls += 1;
        self.applied.repeated += told.reports.len() - news;
        self.move_counts(told.shard, &Contribution::default(), &state.contribution());
        self.writings.push(Writing {
            filing,
            state,
            call,
            known: false,
            visits_changed: true,
        });
        Ok(())
    }

    fn add_to_run(&mut self, told: &Told<'_>, call: &Assembled) {
        if !call.flags.is_empty() {
            self.runs.of(&told.first().run, told.shard).flagged += 1;
        }
    }

    fn rewrite(&mut self, known: KnownCall, state: CallState) {
        let call = state.assembled();
        self.move_counts(
            known.filing.shard,
            &known.state.contribution(),
            &state.contribution(),
        );
        self.writings.push(Writing {
            filing: known.filing,
            visits_changed: known.state.assembled().visits != call.visits
                || (known.state.retracted, &known.state.uncounted) != (state.retracted, &state.uncounted),
            state,
            call,
            known: true,
        });
    }

    fn move_counts(&mut self, shard: u32, old: &Contribution, new: &Contribution) {
        self.movements.entry(shard).or_default().replace(old, new);
    }

    async fn commit(
        self,
        store: &PostgresCalls,
        transaction: Transaction<'_>,
        at: DateTime<Utc>,
    ) -> Result<Applied, StoreError> {
        let records = self
            .writings
            .iter()
            .filter_map(|writing| writing.call.record.as_ref());
        let visits = self.writings.iter().flat_map(|writing| &writing.call.visits);
        let counted = self.movements.values().flat_map(|movements| movements.0.keys());
        let names = records
            .map(|record| &record.hotline)
            .chain(visits.map(|visit| &visit.hotline))
            .chain(counted.map(|key| &key.hotline));
        let names = names.map(HotlineName::as_str);
        let hotlines = store.hotlines.numbers(&transaction, names).await?;
        rows::write(&transaction, &hotlines, &self.writings).await?;
        counts::write(&transaction, &hotlines, &self.movements, at).await?;
        // Last, and so held for the shortest time.
        queries::add_to_runs(&transaction, &self.runs.0).await?;
        transaction.commit().await?;
        Ok(self.applied)
    }
}
