//! Writing a report in the form that was asked for.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use reports::{Encoding, Fault, Report};

use crate::cli::{CsvEncoding, FormArguments, ReportFormat};
use crate::exit::Failure;
use crate::output::{Unfinished, say};

/// Writes it.
pub(crate) fn deliver(report: &Report, form: &FormArguments) -> anyhow::Result<()> {
    let bytes = match form.format() {
        ReportFormat::Table if form.output.is_some() => {
            return Err(Failure::usage(
                "--output: give --format json, csv or xlsx with it",
            ));
        }
        ReportFormat::Table => {
            print(report);
            return Ok(());
        }
        ReportFormat::Json if form.output.is_none() => {
            say!("{}", serde_json::to_string_pretty(&report.json)?);
            return Ok(());
        }
        ReportFormat::Json => report.json()?,
        ReportFormat::Csv => report.csv(encoding(form.encoding)).map_err(refused)?,
        ReportFormat::Xlsx => report.xlsx().map_err(refused)?,
    };
    if let Some(path) = &form.output {
        let mut unfinished = Unfinished::beside(path)?;
        unfinished
            .file
            .write_all(&bytes)
            .with_context(|| format!("--output {}", path.display()))?;
        return unfinished.complete(path);
    }
    let mut out = std::io::stdout().lock();
    if form.format() == ReportFormat::Xlsx && out.is_terminal() {
        return Err(Failure::usage("--format xlsx: give --output FILE.xlsx"));
    }
    match out.write_all(&bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn print(report: &Report) {
    for line in &report.preface {
        say!("{line}");
    }
    for sheet in &report.sheets {
        say!();
        for line in sheet.lines() {
            say!("{line}");
        }
    }
}

fn encoding(encoding: CsvEncoding) -> Encoding {
    match encoding {
        CsvEncoding::Utf8 => Encoding::Utf8,
        CsvEncoding::Utf8Bom => Encoding::Utf8Bom,
        CsvEncoding::Windows1252 => Encoding::Windows1252,
    }
}

/// Why it cannot be written, and what to do.
fn refused(fault: Fault) -> anyhow::Error {
    match fault {
        Fault::TooManyRows(rows_max) => Failure::usage(format!(
            "--format xlsx: more than {rows_max} rows; ask for fewer days or longer intervals, or use csv"
        )),
        Fault::NotInEncoding => {
            Failure::usage("--encoding windows-1252: a name has letters that it does not have; use utf-8-bom")
        }
        Fault::Unwritten(_) => fault.into(),
    }
}
