//! `nrwdirekt import --reconcile`: compares a file with the calls that are kept, and sends nothing.

#![expect(clippy::print_stderr, reason = "differences are listed for the user")]

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::assembly::CallState;
use domain::ids::SourceKey;
use domain::local_time;
use domain::record::CallRecord;
use serde_json::json;
use tokio::sync::mpsc;
use wire::v1::calls as calls_proto;
use wire::v1::reporting as proto;
use wire::v1::reporting::records_client::RecordsClient;

use crate::client::Connection;
use crate::exit::Failure;
use crate::output::say;

/// Starts of the same call differ by so much at most, and durations too: one feed gives whole seconds.
const TOLERANCE: TimeDelta = TimeDelta::seconds(2);
/// Differences that are listed one by one.
const LISTED: usize = 100;
const PAGE: u32 = 500;

/// The calls of a file, as far as they can be told.
#[derive(Default)]
pub(super) struct FileCalls {
    calls: HashMap<SourceKey, CallState>,
    pub(super) unreadable: u64,
}

impl FileCalls {
    /// Takes in everything that would be sent.
    pub(super) async fn collect(&mut self, batches: &mut mpsc::Receiver<calls_proto::ReportBatch>) {
        let now = Utc::now();
        while let Some(batch) = batches.recv().await {
            for report in &batch.reports {
                let key = wire::calls::source_key(report.key.as_ref());
                let body = wire::calls::checked_body(report.body.as_ref(), now);
                match (key, body) {
                    (Ok(key), Ok(body)) => drop(self.calls.entry(key).or_default().apply(body)),
                    (Err(fault), _) | (_, Err(fault)) => {
                        eprintln!("left out: {fault}");
                        self.unreadable += 1;
                    }
                }
            }
        }
    }

    fn records(self) -> Vec<CallRecord> {
        let mut records: Vec<_> = self
            .calls
            .into_values()
            .filter_map(|state| state.assembled().record)
            .collect();
        records.sort_by_key(|record| record.started_at);
        records
    }
}

/// What came of the comparison.
#[derive(Default)]
struct Comparison {
    matched: usize,
    differing: usize,
    only_in_file: usize,
    only_stored: usize,
    listed: usize,
}

impl Comparison {
    fn list(&mut self, what: &str, at: DateTime<Utc>, hotline: &str) {
        self.listed += 1;
        if self.listed <= LISTED {
            let at = at.with_timezone(&local_time::ZONE).format("%Y-%m-%d %H:%M:%S");
            eprintln!("{at} {hotline}: {what}");
        } else if self.listed == LISTED + 1 {
            eprintln!("further differences are counted and not listed");
        }
    }
}

/// Compares the calls of a file with those kept in the same days: all of them, or those of one feed. Returns whether
/// they are the same.
pub(super) async fn compare(
    connection: &Connection,
    file: FileCalls,
    with: Option<&str>,
    as_json: bool,
) -> anyhow::Result<bool> {
    let unreadable = file.unreadable;
    let records = file.records();
    let (Some(first), Some(last)) = (records.first(), records.last()) else {
        return Err(Failure::usage(
            "the file tells of no call; there is nothing to compare",
        ));
    };
    let from = local_time::day_of(first.started_at);
    let to = local_time::next(local_time::day_of(last.started_at));
    let mut stored = stored_records(connection, from.to_string(), to.to_string(), with).await?;
    let mut comparison = Comparison::default();
    for record in &records {
        let hotline = record.hotline.as_str();
        let candidates = stored.get_mut(hotline);
        let place = candidates
            .as_deref()
            .and_then(|candidates| nearest(record, candidates));
        let (Some(candidates), Some(place)) = (candidates, place) else {
            comparison.only_in_file += 1;
            comparison.list("only in the file", record.started_at, hotline);
            continue;
        };
        let differences = differences(record, &candidates.remove(place));
        if differences.is_empty() {
            comparison.matched += 1;
        } else {
            comparison.differing += 1;
            let what = format!("differs in {}", differences.join(", "));
            comparison.list(&what, record.started_at, hotline);
        }
    }
    for (hotline, left) in &stored {
        for record in left {
            comparison.only_stored += 1;
            comparison.list("only kept, not in the file", record.started_at, hotline);
        }
    }
    print(&comparison, records.len(), unreadable, as_json);
    Ok(comparison.differing + comparison.only_in_file + comparison.only_stored == 0 && unreadable == 0)
}

fn print(comparison: &Comparison, calls: usize, unreadable: u64, as_json: bool) {
    let Comparison {
        matched,
        differing,
        only_in_file,
        only_stored,
        ..
    } = comparison;
    if as_json {
        say!(
            "{}",
            json!({
                "calls": calls,
                "matched": matched,
                "differing": differing,
                "only_in_file": only_in_file,
                "only_stored": only_stored,
                "unreadable": unreadable,
            })
        );
        return;
    }
    say!(
        "{calls} calls in the file: {matched} as kept, {differing} differ, {only_in_file} only in the file; \
         {only_stored} only kept; {unreadable} unreadable"
    );
}

/// The kept records of some days, by hotline.
async fn stored_records(
    connection: &Connection,
    from: String,
    to: String,
    source: Option<&str>,
) -> anyhow::Result<BTreeMap<String, Vec<CallRecord>>> {
    let mut client = RecordsClient::new(connection.clone());
    let mut request = proto::ListCallsRequest {
        filter: Some(proto::CallFilter {
            from,
            to,
            source: source.unwrap_or_default().to_owned(),
            ..proto::CallFilter::default()
        }),
        page_size: PAGE,
        // Callers tell calls of the same second apart.
        reveal: true,
        ..proto::ListCallsRequest::default()
    };
    let mut stored: BTreeMap<String, Vec<CallRecord>> = BTreeMap::new();
    loop {
        let page = client.list_calls(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for call in page.calls.iter().filter(|call| !call.retracted) {
            let record = call.record.as_ref().map(wire::calls::record_from_wire);
            if let Some(Ok(revised)) = record {
                let hotline = revised.record.hotline.to_string();
                stored.entry(hotline).or_default().push(revised.record);
            }
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(stored);
        }
    }
}

/// The kept call that is most like the one of the file, near enough to be it.
fn nearest(record: &CallRecord, candidates: &[CallRecord]) -> Option<usize> {
    let apart = |candidate: &CallRecord| (candidate.started_at - record.started_at).abs();
    let is_other_caller = |candidate: &CallRecord| match (&candidate.caller, &record.caller) {
        (Some(kept), Some(told)) => kept != told,
        _ => false,
    };
    let near = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| apart(candidate) <= TOLERANCE);
    near.min_by_key(|(_, candidate)| {
        (
            is_other_caller(candidate),
            apart(candidate),
            differences(record, candidate).len(),
        )
    })
    .map(|(place, _)| place)
}

fn differences(told: &CallRecord, kept: &CallRecord) -> Vec<&'static str> {
    let apart = |told: Option<i64>, kept: Option<i64>| match (told, kept) {
        (Some(told), Some(kept)) => (told - kept).abs() > TOLERANCE.num_milliseconds(),
        _ => false,
    };
    let checks = [
        ("status", told.connection_status != kept.connection_status),
        ("task type", told.task_type != kept.task_type),
        ("wait", apart(told.wait_ms, kept.wait_ms)),
        ("ring", apart(told.ring_ms, kept.ring_ms)),
        ("talk", apart(told.talk_ms, kept.talk_ms)),
        ("hold", apart(told.hold_ms, kept.hold_ms)),
    ];
    let differing = checks.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(field, _)| field).collect()
}
