//! Calls to measure with: those of a simulated day, day after day.

use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::ids::{CallId, IdentityKey, ImportRun, SourceKey, SourceName};
use domain::record::CallRecord;
use domain::report::{CallReport, ReportBody, RevisedRecord};
use prost::Message;
use prost::bytes::Bytes;
use simulator::{Profile, Simulation};
use wire::v1::calls as proto;

use crate::unseen::UnseenBatch;

/// The feed that the calls come from.
pub(crate) const SOURCE: &str = "telefonanlage-01";
/// Reports in a batch, as the importers send them.
pub(crate) const REPORTS_A_BATCH: usize = 1000;
/// Batches under way at once, as the importers send them.
pub(crate) const BATCHES_IN_FLIGHT: usize = 4;
/// What a report weighs on its stream.
const REPORT_BYTES: usize = 300;

/// An endless row of calls, always the same ones.
#[derive(Clone)]
pub(crate) struct Calls {
    day: Arc<Vec<CallRecord>>,
}

impl Calls {
    /// Plays the day that all days are made of.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let date = NaiveDate::from_ymd_opt(2026, 3, 2).context("a date")?;
        let simulation = Simulation::new(3, Profile::default())?;
        let day = simulation.day(date).calls.into_iter().map(|call| call.record);
        Ok(Self {
            day: Arc::new(day.collect()),
        })
    }

    /// The n-th call, from 0. Its record fills a report of 300 bytes.
    pub(crate) fn call(&self, n: usize) -> (CallId, CallRecord) {
        let mut record = self.day[n % self.day.len()].clone();
        // Days follow each other, and begin anew after a quarter of a year.
        let days = (n / self.day.len()) as u64 % 90;
        record.started_at = record
            .started_at
            .checked_add_days(Days::new(days))
            .unwrap_or(record.started_at);
        let id = CallId::new(format!("{n:016x}@telefonanlage-01.servicecenter.example"));
        let short = report(&id, &record).encoded_len();
        let missing = REPORT_BYTES.saturating_sub(short);
        let mut address = record.dialled_address.take().unwrap_or_default();
        address.extend(std::iter::repeat_n('0', missing));
        record.dialled_address = Some(address);
        (id, record)
    }

    /// Some calls as the domain knows them once intake has accepted them.
    pub(crate) fn accepted(&self, key: &IdentityKey, from: usize, count: usize) -> Vec<CallReport> {
        let (source, run) = (SourceName::new(SOURCE), ImportRun::new("bench"));
        let accepted = |n| {
            let (id, record) = self.call(n);
            CallReport {
                identity: key.identity(&source, &SourceKey::Call(id.clone())),
                source: source.clone(),
                call_id: Some(id),
                run: run.clone(),
                received_at: now(),
                body: ReportBody::Record(RevisedRecord { revision: 0, record }),
                confirms: false,
            }
        };
        (from..from + count).map(accepted).collect()
    }

    /// Some calls in batches, as a client sends them.
    pub(crate) fn batches(&self, from: usize, count: usize) -> Vec<proto::ReportBatch> {
        let numbers: Vec<usize> = (from..from + count).collect();
        let batch = |(batch, numbers): (usize, &[usize])| proto::ReportBatch {
            batch: batch as u64,
            source: SOURCE.to_owned(),
            import_run: "bench".to_owned(),
            reports: numbers.iter().map(|n| self.report(*n)).collect(),
            unreadable: Vec::new(),
            agents: Vec::new(),
            replaces: false,
        };
        numbers.chunks(REPORTS_A_BATCH).enumerate().map(batch).collect()
    }

    /// The same, encoded already, so that the client costs as little as can be.
    pub(crate) fn encoded(&self, from: usize, count: usize) -> Vec<UnseenBatch> {
        let encoded = |batch: proto::ReportBatch| UnseenBatch {
            batch: batch.batch,
            source: batch.source,
            import_run: batch.import_run,
            reports: batch
                .reports
                .iter()
                .map(|report| Bytes::from(report.encode_to_vec()))
                .collect(),
        };
        self.batches(from, count).into_iter().map(encoded).collect()
    }

    fn report(&self, n: usize) -> proto::CallReport {
        let (id, record) = self.call(n);
        report(&id, &record)
    }
}

fn report(id: &CallId, record: &CallRecord) -> proto::CallReport {
    wire::calls::record_report(proto::call_report::Key::CallId(id.as_str().to_owned()), record)
}

/// The time at which everything is received: later than every call.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(365 * 57)
}
