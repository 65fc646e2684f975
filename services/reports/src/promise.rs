//! How the targets of the rules were kept.

use chrono_tz::Tz;
use serde_json::{Value, json};
use wire::v1::reporting as proto;

use crate::figures::policy_json;
use crate::form::Report;
use crate::intervals::{local, time, zone};
use crate::sheet::{Cell, Column, Sheet};

/// The report.
pub fn report(answer: &proto::PromiseResponse) -> Report {
    let zone = zone(&answer.zone);
    Report {
        json: json!({
            "from": answer.from,
            "to": answer.to,
            "zone": answer.zone,
            "interval": answer.interval,
            "rules_version": answer.rules_version,
            "targets": answer.targets.iter().map(|target| target_json(target, zone)).collect::<Vec<_>>(),
        }),
        preface: vec![format!(
            "{} to {} (exclusive), {}, targets of version {} of the rules",
            answer.from, answer.to, answer.zone, answer.rules_version
        )],
        sheets: vec![
            sheet("Zusagen", answer, zone, &|share| share.whole.iter().collect()),
            sheet("Monate", answer, zone, &|share| share.months.iter().collect()),
            sheet("Intervalle", answer, zone, &|share| {
                share.intervals.iter().collect()
            }),
        ],
    }
}

/// What was promised of a target, by name.
fn shares(target: &proto::TargetReport) -> impl Iterator<Item = (&'static str, Cell, &proto::PromisedShare)> {
    let word = Cell::Word;
    [
        (
            "service_level",
            word("service level", "Servicelevel"),
            &target.service_level,
        ),
        (
            "first_contact",
            word("first contact", "Erstkontakt"),
            &target.first_contact,
        ),
        ("answers", word("answers", "Antworten"), &target.answers),
    ]
    .into_iter()
    .filter_map(|(name, what, share)| Some((name, what, share.as_ref()?)))
}

fn target_json(target: &proto::TargetReport, zone: Tz) -> Value {
    let mut object = json!({ "of": target.of, "as_of": target.as_of });
    if !target.name.is_empty() {
        object["name"] = json!(target.name);
    }
    for (name, _, share) in shares(target) {
        let all =
            |kept: &[proto::KeptShare]| -> Value { kept.iter().map(|it| kept_json(it, zone)).collect() };
        object[name] = share
            .whole
            .as_ref()
            .map_or(json!({}), |whole| kept_json(whole, zone));
        object[name]["target"] = json!(share.target);
        object[name]["intervals"] = all(&share.intervals);
        object[name]["days"] = all(&share.days);
        object[name]["months"] = all(&share.months);
    }
    if let Some(policy) = &target.policy {
        object["service_level"]["policy"] = policy_json(policy);
    }
    if target.answers.is_some() {
        object["answers"]["open"] = json!(target.answers_open);
    }
    object
}

fn kept_json(kept: &proto::KeptShare, zone: Tz) -> Value {
    let mut object = json!({
        "start": time(kept.start_unix_s, zone),
        "end": time(kept.end_unix_s, zone),
        "met": kept.met,
        "of": kept.of,
        "missed": kept.of - kept.met,
        "may_miss": kept.may_miss,
    });
    for (name, value) in [
        ("share", kept.share.map(Value::from)),
        ("kept", kept.kept.map(Value::from)),
        ("used_up", kept.used_up.map(Value::from)),
        ("may_miss_until_end", kept.may_miss_until_end.map(Value::from)),
    ] {
        if let Some(value) = value {
            object[name] = value;
        }
    }
    object
}

fn sheet(
    name: &str,
    answer: &proto::PromiseResponse,
    zone: Tz,
    of: &dyn Fn(&proto::PromisedShare) -> Vec<&proto::KeptShare>,
) -> Sheet {
    let columns = vec![
        Column::new("target", "Zusage für"),
        Column::new("what", "Was"),
        Column::new("from", "Beginn"),
        Column::new("promised", "Zugesagt"),
        Column::new("reached", "Erreicht"),
        Column::new("kept", "Gehalten"),
        Column::new("met", "Erfüllt"),
        Column::new("of", "Von"),
        Column::new("may miss", "Dürfen noch fehlen"),
        Column::new("used up", "Verbraucht"),
        Column::new("until month end", "Bis Monatsende noch"),
        Column::extra("Servicelevel nach"),
        Column::extra("Servicelevel-Version"),
    ];
    let rows = answer.targets.iter().flat_map(|target| {
        shares(target).flat_map(move |(name, what, share)| {
            let policy = target.policy.as_ref().filter(|_| name == "service_level");
            let kept = of(share).into_iter();
            kept.map(move |kept| {
                let mut row = row(&target.name, what.clone(), share.target, kept, zone);
                row.extend(policy_cells(policy));
                row
            })
        })
    });
    let rows = rows.collect();
    Sheet::new(name, columns, rows)
}

fn row(who: &str, what: Cell, target: f64, kept: &proto::KeptShare, zone: Tz) -> Vec<Cell> {
    vec![
        Cell::group(who),
        what,
        Cell::Time(local(kept.start_unix_s, zone)),
        Cell::Share(target),
        Cell::share(kept.share),
        kept.kept.map_or(Cell::Absent, Cell::yes_or_no),
        Cell::Count(kept.met),
        Cell::Count(kept.of),
        Cell::Count(kept.may_miss),
        Cell::share(kept.used_up),
        kept.may_miss_until_end.map_or(Cell::Absent, Cell::Count),
    ]
}

fn policy_cells(policy: Option<&proto::Policy>) -> [Cell; 2] {
    let Some(policy) = policy else {
        return [Cell::Absent, Cell::Absent];
    };
    [
        Cell::Text(policy.name.clone()),
        Cell::Count(i64::from(policy.version)),
    ]
}
