//! What a week is like.

use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::columns;
use crate::figures::{figures_json, policy_json, policy_line};
use crate::form::Report;
use crate::sheet::{Cell, Column, Sheet};

/// ISO weekdays from Monday on, as tables and sheets call them.
const WEEKDAYS: [Cell; 7] = [
    Cell::Word("Mon", "Mo"),
    Cell::Word("Tue", "Di"),
    Cell::Word("Wed", "Mi"),
    Cell::Word("Thu", "Do"),
    Cell::Word("Fri", "Fr"),
    Cell::Word("Sat", "Sa"),
    Cell::Word("Sun", "So"),
];

/// The report; `within` are the thresholds that were asked for.
pub fn report(answer: &proto::ProfileResponse, within: &[u32]) -> Report {
    let policy = answer.policy.clone().unwrap_or_default();
    Report {
        json: json!({
            "from": answer.from,
            "to": answer.to,
            "zone": answer.zone,
            "as_of": answer.as_of,
            "policy": policy_json(&policy),
            "interval": answer.interval,
            "intervals": answer.intervals.iter().map(interval_json).collect::<Vec<_>>(),
        }),
        preface: vec![
            format!(
                "{} to {} (exclusive), {}, by {}",
                answer.from, answer.to, answer.zone, answer.interval
            ),
            policy_line(&policy),
        ],
        sheets: vec![sheet(answer, within)],
    }
}

fn time_of_day(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Offered on a day, on average.
fn offered(interval: &proto::ProfileInterval) -> Option<f64> {
    let sum = interval.figures.as_ref().map_or(0, |figures| figures.offered);
    (interval.days > 0).then(|| sum as f64 / f64::from(interval.days))
}

fn interval_json(interval: &proto::ProfileInterval) -> Value {
    let mut object = figures_json(&interval.figures.clone().unwrap_or_default());
    object["weekday"] = json!(interval.weekday);
    object["time"] = json!(time_of_day(interval.minute));
    object["days"] = json!(interval.days);
    if let Some(offered) = offered(interval) {
        object["average_offered"] = json!(offered);
    }
    object
}

fn sheet(answer: &proto::ProfileResponse, within: &[u32]) -> Sheet {
    let mut all = vec![
        Column::new("weekday", "Wochentag"),
        Column::new("time", "Uhrzeit"),
        Column::new("days", "Tage"),
        Column::new("offered a day", "Angeboten am Tag"),
    ];
    let before = all.len();
    all.extend(columns::columns(within));
    let rows = answer.intervals.iter().map(|interval| {
        let weekday = WEEKDAYS.get(interval.weekday.saturating_sub(1) as usize);
        let mut row = vec![
            weekday.cloned().unwrap_or(Cell::Absent),
            Cell::Text(time_of_day(interval.minute)),
            Cell::Count(i64::from(interval.days)),
            offered(interval).map_or(Cell::Absent, Cell::Number),
        ];
        row.extend(columns::cells(&interval.figures.clone().unwrap_or_default()));
        row
    });
    let rows = rows.collect();
    let mut sheet = Sheet::new("Wochenprofil", all, rows);
    sheet.charts = columns::charts(before);
    sheet
}
