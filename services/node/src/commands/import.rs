//! `nrwdirekt import`: parses files and sends them to intake, until every batch has its receipt.

#![expect(clippy::print_stderr, reason = "what an import has to say beside its result")]

mod batches;
mod feed;
mod follow;
mod lines;
mod opening;
mod reconcile;
mod replace;
pub(super) mod sender;

pub(super) use batches::call_report;
pub(crate) use replace::Days;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use importer::hotline_export::ExportMap;
use importer::{Adapter, DoubleHour, LocalTimeReport, Notes};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
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
    /// Of a period that the import replaces.
    retracted: Option<u64>,
    positions: BTreeMap<u32, i64>,
    /// Told of the number of every batch that has its receipt.
    receipts: Option<mpsc::UnboundedSender<u64>>,
    /// A server that is away is waited for until this happens.
    patient_until: Option<CancellationToken>,
}

impl Summary {
    /// Adds what the receipt of a batch says.
    fn receive(&mut self, receipt: &BatchReceipt) {
        self.accepted += u64::from(receipt.accepted);
        self.flagged += u64::from(receipt.flagged);
        self.rejected += receipt.rejected.len() as u64;
        self.provisional
            .extend(receipt.provisional_hotlines.iter().cloned());
        self.reach(&receipt.positions);
        if let Some(receipts) = &self.receipts {
            let _ = receipts.send(receipt.batch);
        }
    }
}

impl Summary {
    /// The figures are to contain these positions.
    fn reach(&mut self, positions: &[wire::v1::calls::Position]) {
        for position in positions {
            let reached = self.positions.entry(position.partition).or_default();
            *reached = (*reached).max(position.next_offset);
        }
    }
}

/// Imports the files.
pub(crate) async fn run(arguments: ImportArguments) -> anyhow::Result<ExitCode> {
    let import = Import::of(&arguments)?;
    let adapter = adapter_with(arguments.format, arguments.map.as_deref(), arguments.double_hour)?;
    let mut summary = Summary::default();
    let progress = progress_bar(&arguments);
    let connection = client::connect(&arguments.server.server).await?;
    if arguments.reconcile {
        return reconcile(&arguments, &import, adapter, &connection, &progress).await;
    }
    match adapter {
        None => {
            let map = map_with(arguments.map.as_deref())?;
            import_rows(&arguments, &import, &map, &connection, &progress, &mut summary).await?;
        }
        Some(adapter) if arguments.follow => {
            let notes = follow::run(&arguments, &import, adapter, &connection, &mut summary).await?;
            tell_notes(&notes);
        }
        Some(adapter) => {
            import_lines(&arguments, &import, adapter, &connection, &progress, &mut summary).await?;
        }
    }
    progress.finish_and_clear();
    let mut uncounted = match arguments.wait || arguments.replace.is_some() {
        true => Some(wait_for_figures(&connection, &summary, &import.run).await?),
        false => None,
    };
    match arguments.replace {
        Some(_) if summary.rejected > 0 => {
            eprintln!(
                "nothing is retracted: repair what was rejected, and import the files with --replace again"
            );
        }
        Some(days) => {
            summary.retracted = Some(replace::finish(&connection, &import, days, &mut summary).await?);
            uncounted = Some(wait_for_figures(&connection, &summary, &import.run).await?);
        }
        None => {}
    }
    print_summary(&arguments, &summary, uncounted.as_ref());
    Ok(if summary.rejected > 0 {
        ExitCode::from(exit::REJECTED)
    } else {
        ExitCode::SUCCESS
    })
}

