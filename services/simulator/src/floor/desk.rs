//! The agents' side of a call: ringing, answer, conversation, after-call work.

use domain::event::{EndedBy, EventKind};
use domain::ids::AgentName;
use domain::record::ConnectionStatus;

use super::{Action, Desk, Floor, State};
use crate::conversation::{Conversation, Ending};
use crate::people;
use crate::profile::HotlineProfile;

/// How long an agent is left alone after not having answered.
const PAUSE_AFTER_UNANSWERED_MS: i64 = 60_000;
/// What an agent needs between two calls without after-call work.
const BREATH_MS: i64 = 2000;

impl Floor<'_> {
    /// Gives waiting calls of a hotline to free agents, the first come first.
    pub(super) fn serve(&mut self, at: i64, hotline: usize) {
        while !self.queues[hotline].is_empty() {
            let Some(agent) = self.agents.take_idle(hotline, at) else {
                return;
            };
            if let Some(call) = self.queues[hotline].pop_front() {
                self.ring(at, call, Desk::House(agent));
            }
        }
    }

    /// An agent comes, or is done with a call: takes whoever has waited longest, or waits.
    pub(super) fn free(&mut self, at: i64, agent: usize, finished: bool) {
        if !self.agents.claim(agent, at, finished) {
            return;
        }
        let oldest = self
            .agents
            .hotlines_of(agent)
            .iter()
            .filter_map(|hotline| {
                let call = *self.queues[*hotline].front()?;
                Some((self.calls[call].call.visits.last()?.offered_at, *hotline))
            })
            .min();
        match oldest.and_then(|(_, hotline)| self.queues[hotline].pop_front()) {
            Some(call) => self.ring(at, call, Desk::House(agent)),
            None => self.agents.wait_for_call(agent),
        }
    }

    fn ring(&mut self, at: i64, index: usize, desk: Desk) {
        let service = &self.profile.service;
        let limit_ms = (service.ring_limit_s * 1000.0) as i64;
        let answered = matches!(desk, Desk::OtherSite(_)) || !self.dice.chance(service.ring_unanswered_share);
        let ring_ms = if answered {
            self.dice.spread_ms(service.ring).min(limit_ms.max(1))
        } else {
            limit_ms.max(1)
        };
        let played = &mut self.calls[index];
        played.ring += 1;
        played.call.ring(at, name_of(&self.agents, &desk));
        played.state = State::Ringing { desk, answered };
        let ring = played.ring;
        self.plan(at + ring_ms, Action::RingOver { call: index, ring });
    }

    /// The other site has somebody for a call that overflowed to it.
    pub(super) fn other_site_rings(&mut self, at: i64, index: usize, visit: usize) {
        let played = &self.calls[index];
        if played.state == State::WaitingElsewhere && played.call.visits.len() == visit {
            let agent = AgentName::new(format!("other-site-{:02}", 1 + self.dice.below(20)));
            self.ring(at, index, Desk::OtherSite(agent));
        }
    }

    pub(super) fn ring_over(&mut self, at: i64, index: usize, ring: u32) {
        let played = &mut self.calls[index];
        if played.ring != ring {
            return;
        }
        let State::Ringing { desk, answered } = &played.state else {
            return;
        };
        let (desk, answered) = (desk.clone(), *answered);
        if answered {
            self.answer(at, index, desk);
            return;
        }
        played.call.stop_ringing(at, name_of(&self.agents, &desk));
        if let Desk::House(agent) = desk {
            self.plan(at + PAUSE_AFTER_UNANSWERED_MS, Action::Free(agent));
        }
        let played = &mut self.calls[index];
        if self.bounds.is_open_at(at) {
            played.state = State::Waiting;
            let hotline = played.hotline;
            self.queues[hotline].push_front(index);
            self.serve(at, hotline);
        } else {
            played.call.close(at);
            played.state = State::Over;
        }
    }

    fn answer(&mut self, at: i64, index: usize, desk: Desk) {
        let played = &mut self.calls[index];
        played.call.answer(at, name_of(&self.agents, &desk));
        let talk = self.profile.hotlines[played.hotline].talk;
        let may_transfer = played.call.visits.len() < 3 && self.names.len() > 1;
        let plan = Conversation::plan(&mut self.dice, talk, &self.profile.service, may_transfer);
        for (offset_ms, kind) in plan.events {
            played.call.note(at + offset_ms, kind);
        }
        if let Some(visit) = played.call.visits.last_mut() {
            visit.talk_ms = Some(plan.talk_ms);
            visit.hold_ms = Some(plan.hold_ms);
            visit.consult_count = plan.consult_count;
            visit.consult_connection_count = plan.consult_connection_count;
            visit.consult_talk_ms = plan.consult_talk_ms;
        }
        played.state = State::Talking {
            desk,
            ending: plan.ending,
        };
        self.plan(at + plan.length_ms, Action::TalkOver(index));
    }

    pub(super) fn talk_over(&mut self, at: i64, index: usize) {
        let played = &mut self.calls[index];
        let State::Talking { desk, ending } = std::mem::replace(&mut played.state, State::Over) else {
            return;
        };
        // After closing time there is no queue left to hand a call on to.
        let ending = match ending {
            Ending::Transfer(_) if !self.bounds.is_open_at(at) => Ending::HangUp(EndedBy::Agent),
            other => other,
        };
        if let (Ending::Transfer(_) | Ending::TransferOut(_), Some(visit)) =
            (ending, played.call.visits.last_mut())
        {
            visit.transfer_count += 1;
            visit.ended_by = Some(EndedBy::Transfer);
        }
        match ending {
            Ending::HangUp(by) => played.call.end(at, by, ConnectionStatus::Answered),
            Ending::TransferOut(transfer) => {
                played.call.note(
                    at,
                    EventKind::Transferred {
                        transfer,
                        hotline: None,
                    },
                );
                played.call.end(at, EndedBy::Agent, ConnectionStatus::Answered);
            }
            Ending::Transfer(transfer) => {
                let own = played.hotline;
                let others = self.profile.hotlines.iter().enumerate();
                let weight = |(other, hotline): (usize, &HotlineProfile)| {
                    if other == own {
                        0.0
                    } else {
                        hotline.weight.max(f64::MIN_POSITIVE)
                    }
                };
                let hotline = self.dice.weighted(others.map(weight));
                let to = Some(self.names[hotline].clone());
                played.call.note(
                    at,
                    EventKind::Transferred {
                        transfer,
                        hotline: to,
                    },
                );
                played.state = State::Moving;
                let queued_at = at + self.dice.between_ms(1, 400);
                self.plan(
                    queued_at,
                    Action::Queue {
                        call: index,
                        hotline,
                        overflowed_in: false,
                    },
                );
            }
        }
        let done_at = self.work_after(at, index, &desk);
        if matches!(ending, Ending::HangUp(_)) {
            self.maybe_log_callback(at, done_at, index, &desk);
        }
    }

    /// After-call work, if any. Returns when the agent is done.
    fn work_after(&mut self, at: i64, index: usize, desk: &Desk) -> i64 {
        let service = &self.profile.service;
        let mut done_at = at;
        if self.dice.chance(service.after_call_work_share) {
            done_at += self.dice.spread_ms(service.after_call_work);
            let call = &mut self.calls[index].call;
            call.work_after(call.visits.len() - 1, at, done_at, name_of(&self.agents, desk));
        }
        if let Desk::House(agent) = desk {
            self.plan(done_at.max(at + BREATH_MS), Action::Free(*agent));
        }
        done_at
    }

    fn maybe_log_callback(&mut self, at: i64, done_at: i64, index: usize, desk: &Desk) {
        let played = &mut self.calls[index];
        if self
            .dice
            .chance(self.profile.hotlines[played.hotline].callback_share)
        {
            let logged_at = self.people.between_ms(at, done_at);
            let agent = name_of(&self.agents, desk).clone();
            let hotline = self.names[played.hotline].clone();
            let call_id = self.call_ids.nth(index);
            let caller = played.call.caller.as_ref();
            played.callback = Some(people::callback(
                &mut self.people,
                logged_at,
                call_id,
                hotline,
                agent,
                caller,
            ));
        }
    }
}

fn name_of<'a>(agents: &'a super::Agents, desk: &'a Desk) -> &'a AgentName {
    match desk {
        Desk::House(agent) => agents.name(*agent),
        Desk::OtherSite(agent) => agent,
    }
}
