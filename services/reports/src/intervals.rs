//! Figures by interval, and local times.

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::figures::{as_of_line, figures_json, group_json, policy_json, policy_line};
use crate::form::Report;
use crate::sheet::{Cell, Column, Sheet};
use crate::{columns, totals};

/// What the server told.
#[derive(Default)]
pub struct Told {
    /// What all of it is about.
    pub head: proto::IntervalsHead,
    /// The total's, then those of each group.
    pub intervals: Vec<Vec<proto::IntervalFigures>>,
}

impl Told {
    /// Adds a part of the answer.
    pub fn add(&mut self, chunk: proto::IntervalsChunk) {
        if let Some(head) = chunk.head {
            self.intervals.resize_with(head.groups.len() + 1, Vec::new);
            self.head = head;
        }
        for interval in chunk.intervals {
            if let Some(row) = self.intervals.get_mut(interval.group as usize) {
                row.push(interval);
            }
        }
    }

    /// The report.
    pub fn report(&self, within: &[u32]) -> Report {
        let head = &self.head;
        let policy = head.policy.clone().unwrap_or_default();
        let total = head.total.clone().unwrap_or_default();
        let mut sheets = vec![totals::sheet(head.groups.iter().chain([&total]), within)];
        sheets.push(self.sheet("Intervalle", &[("", 0)], within));
        if !head.groups.is_empty() {
            let names = head.groups.iter().map(|group| group.group.as_str());
            let groups: Vec<(&str, usize)> = names
                .chain([""])
                .zip((1..=head.groups.len()).chain([0]))
                .collect();
            sheets.push(self.sheet("Gruppen", &groups, within));
        }
        Report {
            json: self.json(&policy, &total),
            preface: vec![
                format!(
                    "{} to {} (exclusive), {}, by {}",
                    head.from, head.to, head.zone, head.interval
                ),
                policy_line(&policy),
                as_of_line(&head.as_of),
            ],
            sheets,
        }
    }

    fn json(&self, policy: &proto::Policy, total: &proto::Totals) -> Value {
        let head = &self.head;
        let zone = zone(&head.zone);
        let with = |mut figures: Value, place: usize| {
            let intervals = self.intervals.get(place).into_iter().flatten();
            figures["intervals"] = intervals.map(|interval| interval_json(interval, zone)).collect();
            figures
        };
        let groups = head.groups.iter().zip(1..);
        let groups: Vec<Value> = groups
            .map(|(group, place)| with(group_json(group), place))
            .collect();
        json!({
            "from": head.from,
            "to": head.to,
            "zone": head.zone,
            "as_of": head.as_of,
            "policy": policy_json(policy),
            "interval": head.interval,
            "total": with(figures_json(total), 0),
            "groups": groups,
        })
    }

    /// Intervals of some groups; with one alone its name is left out, and charts show it.
    fn sheet(&self, name: &str, groups: &[(&str, usize)], within: &[u32]) -> Sheet {
        let zone = zone(&self.head.zone);
        let mut all = vec![
            Column::new("from", "Beginn"),
            Column::extra("Ende"),
            Column::extra("UTC-Versatz"),
            Column::extra("UTC-Versatz am Ende"),
        ];
        if groups.len() > 1 {
            all.push(Column::new("hotline", "Gruppe"));
        }
        let before = all.len();
        all.extend(columns::columns(within));
        let rows = groups.iter().flat_map(|(group, place)| {
            let intervals = self.intervals.get(*place).into_iter().flatten();
            intervals.map(|interval| {
                let [start, end] =
                    [interval.start_unix_s, interval.end_unix_s].map(|unix_s| local(unix_s, zone));
                let mut row = vec![
                    Cell::Time(start),
                    Cell::Time(end),
                    Cell::offset(start),
                    Cell::offset(end),
                ];
                if groups.len() > 1 {
                    row.push(Cell::group(group));
                }
                row.extend(columns::cells(&interval.figures.clone().unwrap_or_default()));
                row
            })
        });
        let rows = rows.collect();
        let mut sheet = Sheet::new(name, all, rows);
        if groups.len() == 1 {
            sheet.charts = columns::charts(before);
        }
        sheet
    }
}

fn interval_json(interval: &proto::IntervalFigures, zone: Tz) -> Value {
    let mut object = figures_json(&interval.figures.clone().unwrap_or_default());
    object["start"] = json!(time(interval.start_unix_s, zone));
    object["end"] = json!(time(interval.end_unix_s, zone));
    object
}

/// The zone that the server named.
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(domain::local_time::ZONE)
}

/// Local time with its offset.
pub fn local(unix_s: i64, zone: Tz) -> DateTime<FixedOffset> {
    let at = Utc.timestamp_opt(unix_s, 0).single().unwrap_or_default();
    at.with_timezone(&zone).fixed_offset()
}

/// The same as JSON has it.
pub fn time(unix_s: i64, zone: Tz) -> String {
    local(unix_s, zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// The same of milliseconds since 1970.
pub fn time_of_ms(unix_ms: i64, zone: Tz) -> String {
    let at = Utc.timestamp_millis_opt(unix_ms).single().unwrap_or_default();
    at.with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::Millis, false)
}
