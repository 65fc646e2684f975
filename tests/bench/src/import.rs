//! `import_parse`, `import_memory`, `import_whole`: what reading the hotline's export costs, alone and as an import.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Read};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::NaiveDate;
use importer::hotline_export::{ExportItem, ExportMap, ExportReader, ExportWriter};
use importer::{DoubleHour, TextEncoding};
use rustix::time::{ClockId, clock_gettime};
use simulator::{Profile, Simulation};
use tempfile::TempDir;
use testkit::{Backend, Builder, TestNode};

use crate::figures::{Figure, median, rate};

const ROWS: usize = 1_000_000;
/// Rows of the smaller file that memory is compared with.
const FEWER_ROWS: usize = 100_000;
const ROWS_OF_AN_IMPORT: usize = 200_000;
const ROUNDS: usize = 3;

/// Parsing and mapping against splitting the same rows into cells, in CPU time of one thread.
pub(crate) fn parse() -> anyhow::Result<Vec<Figure>> {
    let export = Export::of(ROWS)?;
    let (mut split, mut parsed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        split.push(rate(ROWS, cpu_time_of(|| split_rows(&export.path()))?));
        parsed.push(rate(ROWS, cpu_time_of(|| parse_rows(&export.path(), ROWS))?));
    }
    Ok(vec![
        Figure::new("import_parse", median(parsed), "rows/s")
            .beside("the csv crate's reading of the same file alone", median(split))
            .at_least(0.05),
    ])
}

/// What each further row makes a parser hold: many rows and fewer of the same file, each in a process of its own.
pub(crate) fn memory() -> anyhow::Result<Vec<Figure>> {
    let export = Export::of(ROWS)?;
    let [fewer, all] = [FEWER_ROWS, ROWS].map(|rows| peak_bytes_of(&export.path(), rows));
    let growth = all?.saturating_sub(fewer?) as f64 / (ROWS - FEWER_ROWS) as f64;
    Ok(vec![
        Figure::new("import_memory", growth, "bytes/row").at_most(40.0),
    ])
}

/// A file until all of it is acknowledged, by the command line to a node on embedded storage.
pub(crate) async fn whole() -> anyhow::Result<Vec<Figure>> {
    let export = Export::of(ROWS_OF_AN_IMPORT)?;
    let path = export.path();
    let file = path.to_str().context("a temporary folder has a name in UTF-8")?;
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let mut node = Builder::on(Backend::Embedded).start().await;
        rates.push(rate(ROWS_OF_AN_IMPORT, import(&node, file).await?));
        node.stop().await;
    }
    Ok(vec![Figure::new("import_whole", median(rates), "rows/s")])
}

async fn import(node: &TestNode, file: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let arguments = ["import", "--format", "hotline-export", "--json", file];
    let finished = node.run(&arguments).await.exits(0);
    let took = begun.elapsed();
    let accepted = finished.json()["accepted"].as_u64();
    ensure!(
        accepted == Some(ROWS_OF_AN_IMPORT as u64),
        "every row is acknowledged"
    );
    Ok(took)
}

/// What this process, started by [`memory`], does: parses the first rows of a file and prints its peak memory.
pub(crate) fn parse_and_tell_peak(file: &Path, rows: usize) -> anyhow::Result<u64> {
    parse_rows(file, rows)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kib.context("the status tells the peak")? * 1024)
}

fn peak_bytes_of(file: &Path, rows: usize) -> anyhow::Result<u64> {
    let mut child = Command::new(std::env::current_exe()?);
    child
        .arg("--peak-of")
        .arg(file)
        .arg("--rows")
        .arg(rows.to_string());
    let output = child.output()?;
    ensure!(
        output.status.success(),
        "the parsing process failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(std::str::from_utf8(&output.stdout)?.trim().parse()?)
}

/// An export of simulated days, one after the other, in a folder of its own.
struct Export {
    folder: TempDir,
}

impl Export {
    fn of(rows: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let export = Self { folder };
        let out = BufWriter::new(File::create(export.path())?);
        let mut writer = ExportWriter::new(out, TextEncoding::Utf8)?;
        let first = NaiveDate::from_ymd_opt(2022, 1, 3).context("a date")?;
        let simulation = Simulation::new(3, Profile::default())?;
        let mut left = rows;
        for date in first.iter_days() {
            let mut records: Vec<_> = simulation
                .day(date)
                .calls
                .into_iter()
                .map(|call| call.record)
                .collect();
            records.sort_by_key(|record| record.started_at);
            records.truncate(left);
            left -= records.len();
            for record in &records {
                writer.write(record)?;
            }
            if left == 0 {
                break;
            }
        }
        writer.finish()?;
        Ok(export)
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("export.csv")
    }
}

/// Reads as the product does, up to so many rows.
fn parse_rows(file: &Path, rows: usize) -> anyhow::Result<()> {
    let reader = ExportReader::open(opened(file)?, ExportMap::built_in(), DoubleHour::default())?;
    let mut read = 0;
    for item in reader.take(rows) {
        let item = black_box(item?);
        ensure!(matches!(item, ExportItem::Row(_)), "every row can be read");
        read += 1;
    }
    ensure!(read == rows, "the export has {read} rows");
    Ok(())
}

/// Reads into one record that is used again: the least that the crate can do.
fn split_rows(file: &Path) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .buffer_capacity(1 << 16)
        .from_reader(opened(file)?);
    let mut record = csv::ByteRecord::new();
    let mut read = 0;
    while reader.read_byte_record(&mut record)? {
        black_box(&record);
        read += 1;
    }
    ensure!(read == ROWS, "the export has {read} rows");
    Ok(())
}

fn opened(file: &Path) -> anyhow::Result<impl Read> {
    Ok(File::open(file)?)
}

fn cpu_time_of(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime));
    let begun = now()?;
    work()?;
    Ok(now()?.saturating_sub(begun))
}
