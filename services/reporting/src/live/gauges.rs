//! The moment as metrics. Labels are hotlines of the rules; the others share one, so that a feed gone astray cannot make
//! labels without end.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::counts::{Figure, Histogram, HistogramKind};
use domain::ids::HotlineName;
use domain::live::{Activity, Phase, activities};
use domain::local_time;
use domain::record::TaskType;
use domain::rulebook::Rulebook;
use metrics::{describe_gauge, describe_histogram, gauge, histogram};
use store::live::Moment;

use super::LiveParts;
use super::feed::Taken;
use super::targets::{self, TargetGauges};
use crate::agents_shown::AgentsShown;

const WAITING: &str = "nrwdirekt_queue_waiting";
const LONGEST_WAIT: &str = "nrwdirekt_queue_longest_wait_seconds";
const IN_CONVERSATION: &str = "nrwdirekt_queue_in_conversation";
const AGENTS: &str = "nrwdirekt_agents";
const DAY_VISITS: &str = "nrwdirekt_day_visits";
const DAY_OFFERED: &str = "nrwdirekt_day_offered";
const LEVEL_MET: &str = "nrwdirekt_day_service_level_met";
const LEVEL_OF: &str = "nrwdirekt_day_service_level_of";
const TIME_TO_ANSWER: &str = "nrwdirekt_time_to_answer_seconds";
const TIME_TO_ABANDON: &str = "nrwdirekt_time_to_abandon_seconds";

/// The label of hotlines that the rules do not know.
const OTHERS: &str = "other";

/// Outcomes of visits, which add up to those that were offered.
const OUTCOMES: [Figure; 6] = [
    Figure::Answered,
    Figure::Abandoned,
    Figure::Overflowed,
    Figure::Diverted,
    Figure::Unresolved,
    Figure::Waiting,
];

/// Describes the metrics to whatever exports them.
pub fn describe() {
    targets::describe();
    describe_gauge!(WAITING, "Visits that wait now, by hotline");
    describe_gauge!(
        LONGEST_WAIT,
        "How long the visit that waits longest has waited, by hotline; 0 when nobody waits"
    );
    describe_gauge!(
        IN_CONVERSATION,
        "Visits in conversation or on hold now, by hotline"
    );
    describe_gauge!(
        AGENTS,
        "Agents who are there, by activity: ready, talking, after_call_work, paused; NaN while fewer than agents.smallest_group"
    );
    describe_gauge!(
        DAY_VISITS,
        "Visits offered since local midnight, by hotline and outcome"
    );
    describe_gauge!(DAY_OFFERED, "Visits offered since local midnight, by hotline");
    describe_gauge!(
        LEVEL_MET,
        "Visits since local midnight that count as met by the default policy, by hotline"
    );
    describe_gauge!(
        LEVEL_OF,
        "Visits since local midnight that the service level is a share of, by hotline"
    );
    describe_histogram!(
        TIME_TO_ANSWER,
        "Times to answer of visits counted while this instance ran, rounded up to whole seconds; reports are exact"
    );
    describe_histogram!(
        TIME_TO_ABANDON,
        "Times to abandon of visits counted while this instance ran, rounded up to whole seconds; reports are exact"
    );
}

/// Times to answer and to abandon, by label.
type Times = BTreeMap<String, [Histogram; 2]>;

/// What was set last.
#[derive(Default)]
pub(super) struct Gauges {
    /// The times of the day that was last seen.
    seen: Option<(NaiveDate, Times)>,
    targets: TargetGauges,
}

/// What is set for a label.
#[derive(Default)]
struct Figures {
    waiting: i64,
    in_conversation: i64,
    longest_ms: i64,
    outcomes: [i64; OUTCOMES.len()],
    offered: i64,
    met: i64,
    of: i64,
    times: [Histogram; 2],
}

impl Gauges {
    pub(super) fn set(&mut self, parts: &LiveParts, taken: &Taken) {
        let book = (parts.figures.rules)();
        self.targets.set(parts, &book, taken);
        let figures = by_label(parts, &book, taken);
        for (label, figures) in &figures {
            figures.set(label);
        }
        set_agents(&taken.moment, &parts.agents);
        let day = local_time::day_of(taken.at);
        let times = |(label, figures): (String, Figures)| (label, figures.times);
        let times: Times = figures.into_iter().map(times).collect();
        match &self.seen {
            Some((of, before)) if *of == day => record_growth(before, &times),
            Some(_) => record_growth(&Times::new(), &times),
            // What was counted before this instance looked is not told.
            None => {}
        }
        self.seen = Some((day, times));
    }
}

