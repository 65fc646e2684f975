//! A batch of reports, call by call.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use domain::assembly::CallState;
use domain::counting::CountingSources;
use domain::ids::{Identity, ImportRun, SourceName};
use domain::local_time;
use domain::report::{CallReport, ReportBody};

use crate::calls::{LedgerBatch, RunCounts};
use crate::rejected::{RejectedItem, TooLate};
use crate::told;

/// What a batch tells about one call.
pub(crate) struct Told<'a> {
    pub(crate) identity: Identity,
    /// The partition that the first report was read from.
    pub(crate) shard: u32,
    /// In the order of the bus; never empty.
    pub(crate) reports: Vec<&'a CallReport>,
}

impl Told<'_> {
    /// The report that says where the call comes from: the first of its own feed. A callback only names a call.
    pub(crate) fn first(&self) -> &CallReport {
        let own = |report: &&&CallReport| !matches!(report.body, ReportBody::CallbackLogged(_));
        self.reports.iter().find(own).unwrap_or(&self.reports[0])
    }

    /// When intake accepted the latest report.
    pub(crate) fn heard_at_ms(&self) -> i64 {
        let times = self
            .reports
            .iter()
            .map(|report| report.received_at.timestamp_millis());
        times.max().unwrap_or(0)
    }

    /// Takes the reports in. Returns how many told something new, after `runs` has counted each under its import.
    pub(crate) fn apply_to(
        &self,
        state: &mut CallState,
        counting: &CountingSources,
        runs: &mut Runs,
    ) -> usize {
        let mut news = 0;
        for report in &self.reports {
            if state.apply(report.body.clone()) {
                news += 1;
                runs.count(report, self.shard);
            }
        }
        if news > 0 && !matches!(self.first().body, ReportBody::CallbackLogged(_)) {
            state.count_by(counting, &self.first().source);
        }
        news
    }
}

/// What a batch tells about a call that was deleted.
pub(crate) struct Late {
    /// Reports that were told before its deletion.
    pub(crate) repeated: usize,
    /// What came of the others.
    pub(crate) rejected: Vec<RejectedItem>,
}

impl Told<'_> {
    /// What is to become of it when the call was deleted, with these marks of what was told before.
    pub(crate) fn of_deleted_call(&self, told: &[u8]) -> Late {
        let news = self.reports.iter().filter(|report| !told::repeats(told, report));
        let rejected: Vec<RejectedItem> = news
            .map(|report| RejectedItem::past_retention(report, TooLate::Call))
            .collect();
        Late {
            repeated: self.reports.len() - rejected.len(),
            rejected,
        }
    }

    /// The day and feed that it replaces, if an import that replaces a period brings the call.
    pub(crate) fn replaces(&self) -> Option<(&SourceName, NaiveDate)> {
        self.reports.iter().find_map(|report| match &report.body {
            ReportBody::Record(record) if report.confirms => {
                Some((&report.source, local_time::day_of(record.record.started_at)))
            }
            ReportBody::Event(event) if report.confirms => {
                Some((&report.source, local_time::day_of(event.at)))
            }
            _ => None,
        })
    }

    /// What is to become of it when calls of that day were deleted.
    pub(crate) fn of_deleted_day(&self) -> Vec<RejectedItem> {
        let reports = self.reports.iter();
        reports
            .map(|report| RejectedItem::past_retention(report, TooLate::Day))
            .collect()
    }
}

/// The calls that a batch confirms, each once for an import, in the order of identities.
pub(crate) fn confirmed(batch: &LedgerBatch) -> impl Iterator<Item = (&ImportRun, Identity, DateTime<Utc>)> {
    let confirming = batch.reports.iter().filter(|(_, report)| report.confirms);
    let calls: BTreeMap<_, _> = confirming
        .map(|(_, report)| ((report.identity, &report.run), report.received_at))
        .collect();
    calls.into_iter().map(|((identity, run), at)| (run, identity, at))
}

/// What a batch tells that is new, by import and partition.
#[derive(Default)]
pub(crate) struct Runs(pub(crate) BTreeMap<(ImportRun, u32), RunCounts>);

impl Runs {
    fn count(&mut self, report: &CallReport, shard: u32) {
        // A callback comes from ticketing, under no import; what is retracted is not in the import.
        let told = matches!(report.body, ReportBody::Record(_) | ReportBody::Event(_));
        if told {
            self.of(&report.run, shard).new_reports += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn add(&mut self, counted: Self) {
        for ((run, shard), counts) in counted.0 {
            let sum = self.of(&run, shard);
            sum.new_reports += counts.new_reports;
            sum.flagged += counts.flagged;
        }
    }

    /// The counts of an import in a partition.
    pub(crate) fn of(&mut self, run: &ImportRun, shard: u32) -> &mut RunCounts {
        self.0.entry((run.clone(), shard)).or_default()
    }
}

/// Whether a report is about a row, which may have been rejected before under the same identity.
pub(crate) fn repairs_a_row(report: &CallReport) -> bool {
    report.call_id.is_none() && matches!(report.body, ReportBody::Record(_))
}

/// What a batch tells about each call, calls in the order of their first report.
pub(crate) fn by_call(batch: &LedgerBatch) -> Vec<Told<'_>> {
    let mut places: HashMap<Identity, usize> = HashMap::with_capacity(batch.reports.len());
    let mut calls: Vec<Told<'_>> = Vec::with_capacity(batch.reports.len());
    for (shard, report) in &batch.reports {
        let place = *places.entry(report.identity).or_insert_with(|| {
            calls.push(Told {
                identity: report.identity,
                shard: *shard,
                reports: Vec::with_capacity(1),
            });
            calls.len() - 1
        });
        calls[place].reports.push(report);
    }
    calls
}
