//! Two periods side by side.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use wire::v1::reporting as proto;

use crate::columns;
use crate::figures::{figures_json, policy_json, policy_line};
use crate::form::Report;
use crate::sheet::{Cell, Column, Sheet};

/// This period beside the other one, by one policy; `within` are the thresholds that were asked for.
pub fn report(this: &proto::TotalsResponse, other: &proto::TotalsResponse, within: &[u32]) -> Report {
    let policy = this.policy.clone().unwrap_or_default();
    let period = |response: &proto::TotalsResponse| json!({ "from": response.from, "to": response.to, "as_of": response.as_of });
    // A group that one of the periods does not have.
    let none_within: Vec<proto::Within> = within
        .iter()
        .map(|seconds| proto::Within {
            seconds: *seconds,
            visits: 0,
        })
        .collect();
    let nothing = proto::Totals {
        answered_within: none_within.clone(),
        abandoned_within: none_within,
        ..proto::Totals::default()
    };
    let total = |response: &proto::TotalsResponse| response.total.clone().unwrap_or_default();
    let names: BTreeSet<&str> = [this, other]
        .iter()
        .flat_map(|response| response.groups.iter().map(|group| group.group.as_str()))
        .collect();
    let find = |response: &proto::TotalsResponse, name: &str| {
        let group = response.groups.iter().find(|group| group.group == name);
        group.unwrap_or(&nothing).clone()
    };
    let mut pairs: Vec<(&str, proto::Totals, proto::Totals)> = names
        .into_iter()
        .map(|name| (name, find(this, name), find(other, name)))
        .collect();
    let groups: Vec<Value> = pairs
        .iter()
        .map(|(name, this, other)| {
            let mut pair = pair_json(this, other);
            pair["group"] = json!(name);
            pair
        })
        .collect();
    let (this_total, other_total) = (total(this), total(other));
    let json = json!({
        "zone": this.zone,
        "policy": policy_json(&policy),
        "this": period(this),
        "other": period(other),
        "total": pair_json(&this_total, &other_total),
        "groups": groups,
    });
    pairs.push(("", this_total, other_total));
    Report {
        json,
        preface: vec![
            format!(
                "{} to {} beside {} to {} (exclusive), {}",
                this.from, this.to, other.from, other.to, this.zone
            ),
            policy_line(&policy),
        ],
        sheets: vec![sheet(&pairs, [&this.from, &other.from], within)],
    }
}

/// Both, and the difference of every number that both have: this less the other.
fn pair_json(this: &proto::Totals, other: &proto::Totals) -> Value {
    let (this, other) = (figures_json(this), figures_json(other));
    let difference = difference(&this, &other).unwrap_or_else(|| Map::new().into());
    json!({ "this": this, "other": other, "difference": difference })
}

fn difference(this: &Value, other: &Value) -> Option<Value> {
    if let (Some(this), Some(other)) = (this.as_i64(), other.as_i64()) {
        return Some(json!(this - other));
    }
    if let (Some(this), Some(other)) = (this.as_f64(), other.as_f64()) {
        return Some(json!(this - other));
    }
    let (this, other) = (this.as_object()?, other.as_object()?);
    let members = this
        .iter()
        .filter_map(|(name, this)| Some((name.clone(), difference(this, other.get(name)?)?)));
    Some(members.collect::<Map<_, _>>().into())
}

/// Each group in three rows: this period, the other one, and the difference.
fn sheet(pairs: &[(&str, proto::Totals, proto::Totals)], starts: [&String; 2], within: &[u32]) -> Sheet {
    let mut all = vec![
        Column::new("hotline", "Gruppe"),
        Column::new("period from", "Zeitraum ab"),
    ];
    all.extend(columns::columns(within));
    let rows = pairs.iter().flat_map(|(name, this, other)| {
        let [this, other] = [this, other].map(columns::cells);
        let less = this
            .iter()
            .zip(&other)
            .map(|(this, other)| this.less(other))
            .collect();
        let named = |period: Cell, cells: Vec<Cell>| {
            let head = [Cell::group(name), period];
            head.into_iter().chain(cells).collect::<Vec<Cell>>()
        };
        [
            named(Cell::Text(starts[0].clone()), this),
            named(Cell::Text(starts[1].clone()), other),
            named(Cell::Word("difference", "Unterschied"), less),
        ]
    });
    let rows = rows.collect();
    Sheet::new("Vergleich", all, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_one_period_alone_has_every_column_of_both() {
        let within = |visits| vec![proto::Within { seconds: 20, visits }];
        let group = proto::Totals {
            group: "Umwelt".to_owned(),
            answered_within: within(3),
            abandoned_within: within(1),
            ..proto::Totals::default()
        };
        let this = proto::TotalsResponse {
            total: Some(group.clone()),
            groups: vec![group.clone()],
            ..proto::TotalsResponse::default()
        };
        let other = proto::TotalsResponse {
            groups: Vec::new(),
            ..this.clone()
        };
        let sheet = &report(&this, &other, &[20]).sheets[0];
        assert!(sheet.rows.iter().all(|row| row.len() == sheet.columns.len()));
    }
}
