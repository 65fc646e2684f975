//! Contacts beside the inbound calls: written ones, calls that the house places, attempts of the dialer.

use chrono::NaiveDate;
use domain::event::{EndedBy, EventKind, OutboundOutcome};
use domain::ids::{AgentName, HotlineName};
use domain::personal::{Caller, Personal};
use domain::record::{ConnectionStatus, TaskType};

use crate::arrivals::DayBounds;
use crate::call::Call;
use crate::dice::{Dice, Stream};
use crate::people;
use crate::profile::{Profile, Spread};

/// Until somebody turns to a letter, an e-mail, a fax or a voice message.
const BACKLOG: Spread = Spread {
    mean_s: 2400.0,
    sigma: 0.9,
};
/// Until somebody turns to a chat.
const CHAT_WAIT: Spread = Spread {
    mean_s: 25.0,
    sigma: 0.8,
};
/// How long a written contact takes.
const HANDLING: Spread = Spread {
    mean_s: 240.0,
    sigma: 0.7,
};
/// How long a conversation takes that the house began.
const OUTBOUND_TALK: Spread = Spread {
    mean_s: 150.0,
    sigma: 0.8,
};
/// Until a citizen answers.
const OUTBOUND_RING: Spread = Spread {
    mean_s: 12.0,
    sigma: 0.5,
};
const OUTCOMES: [(OutboundOutcome, f64, f64); 4] = [
    (OutboundOutcome::Reached, 0.62, 0.40),
    (OutboundOutcome::Busy, 0.08, 0.12),
    (OutboundOutcome::NoAnswer, 0.28, 0.43),
    (OutboundOutcome::Failed, 0.02, 0.05),
];

/// All of them on a day, in order of their start; none on a day without service.
pub(crate) fn of_day(
    seed: u64,
    date: NaiveDate,
    profile: &Profile,
    names: &[HotlineName],
    bounds: &DayBounds,
    calls: usize,
) -> Vec<Call> {
    let Some((opens, closes)) = bounds.service else {
        return Vec::new();
    };
    let mut dice = Dice::of_day(seed, date, Stream::Contacts);
    let rates = &profile.contacts;
    let kinds = [
        (TaskType::Email, rates.email, false),
        (TaskType::Letter, rates.letter, false),
        (TaskType::Fax, rates.fax, false),
        (TaskType::Chat, rates.chat, false),
        (TaskType::VoiceMessage, rates.voice_message, false),
        (TaskType::OutboundCall, rates.outbound, false),
        (TaskType::Callback, rates.callback, false),
        (TaskType::OutboundCall, rates.dialer, true),
    ];
    let mut contacts = Vec::new();
    for (task_type, rate, by_dialer) in kinds {
        for at in dice.moments(opens, closes, rate * calls as f64) {
            contacts.push(match task_type {
                TaskType::OutboundCall | TaskType::Callback => {
                    placed(&mut dice, at, task_type, by_dialer, profile, names)
                }
                _ => received(&mut dice, at, task_type, profile, names),
            });
        }
    }
    contacts.sort_by_key(|contact| contact.started_at);
    contacts
}

fn agent(dice: &mut Dice) -> AgentName {
    AgentName::new(format!("back-office-{:03}", 1 + dice.below(12)))
}

fn received(dice: &mut Dice, at: i64, task_type: TaskType, profile: &Profile, names: &[HotlineName]) -> Call {
    let hotline = dice.weighted(profile.hotlines.iter().map(|hotline| hotline.weight));
    let known = &profile.hotlines[hotline];
    let by_telephone = matches!(task_type, TaskType::Fax | TaskType::VoiceMessage);
    let address = if by_telephone {
        &known.dialled_address
    } else {
        &known.mail_address
    };
    let mut contact = Call::new(at, task_type, names[hotline].clone(), address.clone());
    let sender = people::person(dice);
    contact.caller = match task_type {
        TaskType::Letter => None,
        TaskType::Email | TaskType::Chat => {
            Some(Caller::Given(Personal::new(people::mail_address(dice, &sender))))
        }
        _ => Some(people::caller(dice, profile.callers.withheld_share)),
    };
    contact.direct_topic_dial = !by_telephone;
    contact.customer_record_count = dice.below(3) as u32;
    contact.arrive();
    contact.enter_queue(at, &names[hotline], false);
    let wait_ms = dice.spread_ms(if task_type == TaskType::Chat {
        CHAT_WAIT
    } else {
        BACKLOG
    });
    let handling_ms = dice.spread_ms(HANDLING);
    contact.answer(at + wait_ms, &agent(dice));
    if let Some(visit) = contact.visits.last_mut() {
        visit.talk_ms = Some(handling_ms);
        visit.hold_ms = Some(0);
    }
    contact.end(
        at + wait_ms + handling_ms,
        EndedBy::Agent,
        ConnectionStatus::Answered,
    );
    contact
}

fn placed(
    dice: &mut Dice,
    at: i64,
    task_type: TaskType,
    by_dialer: bool,
    profile: &Profile,
    names: &[HotlineName],
) -> Call {
    let hotline = dice.weighted(profile.hotlines.iter().map(|hotline| hotline.weight));
    let mut contact = Call::new(
        at,
        task_type,
        names[hotline].clone(),
        people::telephone_number(dice),
    );
    contact.caller = Some(Caller::Given(Personal::new(
        &profile.hotlines[hotline].dialled_address,
    )));
    contact.customer_record_count = 1;
    contact.arrive();
    if by_dialer {
        contact.dial(at);
    }
    let chances = OUTCOMES
        .iter()
        .map(|(_, by_agent, dialer)| if by_dialer { *dialer } else { *by_agent });
    let outcome = OUTCOMES[dice.weighted(chances)].0;
    let known_at = at + dice.spread_ms(OUTBOUND_RING);
    contact.note(known_at, EventKind::OutboundResult { outcome });
    match outcome {
        OutboundOutcome::Reached => {
            contact.answer(known_at, &agent(dice));
            let by = if dice.chance(0.6) {
                EndedBy::Citizen
            } else {
                EndedBy::Agent
            };
            contact.end(
                known_at + dice.spread_ms(OUTBOUND_TALK),
                by,
                ConnectionStatus::Answered,
            );
        }
        OutboundOutcome::Busy => contact.end(known_at, EndedBy::System, ConnectionStatus::Busy),
        OutboundOutcome::NoAnswer => contact.end(known_at, EndedBy::Agent, ConnectionStatus::NoAnswer),
        OutboundOutcome::Failed => contact.end(known_at, EndedBy::System, ConnectionStatus::Failed),
    }
    contact
}
