//! What happens between answer and end, planned when the agent answers: nothing from outside changes it.

use domain::event::{EndedBy, EventKind, TransferKind};

use crate::dice::Dice;
use crate::profile::{ServiceProfile, Spread};

/// How a conversation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    HangUp(EndedBy),
    /// Handed on into another hotline.
    Transfer(TransferKind),
    /// Handed on out of the house.
    TransferOut(TransferKind),
}

/// A planned conversation. Times count from the answer.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) events: Vec<(i64, EventKind)>,
    pub(crate) length_ms: i64,
    pub(crate) talk_ms: i64,
    pub(crate) hold_ms: i64,
    pub(crate) consult_count: u32,
    pub(crate) consult_connection_count: u32,
    pub(crate) consult_talk_ms: i64,
    pub(crate) ending: Ending,
}

impl Conversation {
    /// Plans a conversation; `may_transfer` is false when there is no other hotline to hand it on to.
    pub(crate) fn plan(dice: &mut Dice, talk: Spread, service: &ServiceProfile, may_transfer: bool) -> Self {
        let mut plan = Self {
            events: Vec::new(),
            length_ms: 0,
            talk_ms: 0,
            hold_ms: 0,
            consult_count: 0,
            consult_connection_count: 0,
            consult_talk_ms: 0,
            ending: Ending::HangUp(if dice.chance(0.75) {
                EndedBy::Citizen
            } else {
                EndedBy::Agent
            }),
        };
        let mut talk_left_ms = dice.spread_ms(talk);
        if dice.chance(service.hold_share) {
            let holds = if dice.chance(0.2) { 2 } else { 1 };
            for _ in 0..holds {
                let part_ms = ((talk_left_ms as f64 * dice.unit()) as i64).max(1);
                talk_left_ms = (talk_left_ms - part_ms).max(1);
                plan.talk(part_ms);
                let consults = dice.chance(service.consult_share);
                let hold_ms = dice.spread_ms(service.hold);
                let hung_up = dice.chance(service.hang_up_on_hold_share);
                plan.hold(dice, service, hold_ms, consults, hung_up);
                if hung_up {
                    plan.ending = Ending::HangUp(EndedBy::Citizen);
                    return plan;
                }
            }
        }
        plan.talk(talk_left_ms);
        let transfer = if dice.chance(0.5) {
            TransferKind::Blind
        } else {
            TransferKind::Attended
        };
        if dice.chance(service.transfer_share) && may_transfer {
            plan.ending = Ending::Transfer(transfer);
        } else if dice.chance(service.transfer_out_share) {
            plan.ending = Ending::TransferOut(transfer);
        } else {
            return plan;
        }
        if transfer == TransferKind::Attended {
            plan.hold(dice, service, 0, true, false);
        }
        plan
    }

    fn talk(&mut self, talk_ms: i64) {
        self.talk_ms += talk_ms;
        self.length_ms += talk_ms;
    }

    /// The citizen is put on hold, for at least as long as a consultation takes.
    fn hold(
        &mut self,
        dice: &mut Dice,
        service: &ServiceProfile,
        hold_ms: i64,
        consults: bool,
        hung_up: bool,
    ) {
        let held_at = self.length_ms;
        self.events.push((held_at, EventKind::Held));
        let mut until = held_at;
        if consults {
            let asked_at = held_at + dice.between_ms(300, 2000);
            let ring_ms = dice.between_ms(1500, 14_000);
            self.events.push((asked_at, EventKind::ConsultStarted));
            self.consult_count += 1;
            until = asked_at + ring_ms;
            if dice.chance(0.8) {
                let talk_ms = dice.spread_ms(service.consult_talk);
                self.events.push((until, EventKind::ConsultAnswered));
                self.consult_connection_count += 1;
                self.consult_talk_ms += talk_ms;
                until += talk_ms;
            }
            self.events.push((until, EventKind::ConsultEnded));
        }
        self.length_ms = (held_at + hold_ms).max(until).max(held_at + 1);
        self.hold_ms += self.length_ms - held_at;
        if !hung_up {
            self.events.push((self.length_ms, EventKind::Resumed));
        }
    }
}
