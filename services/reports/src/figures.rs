//! Figures as JSON: the stable form.

use serde_json::{Map, Value, json};
use wire::v1::reporting as proto;

/// A policy with its formula and thresholds.
pub fn policy_json(policy: &proto::Policy) -> Value {
    let mut object = json!({
        "name": policy.name,
        "version": policy.version,
        "formula": policy.formula,
        "threshold_s": policy.threshold_seconds,
        "short_abandon_s": policy.short_abandon_seconds,
    });
    if !policy.hotline_threshold_seconds.is_empty() {
        object["hotline_thresholds_s"] = json!(policy.hotline_threshold_seconds);
    }
    object
}

/// The version of the figures, by which `report changes` knows what has moved since.
pub fn as_of_line(as_of: &str) -> String {
    format!("as of {as_of} (report changes --since)")
}

/// A policy in a line, for people.
pub fn policy_line(policy: &proto::Policy) -> String {
    let own: Vec<String> = policy
        .hotline_threshold_seconds
        .iter()
        .map(|(hotline, seconds)| format!("{hotline} {seconds} s"))
        .collect();
    let own = match own.is_empty() {
        true => String::new(),
        false => format!(" ({})", own.join(", ")),
    };
    format!(
        "service level: {} v{}, {} s{own}: {}",
        policy.name, policy.version, policy.threshold_seconds, policy.formula
    )
}

/// The figures of a group; what has no samples is absent.
pub fn figures_json(figures: &proto::Totals) -> Value {
    let mut object = counts(figures);
    for (name, value) in [
        ("longest_time_to_answer_ms", figures.longest_time_to_answer_ms),
        ("longest_time_to_abandon_ms", figures.longest_time_to_abandon_ms),
    ] {
        if let Some(value) = value {
            object[name] = json!(value);
        }
    }
    for (name, value) in [
        ("service_level", figures.service_level),
        ("settled_at_first_contact", figures.settled_at_first_contact),
        ("asa_ms", figures.average_speed_of_answer_ms),
        ("average_time_to_abandon_ms", figures.average_time_to_abandon_ms),
        ("average_handle_ms", figures.average_handle_ms),
        ("average_talk_ms", figures.average_talk_ms),
        ("average_hold_ms", figures.average_hold_ms),
        ("average_after_call_work_ms", figures.average_after_call_work_ms),
    ] {
        if let Some(value) = value {
            object[name] = json!(value);
        }
    }
    object
}

/// The same with the name of the group.
pub fn group_json(figures: &proto::Totals) -> Value {
    let mut object = figures_json(figures);
    object["group"] = json!(figures.group);
    object
}

fn counts(figures: &proto::Totals) -> Value {
    let within = |within: &[proto::Within]| -> Value {
        let by_seconds = within
            .iter()
            .map(|within| (within.seconds.to_string(), json!(within.visits)));
        by_seconds.collect::<Map<_, _>>().into()
    };
    let mut object = json!({
        "answered_within": within(&figures.answered_within),
        "abandoned_within": within(&figures.abandoned_within),
        "not_offered_by_reason": {
            "abandoned_before_queue": figures.abandoned_before_queue,
            "busy": figures.busy,
            "out_of_hours": figures.out_of_hours,
            "no_answer": figures.no_answer,
            "failed": figures.failed,
        },
        "outbound": outbound_json(&figures.outbound.unwrap_or_default()),
    });
    for (name, value) in [
        ("contacts", figures.contacts),
        ("not_offered", figures.not_offered),
        ("offered", figures.offered),
        ("answered", figures.answered),
        ("abandoned", figures.abandoned),
        ("short_abandoned", figures.short_abandoned),
        ("overflowed", figures.overflowed),
        ("overflowed_in", figures.overflowed_in),
        ("network_overflows", figures.network_overflows),
        ("diverted", figures.diverted),
        ("unresolved", figures.unresolved),
        ("waiting", figures.waiting),
        ("answered_without_time", figures.answered_without_time),
        ("abandoned_without_time", figures.abandoned_without_time),
        ("time_to_answer_ms", figures.time_to_answer_ms),
        ("time_to_abandon_ms", figures.time_to_abandon_ms),
        ("wait_ms", figures.wait_ms),
        ("ring_ms", figures.ring_ms),
        ("talk_ms", figures.talk_ms),
        ("hold_ms", figures.hold_ms),
        ("after_call_work_ms", figures.after_call_work_ms),
        ("consults", figures.consults),
        ("consult_connections", figures.consult_connections),
        ("consult_talk_ms", figures.consult_talk_ms),
        ("transfers", figures.transfers),
        ("voice_messages", figures.voice_messages),
        ("callbacks_logged", figures.callbacks_logged),
        ("answered_with_ticket", figures.answered_with_ticket),
        ("service_level_met", figures.service_level_met),
        ("service_level_of", figures.service_level_of),
    ] {
        object[name] = json!(value);
    }
    object
}

fn outbound_json(outbound: &proto::Outbound) -> Value {
    json!({
        "placed": outbound.placed,
        "reached": outbound.reached,
        "busy": outbound.busy,
        "no_answer": outbound.no_answer,
        "failed": outbound.failed,
        "talk_ms": outbound.talk_ms,
        "dialer_placed": outbound.dialer_placed,
        "dialer_reached": outbound.dialer_reached,
    })
}
