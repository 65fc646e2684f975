//! A day on the floor: callers queue, agents answer, one event after the other.

mod agents;
mod desk;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use chrono::NaiveDate;
use domain::event::{EndedBy, EventKind, OverflowTarget};
use domain::ids::{AgentName, HotlineName};
use domain::record::{ConnectionStatus, TaskType};

use crate::arrivals::{Arrival, DayBounds};
use crate::call::{Call, SimulatedCallback};
use crate::conversation::Ending;
use crate::dice::{Dice, Stream};
use crate::profile::Profile;
use agents::Agents;

/// Share of the callers outside the service hours that leave a voice message.
const MESSAGE_OUT_OF_HOURS_SHARE: f64 = 0.04;
/// How long another site needs on average until it takes a call that overflowed to it.
const OTHER_SITE_WAIT_MS: f64 = 20_000.0;

/// Something that will happen. `visit` and `ring` are the ordinals for which it was meant: a call that has moved on
/// since ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    Close,
    Arrive(usize),
    Announced(usize),
    Queue {
        call: usize,
        hotline: usize,
        overflowed_in: bool,
    },
    Overflow {
        call: usize,
        visit: usize,
    },
    VoiceMessage {
        call: usize,
        visit: usize,
    },
    HangUp {
        call: usize,
        visit: usize,
    },
    OtherSiteRings {
        call: usize,
        visit: usize,
    },
    RingOver {
        call: usize,
        ring: u32,
    },
    TalkOver(usize),
    /// Comes, or comes back from a break.
    Start(usize),
    /// Is done with a call.
    Free(usize),
}

/// Where somebody answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Desk {
    /// Position among the agents of the house.
    House(usize),
    /// At another site, which is not simulated.
    OtherSite(AgentName),
}

/// Where a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Announcement,
    Waiting,
    WaitingElsewhere,
    Ringing { desk: Desk, answered: bool },
    Talking { desk: Desk, ending: Ending },
    Moving,
    Over,
}

/// A call with what the simulation knows about the citizen.
struct Played {
    call: Call,
    state: State,
    arrival: Arrival,
    /// The hotline whose queue it is or was in.
    hotline: usize,
    ring: u32,
    callback: Option<SimulatedCallback>,
}

/// The day while it is played.
pub(crate) struct Floor<'a> {
    profile: &'a Profile,
    names: &'a [HotlineName],
    bounds: DayBounds,
    call_ids: crate::simulation::CallIds,
    dice: Dice,
    people: Dice,
    agenda: BinaryHeap<Reverse<(i64, u64, Action)>>,
    planned: u64,
    calls: Vec<Played>,
    queues: Vec<VecDeque<usize>>,
    agents: Agents,
}

impl<'a> Floor<'a> {
    /// An empty floor with the calls of the day ahead of it.
    pub(crate) fn new(
        seed: u64,
        date: NaiveDate,
        profile: &'a Profile,
        names: &'a [HotlineName],
        call_ids: crate::simulation::CallIds,
    ) -> Self {
        let bounds = DayBounds::of(date, profile);
        let agents = Agents::of_day(date, profile, &bounds);
        let mut floor = Self {
            profile,
            names,
            bounds,
            call_ids,
            dice: Dice::of_day(seed, date, Stream::Floor),
            people: Dice::of_day(seed, date, Stream::People),
            agenda: BinaryHeap::new(),
            planned: 0,
            calls: Vec::new(),
            queues: vec![VecDeque::new(); names.len()],
            agents,
        };
        if let Some((_, closes)) = bounds.service {
            floor.plan(closes, Action::Close);
        }
        for (at, agent) in floor.agents.starts() {
            floor.plan(at, Action::Start(agent));
        }
        for arrival in crate::arrivals::of_day(seed, date, &bounds, profile) {
            floor.expect(arrival);
        }
        floor
    }

