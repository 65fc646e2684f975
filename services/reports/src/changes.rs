//! What has moved since a report.

use domain::local_time::ZONE;
use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::form::Report;
use crate::intervals::{local, time, time_of_ms};
use crate::sheet::{Cell, Column, Sheet};

/// The report; `since` is the state of the figures that was asked about.
pub fn report(since: &str, answer: &proto::ChangesResponse) -> Report {
    Report {
        json: json!({
            "since": since,
            "as_of": answer.as_of,
            "changes": answer.changes.iter().map(change_json).collect::<Vec<_>>(),
        }),
        preface: vec![format!("{} intervals have changed", answer.changes.len())],
        sheets: vec![sheet(&answer.changes)],
    }
}

fn change_json(change: &proto::FigureChange) -> Value {
    json!({
        "start": time(change.start_unix_s, ZONE),
        "hotline": change.hotline,
        "task_type": change.task_type,
        "changed_at": time_of_ms(change.last_changed_at_unix_ms, ZONE),
        "difference": change.difference,
    })
}

fn sheet(changes: &[proto::FigureChange]) -> Sheet {
    let columns = vec![
        Column::new("interval", "Intervall"),
        Column::new("hotline", "Hotline"),
        Column::new("task type", "Kontaktart"),
        Column::new("changed at", "Geändert"),
        Column::new("figure", "Kennzahl"),
        Column::new("difference", "Unterschied"),
    ];
    let rows = changes.iter().flat_map(|change| {
        change.difference.iter().map(|(figure, difference)| {
            vec![
                Cell::Time(local(change.start_unix_s, ZONE)),
                Cell::Text(change.hotline.clone()),
                Cell::Text(change.task_type.clone()),
                Cell::Time(local(change.last_changed_at_unix_ms / 1000, ZONE)),
                Cell::Text(figure.clone()),
                Cell::Count(*difference),
            ]
        })
    });
    let rows = rows.collect();
    Sheet::new("Änderungen", columns, rows)
}
