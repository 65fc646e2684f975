//! The service level that was promised for each queue that is shown, and how it stands.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::counts::Tally;
use domain::figures::{FiguresRules, Target, TargetScope};
use domain::ids::HotlineName;
use domain::policy::Share;
use domain::rulebook::Rulebook;
use store::history::PeriodTally;
use wire::v1::reporting as proto;

use super::LiveParts;
use super::feed::Taken;
use super::running::{Running, has};
use super::shown::Watched;
use crate::scope::{self, Grouping, Policy};

/// The name under which all queues together stand.
const ALL: &str = "";

/// A target, and how its figures stand.
struct Standing<'a> {
    target: &'a Target,
    policy: Policy,
    interval: Share,
    day: Share,
}

/// The targets of the queues, by the name of the queue; a queue without a target is left out.
pub(super) fn of(
    watched: &Watched,
    parts: &LiveParts,
    book: &Rulebook,
    taken: &Taken,
    running: Running,
    (interval, day): (&[PeriodTally], &[PeriodTally]),
) -> BTreeMap<String, proto::QueueTarget> {
    let mut standing = Standings {
        watched,
        parts,
        rules: &book.figures,
        queues: BTreeMap::new(),
    };
    // A hotline that nobody has called yet has its target already.
    for hotline in book.routing.hotlines() {
        standing.each(&hotline.name, |_, _| {});
    }
    let moment = &taken.moment;
    standing.add(interval, |standing| &mut standing.interval);
    standing.add(day, |standing| &mut standing.day);
    // Nothing can be told yet of those who have not waited for the threshold.
    for visit in moment.visits.iter().filter(|visit| visit.live.phase.is_waiting()) {
        if !watched.task_types.contains(&visit.task_type) {
            continue;
        }
        let in_interval = has(running.interval, visit.offered_at);
        let in_day = has(running.day, visit.offered_at);
        standing.each(&visit.hotline, |standing, hotline| {
            let policy = standing.policy.of(Some(hotline));
            if taken.at - visit.offered_at > TimeDelta::seconds(policy.threshold_seconds) {
                return;
            }
            let left_out = policy.measure(&Tally::default(), 1);
            if in_interval {
                standing.interval += left_out;
            }
            if in_day {
                standing.day += left_out;
            }
        });
    }
    let queues = standing.queues.into_iter();
    queues
        .filter_map(|(name, it)| Some((name, it?.shown()?)))
        .collect()
}

struct Standings<'a> {
    watched: &'a Watched,
    parts: &'a LiveParts,
    rules: &'a FiguresRules,
    queues: BTreeMap<String, Option<Standing<'a>>>,
}

impl<'a> Standings<'a> {
    fn add(&mut self, rows: &[PeriodTally], of: for<'b> fn(&'b mut Standing<'a>) -> &'b mut Share) {
        for row in rows {
            let Some(hotline) = &row.hotline else { continue };
            if self.watched.task_types.contains(&row.task_type) {
                self.each(hotline, |standing, hotline| {
                    let share = standing.policy.of(Some(hotline)).measure(&row.tally, 0);
                    *of(standing) += share;
                });
            }
        }
    }

    /// The hotline's queue, and all together, as far as something was promised for them.
    fn each(&mut self, hotline: &HotlineName, mut act: impl FnMut(&mut Standing<'a>, &HotlineName)) {
        if !self.watched.is_watched(hotline) {
            return;
        }
        let own = self.watched.group(self.rules, hotline);
        for name in [ALL, &own] {
            if !self.queues.contains_key(name) {
                let standing = self.standing(name, hotline);
                self.queues.insert(name.to_owned(), standing);
            }
            if let Some(Some(standing)) = self.queues.get_mut(name) {
                act(standing, hotline);
            }
        }
    }

    /// The target that a queue is under: its own, else its group's, else that of all.
    fn standing(&self, name: &str, hotline: &HotlineName) -> Option<Standing<'a>> {
        let group = self.rules.group_of(hotline).map(|group| group.name.as_str());
        let rank = |scope: &TargetScope| match scope {
            TargetScope::Hotline(own) if self.watched.by != Grouping::Group || group.is_none() => {
                (own.as_str() == name).then_some(3)
            }
            TargetScope::Hotline(_) => None,
            TargetScope::Group(own) => (name != ALL && group == Some(own)).then_some(2),
            TargetScope::All => Some(1),
        };
        let targets = self.rules.targets().iter();
        let promised = targets.filter(|target| target.service_level.is_some());
        let target = promised
            .filter_map(|target| Some((rank(&target.scope)?, target)))
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, target)| target)?;
        let base = &self.parts.figures.policy;
        let usual = scope::policy("", self.rules, base).ok()?;
        Some(Standing {
            target,
            policy: scope::promised(target.service_level.as_ref(), usual, self.rules, base),
            interval: Share::default(),
            day: Share::default(),
        })
    }
}

impl Standing<'_> {
    fn shown(&self) -> Option<proto::QueueTarget> {
        let of = match self.target.scope {
            TargetScope::All => "all",
            TargetScope::Group(_) => "group",
            TargetScope::Hotline(_) => "hotline",
        };
        Some(proto::QueueTarget {
            of: of.to_owned(),
            name: self.target.scope.name().to_owned(),
            share: self.target.service_level.as_ref()?.share,
            policy: Some(self.policy.shown()),
            interval_met: self.interval.met,
            interval_of: self.interval.of,
            day_met: self.day.met,
            day_of: self.day.of,
        })
    }
}
