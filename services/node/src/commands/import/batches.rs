//! Gathers items of an adapter into batches for intake.

#![expect(
    clippy::print_stderr,
    reason = "lines that cannot be read are listed for the user"
)]

use std::fmt;

use importer::{CallBody, CallItem, Item, UnreadableLine};
use indicatif::ProgressBar;
use prost::Message as _;
use tokio::sync::mpsc;
use wire::v1::calls as proto;

use super::Import;
use crate::cli::ImportFormat;

/// Reports in a batch.
pub(super) const REPORTS_A_BATCH: usize = 1000;
/// Bytes in a batch, about: far below what the server takes at once.
pub(super) const BYTES_A_BATCH: usize = 1 << 20;
/// Unreadable lines that are listed one by one.
const LISTED: u64 = 100;

/// Lists what cannot be read, up to a limit.
pub(super) struct Listing {
    progress: ProgressBar,
    pub(super) number: u64,
}

impl Listing {
    pub(super) fn new(progress: ProgressBar) -> Self {
        Self { progress, number: 0 }
    }

    pub(super) fn add(&mut self, unreadable: &impl fmt::Display) {
        self.number += 1;
        match self.number {
            ..=LISTED => self.progress.suspend(|| eprintln!("{unreadable}")),
            n if n == LISTED + 1 => self.progress.suspend(|| {
                eprintln!("further unreadable rows are kept too: `nrwdirekt report rejected` lists them");
            }),
            _ => {}
        }
    }
}

/// The sender gave up, and says why.
#[derive(Debug)]
pub(super) struct SenderGone;

/// Fills batches and gives them to the sender.
pub(super) struct Batches {
    format: ImportFormat,
    source: String,
    run: String,
    replaces: bool,
    sender: mpsc::Sender<proto::ReportBatch>,
    batch: proto::ReportBatch,
    number: u64,
    bytes: usize,
    pub(super) listing: Listing,
}

impl Batches {
    pub(super) fn new(
        import: &Import,
        sender: mpsc::Sender<proto::ReportBatch>,
        progress: ProgressBar,
    ) -> Self {
        Self {
            format: import.format,
            source: import.source.clone(),
            run: import.run.clone(),
            replaces: import.replaces,
            sender,
            batch: proto::ReportBatch::default(),
            number: 0,
            bytes: 0,
            listing: Listing::new(progress),
        }
    }

    /// Takes an item in.
    pub(super) fn add(&mut self, item: Item) {
        match item {
            Item::Call(call) => {
                let report = call_report(&call);
                self.bytes += report.encoded_len();
                self.batch.reports.push(report);
            }
            Item::Agent(report) => {
                let report = wire::calls::agent_to_wire(&report);
                self.bytes += report.encoded_len();
                self.batch.agents.push(report);
            }
            Item::Unreadable(line) => {
                self.listing.add(&line);
                let item = unreadable(self.format, &line);
                self.bytes += item.encoded_len();
                self.batch.unreadable.push(item);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the next batch.
    pub(super) fn next_number(&self) -> u64 {
        self.number + 1
    }

    fn len(&self) -> usize {
        self.batch.reports.len() + self.batch.agents.len() + self.batch.unreadable.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= REPORTS_A_BATCH || self.bytes >= BYTES_A_BATCH
    }

    /// Sends what there is.
    pub(super) fn flush(&mut self) -> Result<(), SenderGone> {
        if self.is_empty() {
            return Ok(());
        }
        self.number += 1;
        self.bytes = 0;
        let mut batch = std::mem::take(&mut self.batch);
        batch.batch = self.number;
        batch.source.clone_from(&self.source);
        batch.import_run.clone_from(&self.run);
        batch.replaces = self.replaces;
        self.sender.blocking_send(batch).map_err(|_| SenderGone)
    }
}

/// What an adapter tells of a call, for intake.
pub(in crate::commands) fn call_report(call: &CallItem) -> proto::CallReport {
    let key = proto::call_report::Key::CallId(call.call.to_string());
    match &call.body {
        CallBody::Event(event) => wire::calls::event_report(key, event),
        CallBody::Record { record, ended_at } => wire::calls::revised_record_report(key, record, *ended_at),
    }
}

fn unreadable(format: ImportFormat, line: &UnreadableLine) -> proto::UnreadableItem {
    proto::UnreadableItem {
        row: Some(proto::RowKey {
            digest: line.digest.0.to_vec(),
            occurrence: line.occurrence,
        }),
        position: format!("line {}", line.line),
        field: line.field.clone().unwrap_or_default(),
        reason: line.reason.clone(),
        payload: line.raw.reveal().to_vec(),
        format: format.name().to_owned(),
        context: line.context.as_bytes().to_vec(),
    }
}
