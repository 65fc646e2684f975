//! A report as rows and columns: what tables, CSV and workbooks are written from.

use chrono::{DateTime, FixedOffset};

/// A sheet of a report.
pub struct Sheet {
    /// What it is called in a workbook, in German.
    pub name: String,
    /// In their order.
    pub columns: Vec<Column>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// Charts beside the rows, in a workbook.
    pub charts: Vec<Chart>,
}

/// A column of a sheet.
#[derive(Clone)]
pub struct Column {
    /// In tables; columns without are only in CSV and workbooks.
    pub title: Option<&'static str>,
    /// In CSV and workbooks, in German.
    pub heading: String,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A name, or whatever else is written as it is.
    Text(String),
    /// In tables, and in German in CSV and workbooks.
    Word(&'static str, &'static str),
    /// More than so many; nothing nearer is known.
    Above(i64),
    /// A whole number.
    Count(i64),
    /// A number with a fraction.
    Number(f64),
    /// A fraction between 0 and 1.
    Share(f64),
    /// Local, with its offset.
    Time(DateTime<FixedOffset>),
    /// Without samples.
    Absent,
}

/// Lines of some columns over the first one.
pub struct Chart {
    /// In German.
    pub title: &'static str,
    /// Places of the columns.
    pub columns: Vec<usize>,
    /// Whether the values are shares.
    pub is_share: bool,
}

impl Cell {
    /// The name of a group; without one it is the total.
    pub fn group(name: &str) -> Self {
        match name {
            "" => Self::Word("all", "Alle"),
            name => Self::Text(name.to_owned()),
        }
    }

    /// How far local time is from UTC.
    pub fn offset(at: DateTime<FixedOffset>) -> Self {
        Self::Text(at.format("UTC%:z").to_string())
    }

    /// Yes, or no.
    pub fn yes_or_no(is: bool) -> Self {
        match is {
            true => Self::Word("yes", "ja"),
            false => Self::Word("no", "nein"),
        }
    }

    /// A share, absent without samples.
    pub fn share(value: Option<f64>) -> Self {
        value.map_or(Self::Absent, Self::Share)
    }

    /// Milliseconds, told as seconds.
    pub fn seconds(value_ms: Option<f64>) -> Self {
        value_ms.map_or(Self::Absent, |ms| Self::Number(ms / 1000.0))
    }

    /// The difference of two values of a kind.
    pub fn less(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Count(this), Self::Count(other)) => Self::Count(this - other),
            (Self::Number(this), Self::Number(other)) => Self::Number(this - other),
            (Self::Share(this), Self::Share(other)) => Self::Share(this - other),
            _ => Self::Absent,
        }
    }

    /// In English, for a terminal.
    fn for_people(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Word(word, _) => (*word).to_owned(),
            Self::Above(count) => format!("over {count}"),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => format!("{number:.1}"),
            Self::Share(share) => format!("{:.1} %", share * 100.0),
            Self::Time(time) => time.format("%Y-%m-%d %H:%M %:z").to_string(),
            Self::Absent => "–".to_owned(),
        }
    }

    fn is_left(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Word(..) | Self::Time(_))
    }
}

impl Column {
    /// A column of every form.
    pub fn new(title: &'static str, heading: impl Into<String>) -> Self {
        Self {
            title: Some(title),
            heading: heading.into(),
        }
    }

    /// A column of CSV and workbooks alone.
    pub fn extra(heading: impl Into<String>) -> Self {
        Self {
            title: None,
            heading: heading.into(),
        }
    }
}

impl Sheet {
    /// A sheet without charts.
    pub fn new(name: &str, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self {
            name: name.to_owned(),
            columns,
            rows,
            charts: Vec::new(),
        }
    }

    /// Its lines as a table for people: words to the left, numbers to the right.
    pub fn lines(&self) -> Vec<String> {
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|place| self.columns[*place].title.is_some())
            .collect();
        let titles = shown
            .iter()
            .map(|place| self.columns[*place].title.unwrap_or_default().to_owned());
        let mut lines: Vec<Vec<String>> = vec![titles.collect()];
        for row in &self.rows {
            lines.push(shown.iter().map(|place| row[*place].for_people()).collect());
        }
        let widths: Vec<usize> = (0..shown.len())
            .map(|column| {
                let width = |line: &Vec<String>| line[column].chars().count();
                lines.iter().map(width).max().unwrap_or(0)
            })
            .collect();
        let is_left: Vec<bool> = shown
            .iter()
            .map(|place| self.rows.first().is_some_and(|row| row[*place].is_left()) || *place == 0)
            .collect();
        let written = lines.iter().map(|line| {
            let cells = line.iter().enumerate().map(|(column, text)| {
                let width = widths[column];
                match is_left[column] {
                    true => format!("{text:width$}"),
                    false => format!("{text:>width$}"),
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        written.collect()
    }
}
