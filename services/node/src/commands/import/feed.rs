//! Parses a file on a thread of its own and gives batches for intake.

use std::io::{self, Read};
use std::path::PathBuf;

use importer::hotline_export::{ExportItem, ExportMap, ExportReader, Row, UnreadableRow};
use importer::{DoubleHour, LocalTimeReport};
use indicatif::ProgressBar;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wire::v1::calls as proto;

use super::batches::{BYTES_A_BATCH, Listing, REPORTS_A_BATCH};
use super::opening;
use crate::exit::Failure;

/// The name of the format.
const HOTLINE_EXPORT: &str = "hotline-export";
/// Batches that are parsed ahead.
const BATCHES_AHEAD: usize = 4;

/// A file to import.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) map: ExportMap,
    pub(crate) double_hour: DoubleHour,
    pub(crate) source: String,
    pub(crate) run: String,
    pub(crate) replaces: bool,
    pub(crate) progress: ProgressBar,
}

/// What parsing a file gave beside its rows.
pub(crate) struct Parsed {
    pub(crate) read: u64,
    pub(crate) unreadable: u64,
    pub(crate) unknown_columns: Vec<String>,
    pub(crate) missing_columns: Vec<String>,
    pub(crate) local_time: LocalTimeReport,
}

/// Starts to parse a file. Batches come through the channel; the task tells the rest.
pub(crate) fn start(
    file: File,
) -> anyhow::Result<(
    JoinHandle<anyhow::Result<Parsed>>,
    mpsc::Receiver<proto::ReportBatch>,
)> {
    let reader = opening::open(&file.path)?;
    let reader = io::BufReader::with_capacity(1 << 16, file.progress.wrap_read(reader));
    let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
    let parsing = tokio::task::spawn_blocking(move || parse(file, reader, &sender));
    Ok((parsing, batches))
}

fn parse(
    file: File,
    reader: impl Read,
    batches: &mpsc::Sender<proto::ReportBatch>,
) -> anyhow::Result<Parsed> {
    let File {
        map,
        double_hour,
        source,
        run,
        replaces,
        progress,
        ..
    } = file;
    let mut rows =
        ExportReader::open(reader, map, double_hour).map_err(|error| Failure::usage(error.to_string()))?;
    let unknown_columns = rows.columns().unknown.clone();
    let heading_line = rows.heading_line().to_owned();
    let missing_columns = rows
        .columns()
        .missing
        .iter()
        .map(|field| field.heading().to_owned())
        .collect();
    let mut number = 0;
    let mut empty = || {
        number += 1;
        proto::ReportBatch {
            batch: number,
            source: source.clone(),
            import_run: run.clone(),
            reports: Vec::with_capacity(REPORTS_A_BATCH),
            unreadable: Vec::new(),
            agents: Vec::new(),
            replaces,
        }
    };
    let mut batch = empty();
    let mut bytes = 0;
    let mut read = 0;
    let mut listing = Listing::new(progress);
    for item in rows.by_ref() {
        read += 1;
        match item? {
            ExportItem::Row(row) => {
                let report = report(&row);
                bytes += report.encoded_len();
                batch.reports.push(report);
            }
            ExportItem::Unreadable(row) => {
                listing.add(&row);
                let item = unreadable_item(&row, &heading_line);
                bytes += item.encoded_len();
                batch.unreadable.push(item);
            }
        }
        if batch.reports.len() + batch.unreadable.len() >= REPORTS_A_BATCH || bytes >= BYTES_A_BATCH {
            bytes = 0;
            let full = std::mem::replace(&mut batch, empty());
            if batches.blocking_send(full).is_err() {
                break; // the sender gave up, and says why
            }
        }
    }
    if !batch.reports.is_empty() || !batch.unreadable.is_empty() {
        let _ = batches.blocking_send(batch);
    }
    Ok(Parsed {
        read,
        unreadable: listing.number,
        unknown_columns,
        missing_columns,
        local_time: rows.local_time(),
    })
}

fn key(digest: domain::ids::RowDigest, occurrence: u32) -> proto::RowKey {
    proto::RowKey {
        digest: digest.0.to_vec(),
        occurrence,
    }
}

fn report(row: &Row) -> proto::CallReport {
    let key = proto::call_report::Key::Row(key(row.digest, row.occurrence));
    wire::calls::record_report(key, &row.record)
}

fn unreadable_item(row: &UnreadableRow, heading_line: &str) -> proto::UnreadableItem {
    proto::UnreadableItem {
        row: Some(key(row.digest, row.occurrence)),
        position: format!("line {}", row.line),
        field: row.field.map(|field| field.name().to_owned()).unwrap_or_default(),
        reason: row.reason.clone(),
        payload: row.raw.reveal().to_vec(),
        format: HOTLINE_EXPORT.to_owned(),
        context: heading_line.as_bytes().to_vec(),
    }
}
