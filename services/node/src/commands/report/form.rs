//! Writing a report in the form that was asked for.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use serde_json::Value;

use super::sheet::{Cell, Column, Sheet};
use super::{csv, xlsx};
use crate::cli::{FormArguments, ReportFormat};
use crate::exit::Failure;
use crate::output::{Unfinished, say};

/// A report, ready to be written.
pub(super) struct Report {
    /// Its stable form.
    pub(super) json: Value,
    /// What stands above a table.
    pub(super) preface: Vec<String>,
    /// Tables; CSV has the last one, which holds the details.
    pub(super) sheets: Vec<Sheet>,
}

impl Report {
    /// Writes it.
    pub(super) fn deliver(&self, form: &FormArguments) -> anyhow::Result<()> {
        let bytes = match form.format() {
            ReportFormat::Table if form.output.is_some() => {
                return Err(Failure::usage(
                    "--output: give --format json, csv or xlsx with it",
                ));
            }
            ReportFormat::Table => {
                self.print();
                return Ok(());
            }
            ReportFormat::Json if form.output.is_none() => {
                say!("{}", serde_json::to_string_pretty(&self.json)?);
                return Ok(());
            }
            ReportFormat::Json => serde_json::to_vec_pretty(&self.json)?,
            ReportFormat::Csv => {
                let sheet = self.sheets.last().context("a report has a sheet")?;
                csv::write(sheet, &self.policy(), form.encoding)?
            }
            ReportFormat::Xlsx => xlsx::write(&self.sheets, &self.particulars())?,
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

    /// The policy that every row of CSV names: a file has no other place for it.
    fn policy(&self) -> Vec<(&'static str, Cell)> {
        let policy = &self.json["policy"];
        let (Some(name), Some(version)) = (policy["name"].as_str(), policy["version"].as_i64()) else {
            return Vec::new();
        };
        vec![
            ("Servicelevel nach", Cell::Text(name.to_owned())),
            ("Servicelevel-Version", Cell::Count(version)),
        ]
    }

    /// What the figures are, in German: without it a workbook would tell a service level of no policy.
    fn particulars(&self) -> Sheet {
        let wanted = [
            ("/from", "Vom"),
            ("/to", "Bis vor den"),
            ("/zone", "Zeitzone"),
            ("/interval", "Intervall"),
            ("/as_of", "Stand der Zahlen"),
            ("/rules_version", "Version der Regeln"),
            ("/policy/name", "Servicelevel nach"),
            ("/policy/version", "Version"),
            ("/policy/threshold_s", "Schwelle (s)"),
            ("/policy/short_abandon_s", "Kurzabbruch bis (s)"),
            ("/policy/formula", "Formel"),
        ];
        let rows = wanted.into_iter().filter_map(|(place, name)| {
            let value = self.json.pointer(place)?;
            let value = value
                .as_i64()
                .map(Cell::Count)
                .or_else(|| Some(Cell::Text(value.as_str()?.to_owned())))?;
            Some(vec![Cell::Text(name.to_owned()), value])
        });
        let columns = vec![Column::extra("Angabe"), Column::extra("Wert")];
        Sheet::new("Angaben", columns, rows.collect())
    }

    fn print(&self) {
        for line in &self.preface {
            say!("{line}");
        }
        for sheet in &self.sheets {
            say!();
            sheet.print();
        }
    }
}
