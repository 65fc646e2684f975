//! A visit while it is being told.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::event::Measured;
use crate::ids::{AgentName, VisitKey};
use crate::live::{Live, Phase};
use crate::record::LONGEST_DURATION_MS;
use crate::visit::{Outcome, Visit};

/// A span of time that may still be running, summed over its pieces.
#[derive(Clone, Copy, Default)]
pub(super) struct Stopwatch {
    total_ms: i64,
    since: Option<DateTime<Utc>>,
    ran: bool,
}

impl Stopwatch {
    pub(super) fn start(&mut self, at: DateTime<Utc>) {
        self.ran = true;
        self.since.get_or_insert(at);
    }

    pub(super) fn stop(&mut self, at: DateTime<Utc>) {
        if let Some(since) = self.since.take() {
            self.total_ms += (at - since).num_milliseconds().max(0);
        }
    }

    pub(super) fn since(self) -> Option<DateTime<Utc>> {
        self.since
    }

    pub(super) fn is_running(self) -> bool {
        self.since.is_some()
    }

    pub(super) fn total(self) -> Option<i64> {
        (self.ran && self.since.is_none()).then_some(self.total_ms)
    }
}

/// A visit while it is being told.
#[derive(Clone)]
pub(super) struct OpenVisit {
    /// The source's name of it, where the source tells visits apart.
    pub(super) key: Option<VisitKey>,
    pub(super) visit: Visit,
    pub(super) ringing_since: Option<DateTime<Utc>>,
    /// Who rings or has the call.
    pub(super) with: Option<AgentName>,
    pub(super) talk: Stopwatch,
    pub(super) hold: Stopwatch,
    /// Of every agent who had the call in this visit.
    pub(super) after_call_work: BTreeMap<Option<AgentName>, Stopwatch>,
    pub(super) consult: Stopwatch,
    /// Talk and hold together, as the source measured them.
    engaged_ms: Option<i64>,
    /// The source lost the end.
    lost: bool,
}

impl OpenVisit {
    pub(super) fn new(visit: Visit, key: Option<VisitKey>) -> Self {
        Self {
            key,
            visit,
            ringing_since: None,
            with: None,
            talk: Stopwatch::default(),
            hold: Stopwatch::default(),
            after_call_work: BTreeMap::new(),
            consult: Stopwatch::default(),
            engaged_ms: None,
            lost: false,
        }
    }

    /// Whether it has not left the queue, as far as is told: an end that came after all wins over a lost one.
    pub(super) fn in_queue(&self) -> bool {
        self.visit.outcome == Outcome::Waiting || (self.lost && self.visit.outcome == Outcome::Unresolved)
    }

    /// Whether its end may still come.
    pub(super) fn awaits_end(&self) -> bool {
        !self.lost && (self.in_queue() || self.is_talking())
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// The source will not tell the end.
    pub(super) fn lose_end(&mut self) {
        if self.awaits_end() {
            self.lost = true;
            if self.visit.outcome == Outcome::Waiting {
                self.visit.outcome = Outcome::Unresolved;
            }
        }
    }

    /// What the source measured of the queue wins.
    pub(super) fn waited(&mut self, measured: Measured) {
        self.visit.wait_ms = measured.wait_ms.or(self.visit.wait_ms);
        self.visit.ring_ms = measured.ring_ms.or(match measured.wait_ms {
            // A wait alone is the whole time in the queue.
            Some(_) => Some(0),
            None => self.visit.ring_ms,
        });
    }

    /// What the source measured of the conversation.
    pub(super) fn engaged(&mut self, measured: Measured) {
        self.engaged_ms = measured.engaged_ms.or(self.engaged_ms);
    }

    /// The visit leaves the queue: its wait ended when the last ringing began, or now.
    pub(super) fn leave_queue(&mut self, at: DateTime<Utc>, outcome: Outcome) {
        let wait_end = self.ringing_since.unwrap_or(at);
        self.visit.wait_ms = Some((wait_end - self.visit.offered_at).num_milliseconds().max(0));
        self.visit.ring_ms = Some((at - wait_end).num_milliseconds().max(0));
        self.visit.outcome = outcome;
        self.ringing_since = None;
        self.lost = false;
    }

    /// The agent is out of the call: conversation, hold and consultation are over.
    pub(super) fn stop_talking(&mut self, at: DateTime<Utc>) {
        self.talk.stop(at);
        self.hold.stop(at);
        self.consult.stop(at);
        self.lost = false;
    }

    pub(super) fn is_talking(&self) -> bool {
        self.talk.is_running() || self.hold.is_running()
    }

    /// Where it stands, while it is not over as far as is told.
    pub(super) fn live(&self) -> Option<Live> {
        if self.lost {
            return None;
        }
        if self.in_queue() {
            let ringing = self.ringing_since.map(|since| (Phase::Ringing, since));
            let (phase, since) = ringing.unwrap_or((Phase::Queued, self.visit.offered_at));
            return Some(Live {
                phase,
                since,
                agent: self.with.clone().filter(|_| phase == Phase::Ringing),
            });
        }
        let on_hold = self.hold.since().map(|since| (Phase::OnHold, since));
        let talking = self.talk.since().map(|since| (Phase::Talking, since));
        if let Some((phase, since)) = on_hold.or(talking) {
            return Some(Live {
                phase,
                since,
                agent: self.with.clone(),
            });
        }
        let at_work = |(agent, work): (&Option<AgentName>, &Stopwatch)| {
            Some(Live {
                phase: Phase::AfterCallWork,
                since: work.since()?,
                agent: agent.clone(),
            })
        };
        self.after_call_work.iter().find_map(at_work)
    }

    /// The visit as it stands.
    pub(super) fn snapshot(&self) -> Visit {
        self.clone().finished().0
    }

    /// The visit, and whether a duration in it cannot be and is therefore absent.
    pub(super) fn finished(mut self) -> (Visit, bool) {
        self.visit.live = self.live();
        if self.visit.outcome == Outcome::Answered {
            let complete = !self.is_talking();
            let (talk_ms, hold_ms) = (self.talk.total_ms, self.hold.total_ms);
            let talk_ms = match self.engaged_ms {
                Some(engaged_ms) => Some((engaged_ms - hold_ms).max(0)),
                None => Some(talk_ms).filter(|_| self.talk.ran),
            };
            self.visit.talk_ms = talk_ms.filter(|_| complete);
            self.visit.hold_ms = complete.then_some(hold_ms);
            let finished = self.after_call_work.values().filter_map(|work| work.total());
            self.visit.after_call_work_ms = finished.reduce(|sum, work_ms| sum + work_ms);
            self.visit.consult_talk_ms = self.consult.total_ms;
        }
        let visit = &mut self.visit;
        let mut implausible = false;
        for duration in [
            &mut visit.wait_ms,
            &mut visit.ring_ms,
            &mut visit.talk_ms,
            &mut visit.hold_ms,
            &mut visit.after_call_work_ms,
        ] {
            if duration.is_some_and(|duration_ms| duration_ms > LONGEST_DURATION_MS) {
                *duration = None;
                implausible = true;
            }
        }
        if visit.consult_talk_ms > LONGEST_DURATION_MS {
            visit.consult_talk_ms = 0;
            implausible = true;
        }
        (self.visit, implausible)
    }
}
