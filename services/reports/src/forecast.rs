//! The agents that the next days need.

use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::form::Report;
use crate::intervals::{local, time, zone};
use crate::sheet::{Cell, Chart, Column, Sheet};

/// The report.
pub fn report(answer: &proto::ForecastResponse) -> Report {
    let zone = zone(&answer.zone);
    let interval_json = |interval: &proto::ForecastInterval| {
        let mut object = json!({
            "start": time(interval.start_unix_s, zone),
            "end": time(interval.end_unix_s, zone),
            "offered": interval.offered,
        });
        let whole = |value: Option<u32>| value.map(Value::from);
        let share = |value: Option<f64>| value.map(Value::from);
        for (name, value) in [
            ("average_handle_ms", share(interval.average_handle_ms)),
            ("agents", whole(interval.agents)),
            ("positions", whole(interval.positions)),
            ("service_level", share(interval.service_level)),
            ("occupancy", share(interval.occupancy)),
            ("waiting_probability", share(interval.waiting_probability)),
        ] {
            if let Some(value) = value {
                object[name] = value;
            }
        }
        object
    };
    let row = |interval: &proto::ForecastInterval| {
        let people = |value: Option<u32>| value.map_or(Cell::Absent, |it| Cell::Count(i64::from(it)));
        vec![
            Cell::Time(local(interval.start_unix_s, zone)),
            Cell::Number(interval.offered),
            Cell::seconds(interval.average_handle_ms),
            people(interval.agents),
            people(interval.positions),
            Cell::share(interval.service_level),
            Cell::share(interval.occupancy),
        ]
    };
    let columns = vec![
        Column::new("from", "Beginn"),
        Column::new("offered", "Erwartete Anrufe"),
        Column::new("aht s", "Mittlere Bearbeitungszeit (s)"),
        Column::new("agents", "Plätze"),
        Column::new("positions", "Planstellen"),
        Column::new("level", "Servicelevel"),
        Column::new("occupancy", "Auslastung"),
    ];
    let mut sheet = Sheet::new("Vorhersage", columns, answer.intervals.iter().map(row).collect());
    sheet.charts = vec![Chart {
        title: "Erwartete Anrufe und Plätze",
        columns: vec![1, 3],
        is_share: false,
    }];
    Report {
        json: json!({
            "from": answer.from,
            "to": answer.to,
            "zone": answer.zone,
            "as_of": answer.as_of,
            "interval": answer.interval,
            "profile": { "from": answer.profile_from, "to": answer.profile_to },
            "closed_days": answer.closed_days,
            "intervals": answer.intervals.iter().map(interval_json).collect::<Vec<_>>(),
        }),
        preface: vec![
            format!(
                "{} to {} (exclusive), {}, by {}",
                answer.from, answer.to, answer.zone, answer.interval
            ),
            format!(
                "as on service days of {} to {} (exclusive)",
                answer.profile_from, answer.profile_to
            ),
        ],
        sheets: vec![sheet],
    }
}
