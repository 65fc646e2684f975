//! Charts: what a script draws, and what a table says as well.

use std::collections::HashMap;

use chrono::{Days as Count, NaiveDateTime};
use chrono_tz::Tz;
use reports::intervals::local;
use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::days::Days;

/// A chart.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) data: Value,
}

/// A line of a chart.
pub(super) struct Line {
    name: String,
    values: Vec<Option<f64>>,
    /// One of the colours of the style sheet.
    colour: &'static str,
    is_dashed: bool,
}

impl Line {
    pub(super) fn new(name: impl Into<String>, colour: &'static str, values: Vec<Option<f64>>) -> Self {
        Self {
            name: name.into(),
            values,
            colour,
            is_dashed: false,
        }
    }

    pub(super) fn dashed(mut self) -> Self {
        self.is_dashed = true;
        self
    }
}

impl Chart {
    /// Lines over times in seconds since 1970, in a zone.
    pub(super) fn over_time(
        title: &str,
        zone: &str,
        times: &[i64],
        lines: Vec<Line>,
        is_share: bool,
    ) -> Self {
        Self {
            title: title.to_owned(),
            data: json!({ "x": times, "zone": zone, "share": is_share, "lines": told(lines) }),
        }
    }

    /// Lines over the time of day, in minutes after midnight.
    pub(super) fn over_day(title: &str, minutes: &[u32], lines: Vec<Line>) -> Self {
        Self {
            title: title.to_owned(),
            data: json!({ "x": minutes, "minutes": true, "share": false, "lines": told(lines) }),
        }
    }

    /// For the page: harmless within an element of it.
    pub(super) fn json(&self) -> String {
        self.data.to_string().replace('<', "\\u003c")
    }
}

fn told(lines: Vec<Line>) -> Vec<Value> {
    let lines = lines.into_iter();
    lines
        .map(|line| {
            json!({ "name": line.name, "values": line.values, "colour": line.colour, "dashed": line.is_dashed })
        })
        .collect()
}

type Figure = (&'static str, &'static str, fn(&proto::Totals) -> Option<f64>);

const FIGURES: [Figure; 4] = [
    ("Angeboten", "info", |figures| Some(figures.offered as f64)),
    ("Angenommen", "good", |figures| Some(figures.answered as f64)),
    ("Aufgelegt", "bad", |figures| Some(figures.abandoned as f64)),
    ("Servicelevel", "accent", |figures| figures.service_level),
];

/// Intervals beside those of the weeks before, at the same local time of the same weekday.
pub(super) fn beside_weeks_before(
    zone: Tz,
    days: &Days,
    now: &[proto::IntervalFigures],
    before: &[proto::IntervalFigures],
) -> Vec<Chart> {
    let back = Count::new(u64::try_from((days.from - days.weeks_before().from).num_days()).unwrap_or(7));
    let naive = |interval: &proto::IntervalFigures| local(interval.start_unix_s, zone).naive_local();
    let before: HashMap<NaiveDateTime, &proto::IntervalFigures> = before
        .iter()
        .map(|interval| (naive(interval) + back, interval))
        .collect();
    let times: Vec<i64> = now.iter().map(|interval| interval.start_unix_s).collect();
    let value = |of: fn(&proto::Totals) -> Option<f64>, interval: Option<&proto::IntervalFigures>| {
        interval
            .and_then(|interval| interval.figures.as_ref())
            .and_then(of)
    };
    let charts = FIGURES.into_iter().map(|(name, colour, of)| {
        let this = now.iter().map(|interval| value(of, Some(interval))).collect();
        let other = now
            .iter()
            .map(|interval| value(of, before.get(&naive(interval)).copied()))
            .collect();
        let lines = vec![
            Line::new("Vorwoche", "muted", other).dashed(),
            Line::new(name, colour, this),
        ];
        Chart::over_time(name, zone.name(), &times, lines, name == "Servicelevel")
    });
    charts.collect()
}
