//! A queue as a tile: figures, and whether all is well, in a word.

use sha2::{Digest as _, Sha256};
use wire::v1::reporting as proto;

use crate::format;

/// How a queue stands, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Somebody waits longer than was promised, and the day is below its target.
    LateAndBelow,
    /// Somebody waits longer than was promised.
    Late,
    /// The day is below its target.
    Below,
    /// Somebody called, and the target is kept.
    Kept,
    /// Nothing to hold to a target yet, or no target.
    Neutral,
}

impl Standing {
    /// In words, because colour alone tells nothing.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::LateAndBelow => "wartet lange, unter Ziel",
            Self::Late => "wartet lange",
            Self::Below => "unter Ziel",
            Self::Kept => "Ziel gehalten",
            Self::Neutral => "noch keine Aussage",
        }
    }

    /// The class of its colour.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::LateAndBelow | Self::Below => "bad",
            Self::Late => "warning",
            Self::Kept => "good",
            Self::Neutral => "plain",
        }
    }

    /// Whether somebody should look.
    pub(super) fn is_trouble(self) -> bool {
        self <= Self::Below
    }
}

/// A queue as it is drawn. Two that are equal need not be told again: waiting times are told by when they began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tile {
    /// In the page.
    pub(super) id: String,
    /// Of the hotline or group; empty for all.
    pub(super) name: String,
    /// It is a group of the rules, not a hotline.
    pub(super) is_group: bool,
    pub(super) standing: Standing,
    pub(super) waiting: i64,
    pub(super) ringing: i64,
    pub(super) talking: i64,
    pub(super) on_hold: i64,
    pub(super) after_call_work: i64,
    /// Since when the one who waits longest waits, in milliseconds since 1970.
    pub(super) longest_since_ms: Option<i64>,
    /// None: too few to be told of.
    pub(super) agents: Option<proto::AgentCounts>,
    pub(super) offered: i64,
    pub(super) answered: i64,
    pub(super) abandoned: i64,
    /// The service level of the running interval and day, by the target's policy where there is a target.
    pub(super) level_interval: Option<f64>,
    pub(super) level_day: Option<f64>,
    /// The promise: share and seconds.
    pub(super) target: Option<(f64, u32)>,
    /// The policy that the levels are by.
    pub(super) policy: String,
}

/// A number of agents, or a dash where they are too few to be told of.
pub(super) fn told(agents: Option<&proto::AgentCounts>, of: fn(&proto::AgentCounts) -> i64) -> String {
    agents.map_or_else(|| "–".to_owned(), |agents| of(agents).to_string())
}

impl Tile {
    /// Those who wait for a call.
    pub(super) fn ready(&self) -> String {
        told(self.agents.as_ref(), |agents| agents.ready)
    }

    /// Those who pause.
    pub(super) fn paused(&self) -> String {
        told(self.agents.as_ref(), |agents| agents.paused)
    }

    pub(super) fn of(queue: &proto::Queue, at_ms: i64, usual: &proto::Policy, is_group: bool) -> Self {
        let day = queue.day.clone().unwrap_or_default();
        let interval = queue.interval.as_ref();
        let share = |met: i64, of: i64| (of > 0).then(|| met as f64 / of as f64);
        let target = queue.target.as_ref();
        let policy = target.and_then(|target| target.policy.as_ref()).unwrap_or(usual);
        let (level_interval, level_day) = match target {
            Some(target) => (
                share(target.interval_met, target.interval_of),
                share(target.day_met, target.day_of),
            ),
            None => (interval.and_then(|it| it.service_level), day.service_level),
        };
        let is_below = target.is_some_and(|target| level_day.is_some_and(|level| level < target.share));
        let seconds = own_threshold(policy, &queue.group);
        let is_late = queue
            .longest_wait_ms
            .is_some_and(|ms| ms > i64::from(seconds) * 1000);
        Self {
            id: id(&queue.group),
            name: queue.group.clone(),
            is_group,
            standing: match (is_late, is_below) {
                (true, true) => Standing::LateAndBelow,
                (true, false) => Standing::Late,
                (false, true) => Standing::Below,
                (false, false) if target.is_some() && level_day.is_some() => Standing::Kept,
                (false, false) => Standing::Neutral,
            },
            waiting: queue.waiting,
            ringing: queue.ringing,
            talking: queue.talking,
            on_hold: queue.on_hold,
            after_call_work: queue.after_call_work,
            // A tenth of a second is as exact as two looks at the same wait agree.
            longest_since_ms: queue.longest_wait_ms.map(|ms| (at_ms - ms) / 100 * 100),
            agents: queue.agents,
            offered: day.offered,
            answered: day.answered,
            abandoned: day.abandoned,
            level_interval,
            level_day,
            target: target.map(|target| (target.share, seconds)),
            policy: format!("{} v{}", policy.name, policy.version),
        }
    }

