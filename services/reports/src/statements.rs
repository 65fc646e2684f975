//! Sealed figures.

use domain::local_time::ZONE;
use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::figures::{figures_json, group_json, policy_json, policy_line};
use crate::form::Report;
use crate::intervals::time_of_ms;
use crate::sheet::{Cell, Column, Sheet};
use crate::totals;

/// Thresholds that are told of sealed figures.
pub const WITHIN: [u32; 2] = [20, 30];

/// What a statement is about, in its stable form.
pub fn head_json(head: &proto::Statement) -> Value {
    json!({
        "id": head.id,
        "from": head.from,
        "to": head.to,
        "sealed_at": time_of_ms(head.sealed_at_unix_ms, ZONE),
        "by": head.by,
        "reason": head.reason,
        "rules_version": head.rules_version,
        "as_of": head.as_of,
    })
}

/// Every statement.
pub fn list(statements: &[proto::Statement]) -> Report {
    let columns = vec![
        Column::new("id", "Nummer"),
        Column::new("from", "Von"),
        Column::new("to", "Bis (ausschließlich)"),
        Column::new("sealed at", "Festgeschrieben"),
        Column::new("by", "Durch"),
        Column::new("reason", "Grund"),
    ];
    let rows = statements.iter().map(|head| {
        let texts = [
            &head.from,
            &head.to,
            &time_of_ms(head.sealed_at_unix_ms, ZONE),
            &head.by,
            &head.reason,
        ]
        .map(|text| Cell::Text(text.clone()));
        std::iter::once(Cell::Count(head.id)).chain(texts).collect()
    });
    let rows = rows.collect();
    Report {
        json: statements.iter().map(head_json).collect(),
        preface: Vec::new(),
        sheets: vec![Sheet::new("Festschreibungen", columns, rows)],
    }
}

/// Sealed figures, and what came later beside them.
pub fn shown(answer: &proto::StatementResponse) -> Report {
    let head = answer.statement.clone().unwrap_or_default();
    let policy = answer.policy.clone().unwrap_or_default();
    let total = |total: &Option<proto::Totals>| total.as_ref().map(figures_json);
    let groups = |groups: &[proto::Totals]| groups.iter().map(group_json).collect::<Vec<_>>();
    let mut json = head_json(&head);
    json["policy"] = policy_json(&policy);
    json["total"] = json!(total(&answer.total));
    json["groups"] = json!(groups(&answer.groups));
    json["now"] = json!({ "total": total(&answer.total_now), "groups": groups(&answer.groups_now) });
    let mut now = totals::sheet(answer.groups_now.iter().chain(&answer.total_now), &WITHIN);
    "Heutiger Stand".clone_into(&mut now.name);
    let mut sealed = totals::sheet(answer.groups.iter().chain(&answer.total), &WITHIN);
    "Festgeschrieben".clone_into(&mut sealed.name);
    Report {
        json,
        preface: vec![
            format!(
                "{} to {} (exclusive), sealed by {}: {}",
                head.from, head.to, head.by, head.reason
            ),
            policy_line(&policy),
            "what the days are now, then what was sealed".to_owned(),
        ],
        sheets: vec![now, sealed],
    }
}
