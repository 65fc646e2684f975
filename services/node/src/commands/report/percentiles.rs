//! `nrwdirekt report percentiles`.

use serde_json::{Value, json};
use wire::v1::reporting as proto;

use super::figures::as_of_line;
use super::form::Report;
use super::sheet::{Cell, Column, Sheet};
use crate::cli::PercentilesArguments;
use crate::exit::Failure;

/// Percentiles over a range.
pub(super) async fn run(arguments: PercentilesArguments) -> anyhow::Result<()> {
    let request = proto::PercentilesRequest {
        scope: Some(super::scope(arguments.days, arguments.scope)),
        per_cents: arguments.percentiles.clone(),
    };
    let mut client = super::connect(&arguments.server).await?;
    let answer = client.percentiles(request).await;
    let answer = answer.map_err(|status| Failure::of_status(&status))?.into_inner();
    let report = Report {
        json: json!({
            "from": answer.from,
            "to": answer.to,
            "zone": answer.zone,
            "as_of": answer.as_of,
            "percentiles": arguments.percentiles,
            "total": answer.total.as_ref().map(|total| group_json(total, false)),
            "groups": answer.groups.iter().map(|group| group_json(group, true)).collect::<Vec<_>>(),
        }),
        preface: vec![
            format!("{} to {} (exclusive), {}", answer.from, answer.to, answer.zone),
            "seconds, at most: a value is the upper edge of its bin, and too large by less than ± tells"
                .to_owned(),
            as_of_line(&answer.as_of),
        ],
        sheets: vec![sheet(
            answer.groups.iter().chain(&answer.total),
            &arguments.percentiles,
        )],
    };
    report.deliver(&arguments.form)
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
    let rows = groups.flat_map(|group| {
        [
            (&group.time_to_answer, Cell::Word("answer", "Annahme")),
            (&group.time_to_abandon, Cell::Word("abandon", "Auflegen")),
        ]
        .map(|(times, what)| row(&group.group, what, times.as_ref(), per_cents))
    });
    let rows = rows.collect();
    Sheet::new("Perzentile", columns, rows)
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