/// Reads the files as an import does, and compares.
async fn reconcile(
    arguments: &ImportArguments,
    import: &Import,
    adapter: Option<Box<dyn Adapter>>,
    connection: &Connection,
    progress: &ProgressBar,
) -> anyhow::Result<ExitCode> {
    let mut calls = reconcile::FileCalls::default();
    match adapter {
        None => {
            let map = map_with(arguments.map.as_deref())?;
            for path in &arguments.files {
                let (parsing, mut batches) = start_rows(arguments, import, &map, progress, path)?;
                calls.collect(&mut batches).await;
                let parsed = parsing.await.context("the parser ended badly")?;
                calls.unreadable += parsed.with_context(|| path.display().to_string())?.unreadable;
            }
        }
        Some(adapter) => {
            let (parsing, mut batches) = start_lines(arguments, import, adapter, progress);
            calls.collect(&mut batches).await;
            calls.unreadable += parsing.await.context("the parser ended badly")??.unreadable;
        }
    }
    progress.finish_and_clear();
    let with = arguments.with_source.as_deref();
    let same = reconcile::compare(connection, calls, with, arguments.json).await?;
    Ok(match same {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(exit::REJECTED),
    })
}

/// The names that an import goes by.
struct Import {
    format: ImportFormat,
    source: String,
    run: String,
    /// It replaces a period.
    replaces: bool,
}

impl Import {
    fn of(arguments: &ImportArguments) -> anyhow::Result<Self> {
        if arguments.follow && arguments.format == ImportFormat::HotlineExport {
            return Err(Failure::usage(
                "--follow needs a format that gives its calls ids, and hotline-export has none: equal rows are told apart \
                 by their place in the whole file; import the file without --follow when it is complete",
            ));
        }
        if arguments.follow && arguments.files.len() != 1 {
            return Err(Failure::usage(
                "--follow takes one file, one folder or `-`; start one import for each",
            ));
        }
        let source = arguments.source.as_deref().unwrap_or(arguments.format.name());
        Ok(Self {
            format: arguments.format,
            source: source.to_owned(),
            run: uuid::Uuid::now_v7().to_string(),
            replaces: arguments.replace.is_some(),
        })
    }
}

type Parsing<T> = (
    JoinHandle<anyhow::Result<T>>,
    mpsc::Receiver<wire::v1::calls::ReportBatch>,
);

/// Starts to parse a file of rows.
fn start_rows(
    arguments: &ImportArguments,
    import: &Import,
    map: &ExportMap,
    progress: &ProgressBar,
    path: &Path,
) -> anyhow::Result<Parsing<feed::Parsed>> {
    feed::start(feed::File {
        path: path.to_owned(),
        map: map.clone(),
        double_hour: arguments.double_hour,
        source: import.source.clone(),
        run: import.run.clone(),
        replaces: import.replaces,
        progress: progress.clone(),
    })
}

/// Starts to parse files of lines.
fn start_lines(
    arguments: &ImportArguments,
    import: &Import,
    mut adapter: Box<dyn Adapter>,
    progress: &ProgressBar,
) -> Parsing<lines::Parsed> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let mut batches = batches::Batches::new(import, sender, progress.clone());
    let (files, progress) = (arguments.files.clone(), progress.clone());
    let parsing =
        tokio::task::spawn_blocking(move || lines::read(&files, adapter.as_mut(), &mut batches, &progress));
    (parsing, receiver)
}

/// Imports files of rows without ids.
async fn import_rows(
    arguments: &ImportArguments,
    import: &Import,
    map: &ExportMap,
    connection: &Connection,
    progress: &ProgressBar,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    for file in &arguments.files {
        let (parsing, mut batches) = start_rows(arguments, import, map, progress, file)?;
        let sent = sender::send(connection, &mut batches, summary).await;
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
    Ok(())
}

/// Imports files of lines, whose calls may go on from one to the next.
async fn import_lines(
    arguments: &ImportArguments,
    import: &Import,
    adapter: Box<dyn Adapter>,
    connection: &Connection,
    progress: &ProgressBar,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let (parsing, mut receiver) = start_lines(arguments, import, adapter, progress);
    let sent = sender::send(connection, &mut receiver, summary).await;
    drop(receiver);
    let parsed = parsing.await.context("the parser ended badly")?;
    sent?;
    let parsed = parsed?;
    summary.read += parsed.read;
    summary.rejected += parsed.unreadable;
    tell_notes(&parsed.notes);
    Ok(())
}

/// Batches that are read ahead.
const BATCHES_AHEAD: usize = 4;

/// What `--map` holds.
pub(super) fn own_map(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(path) = file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("--map {}: {error}", path.display())))?;
    Ok(Some(text))
}