    /// Plays the day to the end of its last call. The calls come in the order of their ids.
    pub(crate) fn play(mut self) -> Vec<(Call, Option<SimulatedCallback>)> {
        while let Some(Reverse((at, _, action))) = self.agenda.pop() {
            match action {
                Action::Close => self.close(at),
                Action::Arrive(call) => self.arrive(call),
                Action::Announced(call) => self.announced(at, call),
                Action::Queue {
                    call,
                    hotline,
                    overflowed_in,
                } => self.join(at, call, hotline, overflowed_in),
                Action::Overflow { call, visit } => self.overflow(at, call, visit),
                Action::VoiceMessage { call, visit } => self.leave_voice_message(at, call, visit),
                Action::HangUp { call, visit } => self.hang_up(at, call, visit),
                Action::OtherSiteRings { call, visit } => self.other_site_rings(at, call, visit),
                Action::RingOver { call, ring } => self.ring_over(at, call, ring),
                Action::TalkOver(call) => self.talk_over(at, call),
                Action::Start(agent) => self.free(at, agent, false),
                Action::Free(agent) => self.free(at, agent, true),
            }
        }
        self.calls
            .into_iter()
            .map(|played| (played.call, played.callback))
            .collect()
    }

    fn plan(&mut self, at: i64, action: Action) {
        self.planned += 1;
        self.agenda.push(Reverse((at, self.planned, action)));
    }

    /// A citizen will call.
    fn expect(&mut self, arrival: Arrival) {
        let hotline = arrival.hotline;
        let dialled = self.profile.hotlines[hotline].dialled_address.clone();
        let mut call = Call::new(
            arrival.at,
            TaskType::InboundCall,
            self.names[hotline].clone(),
            dialled,
        );
        call.caller = Some(arrival.caller.clone());
        call.direct_topic_dial = arrival.direct_topic_dial;
        call.customer_record_count = self.people.below(4) as u32;
        self.plan(arrival.at, Action::Arrive(self.calls.len()));
        self.calls.push(Played {
            call,
            state: State::Announcement,
            arrival,
            hotline,
            ring: 0,
            callback: None,
        });
    }

    fn arrive(&mut self, index: usize) {
        let played = &mut self.calls[index];
        let arrival = &played.arrival;
        let announced = arrival.at + arrival.announcement_ms;
        played.call.arrive();
        if arrival.fails {
            let at = arrival.at + self.dice.between_ms(20, 900);
            let status = if self.dice.chance(0.7) {
                ConnectionStatus::Failed
            } else {
                ConnectionStatus::NoAnswer
            };
            played.call.end(at, EndedBy::System, status);
        } else if arrival.hangs_up_in_announcement {
            let at = self.dice.between_ms(arrival.at, announced);
            played
                .call
                .end(at, EndedBy::Citizen, ConnectionStatus::AbandonedBeforeQueue);
        } else if self.bounds.is_open_at(arrival.at) {
            self.plan(announced, Action::Announced(index));
            return;
        } else if self.dice.chance(MESSAGE_OUT_OF_HOURS_SHARE) {
            played
                .call
                .leave_voice_message(announced, ConnectionStatus::OutOfHours);
        } else {
            played
                .call
                .end(announced, EndedBy::System, ConnectionStatus::OutOfHours);
        }
        played.state = State::Over;
    }

    fn announced(&mut self, at: i64, index: usize) {
        let played = &mut self.calls[index];
        let hotline = played.hotline;
        let status = if !self.bounds.is_open_at(at) {
            ConnectionStatus::OutOfHours
        } else if self.queues[hotline].len() >= self.profile.hotlines[hotline].queue_limit {
            ConnectionStatus::Busy
        } else {
            return self.join(at, index, hotline, false);
        };
        played.call.end(at, EndedBy::System, status);
        played.state = State::Over;
    }

    /// Enters the queue of a hotline.
    fn join(&mut self, at: i64, index: usize, hotline: usize, overflowed_in: bool) {
        let rules = &self.profile.hotlines[hotline];
        let played = &mut self.calls[index];
        played.call.enter_queue(at, &self.names[hotline], overflowed_in);
        played.hotline = hotline;
        if !self.bounds.is_open_at(at) {
            played.call.close(at);
            played.state = State::Over;
            return;
        }
        played.state = State::Waiting;
        let visit = played.call.visits.len();
        let patience_ms = if visit == 1 {
            played.arrival.patience_ms
        } else {
            self.dice.spread_ms(self.profile.callers.patience)
        };
        self.queues[hotline].push_back(index);
        self.plan(at + patience_ms, Action::HangUp { call: index, visit });
        // Two moves are enough: hotlines that overflow to each other must not play ball.
        if let Some(rule) = rules.overflow.as_ref().filter(|_| visit <= 2)
            && self.dice.chance(rule.share)
        {
            let after_ms = self.dice.between_ms(0, 3000) + (rule.after_s * 1000.0) as i64;
            self.plan(at + after_ms.max(1), Action::Overflow { call: index, visit });
        }
        if let Some(rule) = rules.voice_message
            && self.dice.chance(rule.share)
        {
            let after_ms = self.dice.between_ms(2000, 15_000) + (rule.after_s * 1000.0) as i64;
            self.plan(at + after_ms, Action::VoiceMessage { call: index, visit });
        }
        self.serve(at, hotline);
    }

