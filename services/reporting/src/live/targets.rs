//! The targets of the rules and service time as metrics, so that rules of alerts need not know either.

use std::collections::BTreeSet;

use domain::figures::{Target, TargetScope};
use domain::policy::Share;
use domain::record::TaskType;
use domain::rulebook::Rulebook;
use metrics::{describe_gauge, gauge};

use super::LiveParts;
use super::feed::Taken;
use crate::scope;

const SERVICE_TIME: &str = "nrwdirekt_service_time";
const TARGET: &str = "nrwdirekt_target_service_level";
const TARGET_MET: &str = "nrwdirekt_target_met";
const TARGET_OF: &str = "nrwdirekt_target_of";

/// The name of the target of all hotlines together. A hotline may be called so too: its targets are `of="hotline"`.
const ALL: &str = "all";

/// What a target is of: all, group or hotline; and its name.
type Label = (&'static str, String);

/// Describes the metrics to whatever exports them.
pub(super) fn describe() {
    describe_gauge!(SERVICE_TIME, "1 in service time by the rules, else 0");
    describe_gauge!(
        TARGET,
        "The service level that was promised, 0 to 1, by target: of all hotlines, a group or a hotline"
    );
    describe_gauge!(
        TARGET_MET,
        "Visits since local midnight that count as met by the policy of the target, by target"
    );
    describe_gauge!(
        TARGET_OF,
        "Visits since local midnight that the service level of the target is a share of, by target"
    );
}

/// What was set last.
#[derive(Default)]
pub(super) struct TargetGauges {
    labels: BTreeSet<Label>,
}

impl TargetGauges {
    pub(super) fn set(&mut self, parts: &LiveParts, book: &Rulebook, taken: &Taken) {
        let is_open = book.routing.calendar().is_open(taken.at);
        gauge!(SERVICE_TIME).set(f64::from(u8::from(is_open)));
        let mut gone = std::mem::take(&mut self.labels);
        for target in book.figures.targets() {
            let Some(level) = &target.service_level else {
                continue;
            };
            let share = share(parts, book, taken, target);
            let label = label(&target.scope);
            set(&label, level.share, share);
            gone.remove(&label);
            self.labels.insert(label);
        }
        // What is promised no more is missed no more.
        for label in gone {
            set(&label, 0.0, Share::default());
        }
    }
}

fn label(scope: &TargetScope) -> Label {
    let name = match scope {
        TargetScope::All => ALL.to_owned(),
        TargetScope::Group(_) | TargetScope::Hotline(_) => scope.name().to_owned(),
    };
    (scope.kind(), name)
}

fn set((of, name): &Label, target: f64, share: Share) {
    let set = |gauge: &'static str, value: f64| {
        gauge!(gauge, "of" => *of, "target" => name.clone()).set(value);
    };
    set(TARGET, target);
    set(TARGET_MET, share.met as f64);
    set(TARGET_OF, share.of as f64);
}

/// The calls of the running day that a target looks at.
fn share(parts: &LiveParts, book: &Rulebook, taken: &Taken, target: &Target) -> Share {
    let figures = &book.figures;
    let base = &parts.figures.policy;
    let Ok(usual) = scope::policy("", figures, base) else {
        return Share::default();
    };
    let policy = scope::promised(target.service_level.as_ref(), usual, figures, base);
    let looked_at = figures.hotlines_of(&target.scope);
    let mut sum = Share::default();
    for row in &taken.moment.day {
        let Some(hotline) = &row.hotline else { continue };
        let is_meant = looked_at
            .as_ref()
            .is_none_or(|hotlines| hotlines.contains(hotline));
        if is_meant && row.task_type == TaskType::InboundCall {
            sum += policy.of(Some(hotline)).measure(&row.tally, 0);
        }
    }
    sum
}