fn by_label(parts: &LiveParts, book: &Rulebook, taken: &Taken) -> BTreeMap<String, Figures> {
    let label = |hotline: &HotlineName| match book.routing.has_hotline(hotline) {
        true => hotline.to_string(),
        false => OTHERS.to_owned(),
    };
    let known = book.routing.hotlines().iter().map(|hotline| &hotline.name);
    let mut labels: BTreeMap<String, Figures> =
        known.map(|name| (name.to_string(), Figures::default())).collect();
    labels.entry(OTHERS.to_owned()).or_default();
    let is_call = |task_type| task_type == TaskType::InboundCall;
    for visit in taken
        .moment
        .visits
        .iter()
        .filter(|visit| is_call(visit.task_type))
    {
        let figures = labels.entry(label(&visit.hotline)).or_default();
        match visit.live.phase {
            Phase::Queued | Phase::Ringing => {
                figures.waiting += 1;
                let waited_ms = (taken.at - visit.offered_at).num_milliseconds();
                figures.longest_ms = figures.longest_ms.max(waited_ms);
            }
            Phase::Talking | Phase::OnHold => figures.in_conversation += 1,
            Phase::AfterCallWork => {}
        }
    }
    let Ok(policy) = crate::scope::policy("", &book.figures, &parts.figures.policy) else {
        return labels;
    };
    for row in taken.moment.day.iter().filter(|row| is_call(row.task_type)) {
        let Some(hotline) = &row.hotline else { continue };
        let figures = labels.entry(label(hotline)).or_default();
        let share = policy.of(Some(hotline)).measure(&row.tally, 0);
        figures.met += share.met;
        figures.of += share.of;
        figures.offered += row.tally.counts.get(Figure::Offered);
        for (sum, outcome) in figures.outcomes.iter_mut().zip(OUTCOMES) {
            *sum += row.tally.counts.get(outcome);
        }
        for (times, kind) in figures.times.iter_mut().zip(HistogramKind::ALL) {
            times.add_all(row.tally.histogram(kind), 1);
        }
    }
    labels
}

impl Figures {
    fn set(&self, label: &str) {
        let set = |name: &'static str, value: f64| gauge!(name, "hotline" => label.to_owned()).set(value);
        set(WAITING, self.waiting as f64);
        set(IN_CONVERSATION, self.in_conversation as f64);
        set(DAY_OFFERED, self.offered as f64);
        set(LEVEL_MET, self.met as f64);
        set(LEVEL_OF, self.of as f64);
        set(LONGEST_WAIT, self.longest_ms as f64 / 1000.0);
        for (visits, outcome) in self.outcomes.iter().zip(OUTCOMES) {
            gauge!(DAY_VISITS, "hotline" => label.to_owned(), "outcome" => outcome.name())
                .set(*visits as f64);
        }
    }
}

fn set_agents(moment: &Moment, shown: &AgentsShown) {
    let live = moment.visits.iter().map(|visit| (&visit.hotline, &visit.live));
    let doing = activities(&moment.agents, live);
    for activity in Activity::ALL {
        let agents = doing.values().filter(|agent| agent.activity == *activity);
        gauge!(AGENTS, "activity" => activity.name()).set(told(agents.count(), doing.len(), shown));
    }
}

/// So many of all agents; not a number where all are too few to be told of.
fn told(agents: usize, of_all: usize, shown: &AgentsShown) -> f64 {
    match shown.are_too_few(of_all) {
        true => f64::NAN,
        false => agents as f64,
    }
}

/// Times that were counted since; a correction that takes some away is not told.
fn record_growth(before: &Times, now: &Times) {
    for (label, times) in now {
        for (place, name) in [TIME_TO_ANSWER, TIME_TO_ABANDON].into_iter().enumerate() {
            let mut growth = times[place].clone();
            if let Some(before) = before.get(label) {
                growth.add_all(&before[place], -1);
            }
            for (bin, visits) in growth.bins().filter(|(_, visits)| *visits > 0) {
                let seconds = f64::from(bin.edge_seconds());
                histogram!(name, "hotline" => label.clone())
                    .record_many(seconds, usize::try_from(visits).unwrap_or(0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_agents_are_not_told_of() {
        let shown = AgentsShown {
            smallest_group: 5,
            ..AgentsShown::off()
        };
        assert!(told(0, 4, &shown).is_nan() && told(4, 4, &shown).is_nan());
        for (agents, of_all) in [(0, 5), (3, 5), (0, 0)] {
            assert_eq!(told(agents, of_all, &shown).to_bits(), (agents as f64).to_bits());
        }
    }
}
