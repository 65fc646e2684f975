//! Totals: groups of counts as they are shown.

use std::collections::BTreeMap;

use domain::counts::{Bin, Figure, Tally};
use domain::ids::HotlineName;
use domain::policy::ServiceLevelPolicy;
use domain::record::TaskType;
use store::calls::GroupTally;
use wire::v1::reporting as proto;

/// The sums of a group: everything but `contacts` of the task types asked for.
#[derive(Default)]
struct Group {
    tally: Tally,
    contacts: i64,
    waiting_within: i64,
}

impl Group {
    fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.contacts += other.contacts;
        self.waiting_within += other.waiting_within;
    }
}

/// Sums by hotline and over all of them.
pub(crate) struct Sums {
    groups: BTreeMap<HotlineName, Group>,
}

impl Sums {
    /// Sums stored groups. `waiting_within` are visits that wait, and not yet longer than the policy's threshold.
    pub(crate) fn of(
        stored: Vec<GroupTally>,
        waiting_within: Vec<(HotlineName, TaskType, i64)>,
        task_types: &[TaskType],
    ) -> Self {
        let mut groups: BTreeMap<HotlineName, Group> = BTreeMap::new();
        for GroupTally {
            hotline,
            task_type,
            tally,
        } in stored
        {
            let group = groups.entry(hotline).or_default();
            group.contacts += tally.counts.get(Figure::Contacts);
            if task_types.contains(&task_type) {
                group.tally.merge(&tally);
            }
        }
        for (hotline, task_type, visits) in waiting_within {
            if task_types.contains(&task_type) {
                groups.entry(hotline).or_default().waiting_within += visits;
            }
        }
        Self { groups }
    }

    pub(crate) fn total(&self, policy: &ServiceLevelPolicy, within: &[u32]) -> proto::Totals {
        let mut total = Group::default();
        for group in self.groups.values() {
            total.merge(group);
        }
        shown("", &total, policy, within)
    }

    pub(crate) fn groups(&self, policy: &ServiceLevelPolicy, within: &[u32]) -> Vec<proto::Totals> {
        self.groups
            .iter()
            .map(|(hotline, group)| shown(hotline.as_str(), group, policy, within))
            .collect()
    }
}

/// A threshold that has an exact answer.
pub(crate) fn lies_on_an_edge(seconds: u32) -> bool {
    Bin::at_edge(i64::from(seconds)).is_some()
}

fn shown(name: &str, group: &Group, policy: &ServiceLevelPolicy, within: &[u32]) -> proto::Totals {
    let Group {
        tally,
        contacts,
        waiting_within,
    } = group;
    let counts = &tally.counts;
    let count_within = |histogram: &domain::counts::Histogram| {
        within
            .iter()
            .map(|seconds| proto::Within {
                seconds: *seconds,
                visits: histogram.within(i64::from(*seconds)).unwrap_or(0),
            })
            .collect()
    };
    proto::Totals {
        group: name.to_owned(),
        contacts: *contacts,
        not_offered: counts.not_offered(),
        offered: counts.get(Figure::Offered),
        answered: counts.get(Figure::Answered),
        abandoned: counts.get(Figure::Abandoned),
        short_abandoned: policy.short_abandoned(&tally.time_to_abandon),
        overflowed: counts.get(Figure::Overflowed),
        diverted: counts.get(Figure::Diverted),
        unresolved: counts.get(Figure::Unresolved),
        waiting: counts.get(Figure::Waiting),
        answered_within: count_within(&tally.time_to_answer),
        abandoned_within: count_within(&tally.time_to_abandon),
        time_to_answer_ms: counts.get(Figure::TimeToAnswerMs),
        time_to_abandon_ms: counts.get(Figure::TimeToAbandonMs),
        talk_ms: counts.get(Figure::TalkMs),
        hold_ms: counts.get(Figure::HoldMs),
        after_call_work_ms: counts.get(Figure::AfterCallWorkMs),
        longest_time_to_answer_ms: tally.longest_time_to_answer_ms,
        service_level: policy.service_level(tally, *waiting_within),
        callbacks_logged: counts.get(Figure::CallbacksLogged),
        answered_without_time: counts.get(Figure::AnsweredWithoutTime),
    }
}
