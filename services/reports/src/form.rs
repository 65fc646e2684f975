//! A report in all of its forms.

use serde_json::Value;

use crate::sheet::{Cell, Column, Sheet};
use crate::{Encoding, Fault, csv, xlsx};

/// A report, ready to be written.
pub struct Report {
    /// Its stable form.
    pub json: Value,
    /// What stands above a table.
    pub preface: Vec<String>,
    /// Tables; CSV has the last one, which holds the details.
    pub sheets: Vec<Sheet>,
}

impl Report {
    /// Its stable form as bytes.
    ///
    /// # Errors
    /// [`Fault::Unwritten`].
    pub fn json(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec_pretty(&self.json).map_err(Fault::unwritten)
    }

    /// The last sheet as CSV.
    ///
    /// # Errors
    /// [`Fault::NotInEncoding`].
    pub fn csv(&self, encoding: Encoding) -> Result<Vec<u8>, Fault> {
        let empty = Sheet::new("", Vec::new(), Vec::new());
        let sheet = self.sheets.last().unwrap_or(&empty);
        csv::write(sheet, &self.policy(), encoding)
    }

    /// All sheets as a workbook, and what the figures are.
    ///
    /// # Errors
    /// [`Fault::TooManyRows`].
    pub fn xlsx(&self) -> Result<Vec<u8>, Fault> {
        xlsx::write(&self.sheets, &self.particulars())
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
    pub fn particulars(&self) -> Sheet {
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
}
