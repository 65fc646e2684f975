//! `nrwdirekt import`: parses files and sends them to intake, until every batch has its receipt.

#![expect(clippy::print_stderr, reason = "what an import has to say beside its result")]

mod feed;
pub(super) mod sender;

pub(super) use feed::HOTLINE_EXPORT;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use importer::LocalTimeReport;
use importer::hotline_export::ExportMap;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use wire::v1::calls::BatchReceipt;
use wire::v1::reporting;
use wire::v1::reporting::reporting_client::ReportingClient;

use crate::cli::{ImportArguments, ImportFormat};
use crate::client::{self, Connection};
use crate::exit::{self, Failure};
use crate::output::say;

/// What an import did.
#[derive(Default)]
pub(crate) struct Summary {
    read: u64,
    pub(super) accepted: u64,
    pub(super) flagged: u64,
    pub(super) rejected: u64,
    provisional: BTreeSet<String>,
    positions: BTreeMap<u32, i64>,
}

impl Summary {
    /// Adds what the receipt of a batch says.
    fn receive(&mut self, receipt: &BatchReceipt) {
        self.accepted += u64::from(receipt.accepted);
        self.flagged += u64::from(receipt.flagged);
        self.rejected += receipt.rejected.len() as u64;
        self.provisional
            .extend(receipt.provisional_hotlines.iter().cloned());
        for position in &receipt.positions {
            let reached = self.positions.entry(position.partition).or_default();
            *reached = (*reached).max(position.next_offset);
        }
    }
}

/// Imports the files.
pub(crate) async fn run(arguments: ImportArguments) -> anyhow::Result<ExitCode> {
    let ImportFormat::HotlineExport = arguments.format;
    let source = arguments
        .source
        .clone()
        .unwrap_or_else(|| "hotline-export".to_owned());
    let map = map_with(arguments.map.as_deref())?;
    let connection = client::connect(&arguments.server.server).await?;
    let run = uuid::Uuid::now_v7().to_string();
    let progress = progress_bar(&arguments);
    let mut summary = Summary::default();
    for file in &arguments.files {
        let (parsing, mut batches) = feed::start(feed::File {
            path: file.clone(),
            map: map.clone(),
            double_hour: arguments.double_hour,
            source: source.clone(),
            run: run.clone(),
            progress: progress.clone(),
        })?;
        let sent = sender::send(&connection, &mut batches, &mut summary).await;
        drop(batches);
        // What the parser has to say comes first: it may be why the feed ended.
        let parsed = parsing.await.context("the parser ended badly")?;
        sent?;
        let parsed = parsed.with_context(|| file.display().to_string())?;
        summary.read += parsed.read;
        summary.rejected += parsed.unreadable;
        tell_columns(&parsed);
        tell_local_time(&parsed.local_time);
    }
    progress.finish_and_clear();
    let duplicate = match arguments.wait {
        true => Some(wait_for_figures(&connection, &summary, &run).await?),
        false => None,
    };
    print_summary(&arguments, &summary, duplicate);
    Ok(if summary.rejected > 0 {
        ExitCode::from(exit::REJECTED)
    } else {
        ExitCode::SUCCESS
    })
}

/// The built-in map, with the words of a file.
pub(super) fn map_with(file: Option<&Path>) -> anyhow::Result<ExportMap> {
    let map = ExportMap::built_in();
    let Some(path) = file else {
        return Ok(map);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("--map {}: {error}", path.display())))?;
    map.extended(&text)
        .map_err(|error| Failure::usage(format!("--map {}: {error}", path.display())))
}

fn progress_bar(arguments: &ImportArguments) -> ProgressBar {
    let bytes: u64 = arguments
        .files
        .iter()
        .filter_map(|file| std::fs::metadata(file).ok())
        .map(|metadata| metadata.len())
        .sum();
    if !std::io::stderr().is_terminal() || bytes == 0 {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {eta} left");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn tell_columns(parsed: &feed::Parsed) {
    for heading in &parsed.unknown_columns {
        eprintln!("column {heading:?} is not one of the 24 fields; it is left out");
    }
    for heading in &parsed.missing_columns {
        eprintln!("column {heading:?} is missing; its values are absent");
    }
}

fn tell_local_time(report: &LocalTimeReport) {
    if report.double_hour_rows > 0 {
        eprintln!(
            "{} rows lie in the hour that happens twice; policy {}, {} taken as the later, {} out of order",
            report.double_hour_rows, report.policy, report.later_rows, report.out_of_order_rows
        );
    }
    if report.missing_hour_rows > 0 {
        eprintln!(
            "{} rows lie in the hour that does not exist; they count an hour later",
            report.missing_hour_rows
        );
    }
}

/// Waits until everything sent is counted; gives the number of accepted reports that told nothing new.
pub(super) async fn wait_for_figures(
    connection: &Connection,
    summary: &Summary,
    run: &str,
) -> anyhow::Result<u64> {
    let mut client = ReportingClient::new(connection.clone());
    let positions: Vec<_> = summary
        .positions
        .iter()
        .map(|(partition, next_offset)| reporting::Position {
            partition: *partition,
            next_offset: *next_offset,
        })
        .collect();
    let mut outage = sender::Outage::new();
    loop {
        let request = reporting::AwaitFiguresRequest {
            positions: positions.clone(),
            wait_ms: 10_000,
        };
        match client.await_figures(request).await {
            Ok(response) if response.get_ref().reached => break,
            Ok(_) => outage.over(),
            Err(status) => outage.wait(&status).await?,
        }
    }
    loop {
        let request = reporting::GetImportRunRequest {
            import_run: run.to_owned(),
        };
        match client.get_import_run(request).await {
            Ok(response) => {
                let new_reports = u64::try_from(response.get_ref().new_reports).unwrap_or(0);
                return Ok(summary.accepted.saturating_sub(new_reports));
            }
            Err(status) => outage.wait(&status).await?,
        }
    }
}

fn print_summary(arguments: &ImportArguments, summary: &Summary, duplicate: Option<u64>) {
    for hotline in &summary.provisional {
        eprintln!("hotline {hotline:?} is not configured; it counts as a provisional one");
    }
    if arguments.json {
        let mut object = json!({
            "read": summary.read,
            "accepted": summary.accepted,
            "flagged": summary.flagged,
            "rejected": summary.rejected,
            "provisional_hotlines": summary.provisional,
        });
        if let Some(duplicate) = duplicate {
            object["duplicate"] = json!(duplicate);
        }
        say!("{object}");
        return;
    }
    let duplicate = duplicate.map_or(String::new(), |duplicate| format!(" ({duplicate} known before)"));
    say!(
        "{} read, {} accepted{duplicate}, {} flagged, {} rejected",
        summary.read,
        summary.accepted,
        summary.flagged,
        summary.rejected
    );
}

/// How long a server may be away before an import gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