    /// What it is called.
    pub(super) fn title(&self) -> &str {
        match self.name.as_str() {
            "" => "Alle Hotlines",
            name => name,
        }
    }

    /// How long the longest wait is at a moment.
    pub(super) fn longest(&self, at_ms: &i64) -> String {
        format::duration(self.longest_since_ms.map(|since_ms| at_ms - since_ms))
    }

    /// The query of the calls of the running day behind a figure.
    pub(super) fn link(&self, outcome: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("zeitraum", "heute");
        match (self.name.as_str(), self.is_group) {
            ("", _) => {}
            (name, true) => drop(query.append_pair("gruppe", name)),
            (name, false) => drop(query.append_pair("hotline", name)),
        }
        if !outcome.is_empty() {
            query.append_pair("ergebnis", outcome);
        }
        query.finish()
    }

    /// The promise in words.
    pub(super) fn promise(&self) -> String {
        self.target.map_or_else(
            || "kein Ziel vereinbart".to_owned(),
            |(share, seconds)| {
                let share = format::percent(Some(share)).replace(",0", "");
                format!("Ziel {share} in {seconds} s")
            },
        )
    }
}

fn own_threshold(policy: &proto::Policy, hotline: &str) -> u32 {
    let own = policy.hotline_threshold_seconds.get(hotline);
    own.copied().unwrap_or(policy.threshold_seconds)
}

/// A name for the page that any hotline's name becomes.
fn id(name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    let digits: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("q-{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(met: i64, of: i64, longest_wait_ms: Option<i64>) -> proto::Queue {
        proto::Queue {
            group: "Bürgertelefon".to_owned(),
            longest_wait_ms,
            target: Some(proto::QueueTarget {
                share: 0.75,
                policy: Some(proto::Policy {
                    threshold_seconds: 30,
                    ..proto::Policy::default()
                }),
                day_met: met,
                day_of: of,
                ..proto::QueueTarget::default()
            }),
            ..proto::Queue::default()
        }
    }

    #[test]
    fn a_queue_is_told_by_a_word_as_well_as_by_a_colour() {
        let standing =
            |met, of, wait| Tile::of(&queue(met, of, wait), 0, &proto::Policy::default(), false).standing;
        assert_eq!(standing(75, 100, None), Standing::Kept);
        assert_eq!(standing(74, 100, None), Standing::Below);
        assert_eq!(standing(75, 100, Some(30_000)), Standing::Kept);
        assert_eq!(standing(75, 100, Some(30_001)), Standing::Late);
        assert_eq!(standing(0, 1, Some(31_000)), Standing::LateAndBelow);
        assert_eq!(standing(0, 0, None), Standing::Neutral);
    }

    #[test]
    fn a_wait_that_only_grows_is_nothing_new() {
        let usual = proto::Policy::default();
        let before = Tile::of(&queue(1, 1, Some(1_000)), 50_000, &usual, false);
        let after = Tile::of(&queue(1, 1, Some(2_000)), 51_000, &usual, false);
        assert_eq!(before, after);
        assert_eq!(
            (before.longest(&50_000), after.longest(&51_000)),
            ("0:01".to_owned(), "0:02".to_owned())
        );
    }
}
