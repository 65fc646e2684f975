//! Sums over local days.

use serde_json::json;
use wire::v1::reporting as proto;

use crate::columns;
use crate::figures::{as_of_line, figures_json, group_json, policy_json, policy_line};
use crate::form::Report;
use crate::sheet::{Cell, Column, Sheet};

/// The report; `within` are the thresholds that were asked for.
pub fn report(response: &proto::TotalsResponse, within: &[u32]) -> Report {
    let policy = response.policy.clone().unwrap_or_default();
    Report {
        json: json!({
            "from": response.from,
            "to": response.to,
            "zone": response.zone,
            "as_of": response.as_of,
            "policy": policy_json(&policy),
            "total": response.total.as_ref().map(figures_json),
            "groups": response.groups.iter().map(group_json).collect::<Vec<_>>(),
        }),
        preface: vec![
            format!(
                "{} to {} (exclusive), {}",
                response.from, response.to, response.zone
            ),
            policy_line(&policy),
            as_of_line(&response.as_of),
        ],
        sheets: vec![sheet(response.groups.iter().chain(&response.total), within)],
    }
}

/// Groups and the total, one below the other.
pub fn sheet<'a>(groups: impl Iterator<Item = &'a proto::Totals>, within: &[u32]) -> Sheet {
    let mut all = vec![Column::new("hotline", "Gruppe")];
    all.extend(columns::columns(within));
    let rows = groups.map(|group| {
        let mut row = vec![Cell::group(&group.group)];
        row.extend(columns::cells(group));
        row
    });
    let rows = rows.collect();
    Sheet::new("Summen", all, rows)
}