    /// Whether the call still waits in the house, on the visit that was meant.
    fn still_waits(&self, index: usize, visit: usize) -> bool {
        let played = &self.calls[index];
        played.state == State::Waiting && played.call.visits.len() == visit
    }

    fn leave_line(&mut self, index: usize) {
        let queue = &mut self.queues[self.calls[index].hotline];
        if let Some(place) = queue.iter().position(|waiting| *waiting == index) {
            queue.remove(place);
        }
    }

    fn overflow(&mut self, at: i64, index: usize, visit: usize) {
        if !self.still_waits(index, visit) {
            return;
        }
        let profile = self.profile;
        let Some(rule) = &profile.hotlines[self.calls[index].hotline].overflow else {
            return;
        };
        self.leave_line(index);
        let played = &mut self.calls[index];
        let kind = EventKind::Overflowed { to: rule.to.clone() };
        match &rule.to {
            OverflowTarget::Hotline(to) => {
                played.call.overflow_to_hotline(at, kind);
                played.state = State::Moving;
                let hotline = profile.position(to.as_str()).unwrap_or(played.hotline);
                let queued_at = at + self.dice.between_ms(1, 40);
                self.plan(
                    queued_at,
                    Action::Queue {
                        call: index,
                        hotline,
                        overflowed_in: true,
                    },
                );
            }
            OverflowTarget::Site(_) => {
                played.call.overflow_to_site(at, kind);
                played.state = State::WaitingElsewhere;
                let rings_at = at + 1 + self.dice.exponential(OTHER_SITE_WAIT_MS) as i64;
                self.plan(rings_at, Action::OtherSiteRings { call: index, visit });
            }
            OverflowTarget::Network(_) => {
                played.call.overflow_to_network(at, kind);
                played.state = State::Over;
            }
        }
    }

    fn leave_voice_message(&mut self, at: i64, index: usize, visit: usize) {
        if self.still_waits(index, visit) {
            self.leave_line(index);
            self.calls[index]
                .call
                .leave_voice_message(at, ConnectionStatus::VoiceMessage);
            self.calls[index].state = State::Over;
        }
    }

    /// The citizen's patience is over.
    fn hang_up(&mut self, at: i64, index: usize, visit: usize) {
        let played = &mut self.calls[index];
        if played.call.visits.len() != visit {
            return;
        }
        match std::mem::replace(&mut played.state, State::Over) {
            State::Waiting => self.leave_line(index),
            State::WaitingElsewhere => {}
            State::Ringing { desk, .. } => {
                if let Desk::House(agent) = desk {
                    self.plan(at, Action::Free(agent));
                }
            }
            other => {
                played.state = other;
                return;
            }
        }
        let played = &mut self.calls[index];
        played.call.abandon(at);
        if played.arrival.redials && visit == 1 {
            let again_at = at + self.dice.between_ms(30_000, 1_200_000);
            let patience_ms = self.dice.spread_ms(self.profile.callers.patience);
            let again = Arrival {
                at: again_at,
                patience_ms,
                redials: false,
                ..played.arrival.clone()
            };
            if self.bounds.is_open_at(again_at) {
                self.expect(again);
            }
        }
    }

    /// Closing time: whoever still waits is told so.
    fn close(&mut self, at: i64) {
        for queue in &mut self.queues {
            queue.clear();
        }
        for played in &mut self.calls {
            if matches!(played.state, State::Waiting | State::WaitingElsewhere) {
                played.call.close(at);
                played.state = State::Over;
            }
        }
    }
}
