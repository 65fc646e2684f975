//! Percentiles of waiting times.

use chrono_tz::Tz;
use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::figures::as_of_line;
use crate::form::Report;
use crate::intervals::{local, time, zone};
use crate::sheet::{Cell, Column, Sheet};

/// What the server told.
#[derive(Default)]
pub struct Told {
    /// What all of it is about.
    pub head: proto::PercentilesResponse,
    /// The total's, then those of each group; none of a whole range.
    pub intervals: Vec<Vec<proto::IntervalPercentiles>>,
}

impl Told {
    /// Adds a part of the answer.
    pub fn add(&mut self, chunk: proto::PercentilesChunk) {
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
    pub fn report(&self, per_cents: &[u32]) -> Report {
        let head = &self.head;
        let of = match head.interval.as_str() {
            "" => String::new(),
            interval => format!(", by {interval}"),
        };
        let mut sheets = vec![sheet(head.groups.iter().chain(&head.total), per_cents)];
        if !self.intervals.is_empty() {
            sheets.push(self.intervals_sheet(per_cents));
        }
        Report {
            json: self.json(per_cents),
            preface: vec![
                format!("{} to {} (exclusive), {}{of}", head.from, head.to, head.zone),
                "seconds, at most: a value is the upper edge of its bin, and too large by less than ± tells"
                    .to_owned(),
                as_of_line(&head.as_of),
            ],
            sheets,
        }
    }

    fn json(&self, per_cents: &[u32]) -> Value {
        let head = &self.head;
        let zone = zone(&head.zone);
        let with = |mut group: Value, place: usize| {
            if let Some(intervals) = self.intervals.get(place) {
                let intervals = intervals.iter().map(|interval| interval_json(interval, zone));
                group["intervals"] = intervals.collect();
            }
            group
        };
        let total = head.total.as_ref().map(|total| with(group_json(total, false), 0));
        let groups = head.groups.iter().zip(1..);
        let groups: Vec<Value> = groups
            .map(|(group, place)| with(group_json(group, true), place))
            .collect();
        let mut json = json!({
            "from": head.from,
            "to": head.to,
            "zone": head.zone,
            "as_of": head.as_of,
            "percentiles": per_cents,
            "total": total,
            "groups": groups,
        });
        if !head.interval.is_empty() {
            json["interval"] = json!(head.interval);
        }
        json
    }

    /// Groups, then the total, each in the order of time.
    fn intervals_sheet(&self, per_cents: &[u32]) -> Sheet {
        let zone = zone(&self.head.zone);
        let mut columns = vec![
            Column::new("from", "Beginn"),
            Column::extra("Ende"),
            Column::extra("UTC-Versatz"),
            Column::extra("UTC-Versatz am Ende"),
        ];
        columns.extend(times_columns(per_cents));
        let names = self.head.groups.iter().map(|group| group.group.as_str());
        let places = (1..self.intervals.len()).chain([0]);
        let rows = names.chain([""]).zip(places).flat_map(|(name, place)| {
            self.intervals[place].iter().flat_map(move |interval| {
                let when = when(interval, zone);
                times_rows(
                    name,
                    &interval.time_to_answer,
                    &interval.time_to_abandon,
                    per_cents,
                )
                .map(|row| when.iter().cloned().chain(row).collect())
            })
        });
        let rows = rows.collect();
        Sheet::new("Intervalle", columns, rows)
    }
}

/// Beginning, end, and the offset of both.
fn when(interval: &proto::IntervalPercentiles, zone: Tz) -> [Cell; 4] {
    let [start, end] = [interval.start_unix_s, interval.end_unix_s].map(|unix_s| local(unix_s, zone));
    [
        Cell::Time(start),
        Cell::Time(end),
        Cell::offset(start),
        Cell::offset(end),
    ]
}

fn interval_json(interval: &proto::IntervalPercentiles, zone: Tz) -> Value {
    json!({
        "start": time(interval.start_unix_s, zone),
        "end": time(interval.end_unix_s, zone),
        "time_to_answer": times_json(interval.time_to_answer.as_ref()),
        "time_to_abandon": times_json(interval.time_to_abandon.as_ref()),
    })
}

fn group_json(group: &proto::GroupPercentiles, named: bool) -> Value {
    let mut object = json!({
        "time_to_answer": times_json(group.time_to_answer.as_ref()),
        "time_to_abandon": times_json(group.time_to_abandon.as_ref()),
    });
    if named {
        object["group"] = json!(group.group);
    }
    object
}

/// `p80: {at_most_s, error_s}`, or `{above_s}` where no more is known; absent without visits.
fn times_json(times: Option<&proto::Percentiles>) -> Value {
    let times = times.cloned().unwrap_or_default();
    let mut object = json!({ "visits": times.visits, "without_time": times.without_time });
    for percentile in &times.percentiles {
        let value = match percentile.above {
            true => json!({ "above_s": percentile.seconds }),
            false => json!({ "at_most_s": percentile.seconds, "error_s": percentile.error_seconds }),
        };
        object[format!("p{}", percentile.per_cent)] = value;
    }
    object
}

fn sheet<'a>(groups: impl Iterator<Item = &'a proto::GroupPercentiles>, per_cents: &[u32]) -> Sheet {
    let rows = groups.flat_map(|group| {
        times_rows(
            &group.group,
            &group.time_to_answer,
            &group.time_to_abandon,
            per_cents,
        )
    });
    let rows = rows.collect();
    Sheet::new("Perzentile", times_columns(per_cents), rows)
}

fn times_columns(per_cents: &[u32]) -> Vec<Column> {
    let mut columns = vec![
        Column::new("hotline", "Gruppe"),
        Column::new("time to", "Zeit bis"),
        Column::new("visits", "Anrufe mit bekannter Zeit"),
    ];
    columns.extend(per_cents.iter().flat_map(|per_cent| {
        let title: &'static str = match per_cent {
            50 => "p50",
            80 => "p80",
            90 => "p90",
            95 => "p95",
            99 => "p99",
            _ => "p…",
        };
        [
            Column::new(title, format!("{per_cent} % höchstens (s)")),
            Column::new("±", format!("{per_cent} % Fehlerschranke (s)")),
        ]
    }));
    columns
}

/// A row of the times to answer, and one of those to abandon.
fn times_rows(
    group: &str,
    time_to_answer: &Option<proto::Percentiles>,
    time_to_abandon: &Option<proto::Percentiles>,
    per_cents: &[u32],
) -> [Vec<Cell>; 2] {
    [
        (time_to_answer, Cell::Word("answer", "Annahme")),
        (time_to_abandon, Cell::Word("abandon", "Auflegen")),
    ]
    .map(|(times, what)| row(group, what, times.as_ref(), per_cents))
}

fn row(group: &str, what: Cell, times: Option<&proto::Percentiles>, per_cents: &[u32]) -> Vec<Cell> {
    let times = times.cloned().unwrap_or_default();
    let mut row = vec![Cell::group(group), what, Cell::Count(times.visits)];
    row.extend(per_cents.iter().flat_map(|per_cent| {
        let told = times.percentiles.iter().find(|told| told.per_cent == *per_cent);
        match told {
            None => [Cell::Absent, Cell::Absent],
            Some(told) if told.above => [Cell::Above(told.seconds), Cell::Absent],
            Some(told) => [Cell::Count(told.seconds), Cell::Count(told.error_seconds)],
        }
    }));
    row
}