pub(super) fn wrong_map(file: Option<&Path>, error: &importer::ImportError) -> anyhow::Error {
    let path = file.unwrap_or(Path::new(""));
    Failure::usage(format!("--map {}: {error}", path.display()))
}

/// The adapter of a format of lines, with the built-in map and the words of a file; none for formats of rows.
pub(super) fn adapter_with(
    format: ImportFormat,
    map: Option<&Path>,
    double_hour: DoubleHour,
) -> anyhow::Result<Option<Box<dyn Adapter>>> {
    let own_map = own_map(map)?;
    lines::adapter(format, own_map.as_deref(), double_hour).map_err(|error| wrong_map(map, &error))
}

/// The built-in map of the hotline's export, with the words of a file.
pub(super) fn map_with(file: Option<&Path>) -> anyhow::Result<ExportMap> {
    let map = ExportMap::built_in();
    match own_map(file)? {
        None => Ok(map),
        Some(text) => map.extended(&text).map_err(|error| wrong_map(file, &error)),
    }
}

/// What is to be said once about the lines of an import.
fn tell_notes(notes: &Notes) {
    for (kind, number) in &notes.unknown {
        eprintln!("{kind:?} is not known; {number} lines of it are left out (a map can give it a meaning)");
    }
    if !notes.without_effect.is_empty() {
        let kinds = notes.without_effect.iter();
        let kinds: Vec<String> = kinds.map(|(kind, number)| format!("{kind} {number}")).collect();
        eprintln!("tell nothing of calls or agents: {}", kinds.join(", "));
    }
    tell_local_time(&notes.local_time);
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

/// What became of accepted reports that did not count.
pub(super) struct Uncounted {
    /// They told nothing new.
    duplicate: u64,
    /// Their calls were deleted when their time was over.
    past_retention: u64,
}

/// Waits until everything sent is counted; gives what did not count of what was accepted.
pub(super) async fn wait_for_figures(
    connection: &Connection,
    summary: &Summary,
    run: &str,
) -> anyhow::Result<Uncounted> {
    let mut client = ReportingClient::new(connection.clone());
    let positions: Vec<_> = summary
        .positions
        .iter()
        .map(|(partition, next_offset)| reporting::Position {
            partition: *partition,
            next_offset: *next_offset,
        })
        .collect();
    let mut outage = client::Outage::new();
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
                let counted = response.get_ref();
                let number = |number: i64| u64::try_from(number).unwrap_or(0);
                let not_new = summary.accepted.saturating_sub(number(counted.new_reports));
                let past_retention = number(counted.past_retention).min(not_new);
                return Ok(Uncounted {
                    duplicate: not_new - past_retention,
                    past_retention,
                });
            }
            Err(status) => outage.wait(&status).await?,
        }
    }
}

fn print_summary(arguments: &ImportArguments, summary: &Summary, uncounted: Option<&Uncounted>) {
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
        if let Some(uncounted) = uncounted {
            object["duplicate"] = json!(uncounted.duplicate);
            object["past_retention"] = json!(uncounted.past_retention);
        }
        if let Some(retracted) = summary.retracted {
            object["retracted"] = json!(retracted);
        }
        say!("{object}");
        return;
    }
    let uncounted = uncounted.map_or(String::new(), |uncounted| match uncounted.past_retention {
        0 => format!(" ({} known before)", uncounted.duplicate),
        past => format!(" ({} known before, {past} past retention)", uncounted.duplicate),
    });
    let retracted = summary
        .retracted
        .map_or(String::new(), |calls| format!(", {calls} retracted"));
    say!(
        "{} read, {} accepted{uncounted}, {} flagged, {} rejected{retracted}",
        summary.read,
        summary.accepted,
        summary.flagged,
        summary.rejected
    );
}
