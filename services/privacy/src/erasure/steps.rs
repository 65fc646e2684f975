//! What is done at each place. Every step may be done twice.

use std::collections::BTreeSet;
use std::time::Duration;

use bus::{BusError, Forgetting, Forgotten, Positions, topics};
use chrono::TimeDelta;
use domain::erasure::{ErasureOrder, Place};
use domain::ids::{AgentName, DepartmentId, Identity, TicketId};
use domain::personal::Personal;
use domain::ticket::{Actor, TicketState, erase};
use store::StoreError;
use store::rejected::Discard;
use store::tickets::reply_place;

use super::{ErasureError, ErasureParts, forgetting, stray_replies};

/// Calls, or entries, of one transaction.
const CALLS_AT_ONCE: usize = 500;
/// How soon to look again.
pub(super) const SOON: Duration = Duration::from_millis(300);

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The last bytes are gone after this time.
    Done(Duration),
    /// Something else has to come first: again after this time.
    Later(Duration),
}

impl Outcome {
    /// Both together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done(one), Self::Done(other)) => Self::Done(one.max(other)),
            (Self::Later(one), Self::Later(other)) => Self::Later(one.max(other)),
            (Self::Later(later), _) | (_, Self::Later(later)) => Self::Later(later),
        }
    }
}

impl From<Forgotten> for Outcome {
    fn from(forgotten: Forgotten) -> Self {
        match forgotten {
            Forgotten::Done { stays } => Self::Done(stays),
            Forgotten::Later { again_in } => Self::Later(again_in),
        }
    }
}

/// Erases the tickets; their departments are told by what follows from it.
pub(super) async fn tickets(parts: &ErasureParts, order: &ErasureOrder) -> Result<Outcome, ErasureError> {
    for id in &order.tickets {
        loop {
            let Some(found) = parts.tickets.ticket(id).await? else {
                break;
            };
            if found.ticket.state == TicketState::Erased {
                break;
            }
            let actor = match order.by.is_empty() {
                true => Actor::System,
                false => Actor::Agent(AgentName::new(&order.by)),
            };
            let at = (parts.clock)();
            let Ok(transition) = erase(&found.ticket, Personal::new(&order.reason), actor, at) else {
                break;
            };
            let rules = (parts.rules)();
            let transition = transition.with_mails(&rules.routing);
            let concerned: Vec<DepartmentId> = transition.departments().cloned().collect();
            match parts.tickets.record(transition).await {
                Ok(()) => {
                    concerned.iter().for_each(|department| (parts.wake)(department));
                    break;
                }
                // Somebody else was faster: decided anew.
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(Outcome::Done(Duration::ZERO))
}

/// Erases entries, and mails about them that wait.
pub(super) async fn entries(parts: &ErasureParts, order: &ErasureOrder) -> Result<Outcome, ErasureError> {
    for some in order.entries.chunks(CALLS_AT_ONCE) {
        parts.entries.erase_entries(some.to_vec()).await?;
    }
    Ok(Outcome::Done(Duration::ZERO))
}

/// Takes out who called. Returns whether all of the calls are known.
pub(super) async fn calls(parts: &ErasureParts, calls: &[Identity]) -> Result<bool, ErasureError> {
    let mut known = 0;
    for some in calls.chunks(CALLS_AT_ONCE) {
        known += parts
            .callers
            .erase_callers(some.to_vec(), (parts.clock)())
            .await?;
    }
    Ok(known == calls.len())
}

/// Empties rejected items; they do not come back.
pub(super) async fn rejected_items(
    parts: &ErasureParts,
    order: &ErasureOrder,
) -> Result<Outcome, ErasureError> {
    let ids: Vec<Identity> = order.rejected.iter().chain(&order.calls).copied().collect();
    for some in ids.chunks(CALLS_AT_ONCE) {
        let discard = Discard {
            at: (parts.clock)(),
            by: order.by.clone(),
            reason: format!("erased by order {}", order.id),
        };
        parts.callers.erase_rejected(some.to_vec(), discard).await?;
    }
    Ok(Outcome::Done(Duration::ZERO))
}

/// Where the topics of an order end when it is first looked at: everything up to there is to be read first.
pub(super) async fn ends(
    parts: &ErasureParts,
    order: &ErasureOrder,
    place: Place,
) -> Result<Vec<(String, Positions)>, ErasureError> {
    let mut ends = Vec::new();
    for topic in topics_of(parts, order, place).await? {
        match parts.bus.ends(&topic).await {
            Ok(end) => ends.push((topic, end)),
            // Of a department that has no topics: nothing is there.
            Err(BusError::UnknownTopic(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ends)
}

/// How far the role that reads a topic has come.
async fn read_up_to(parts: &ErasureParts, place: Place, topic: &str) -> Result<Positions, ErasureError> {
    let incarnation = parts.bus.topic_id(topic).await?;
    Ok(match place {
        Place::BusCalls => parts.calls.positions(&incarnation).await?,
        _ => {
            let place = reply_place(topic, &incarnation);
            parts.tickets.reply_positions(&place).await?
        }
    })
}

/// Whether topics were read up to these ends.
pub(super) async fn is_read(
    parts: &ErasureParts,
    place: Place,
    ends: &[(String, Positions)],
) -> Result<bool, ErasureError> {
    for (topic, end) in ends {
        let read = read_up_to(parts, place, topic).await?;
        let unread = |(partition, end): (&u32, &i64)| read.get(partition).copied().unwrap_or(0) < *end;
        if end.iter().any(unread) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Forgets messages of topics that roles read once, when they have read them up to these ends.
pub(super) async fn read_topics(
    parts: &ErasureParts,
    place: Place,
    ends: &[(String, Positions)],
    what: &Forgetting,
) -> Result<Outcome, ErasureError> {
    if !is_read(parts, place, ends).await? {
        return Ok(Outcome::Later(SOON));
    }
    let mut outcome = Outcome::Done(Duration::ZERO);
    for (topic, _) in ends {
        let read = read_up_to(parts, place, topic).await?;
        outcome = outcome.and(parts.bus.forget(topic, what.clone(), read).await?.into());
    }
    Ok(outcome)
}

/// Forgets what departments were sent, once the newest message is on their topics.
pub(super) async fn ticket_topics(
    parts: &ErasureParts,
    order: &ErasureOrder,
) -> Result<Outcome, ErasureError> {
    if !parts.of_tickets.unpublished(&order.tickets).await?.is_empty() {
        return Ok(Outcome::Later(SOON));
    }
    let mut outcome = Outcome::Done(Duration::ZERO);
    for topic in topics_of(parts, order, Place::BusTickets).await? {
        let what = forgetting::tickets(&order.tickets);
        match parts.bus.forget(&topic, what, Positions::new()).await {
            Ok(forgotten) => outcome = outcome.and(forgotten.into()),
            // Of a department that has no topics: nothing is there.
            Err(BusError::UnknownTopic(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(outcome)
}

/// The departments that have, or had, the tickets.
pub(super) async fn departments(
    parts: &ErasureParts,
    tickets: &[TicketId],
) -> Result<BTreeSet<DepartmentId>, ErasureError> {
    let mut departments = BTreeSet::new();
    for id in tickets {
        if let Some(found) = parts.tickets.ticket(id).await? {
            departments.extend(found.ticket.former_departments().cloned());
            departments.insert(found.ticket.department);
        }
    }
    Ok(departments)
}

pub(super) async fn topics_of(
    parts: &ErasureParts,
    order: &ErasureOrder,
    place: Place,
) -> Result<Vec<String>, ErasureError> {
    match place {
        Place::BusCalls => Ok(vec![topics::CALLS.to_owned()]),
        Place::BusTickets => {
            let departments = departments(parts, &order.tickets).await?;
            Ok(departments.iter().map(topics::tickets).collect())
        }
        Place::BusReplies => {
            let mut departments = departments(parts, &order.tickets).await?;
            departments.extend(stray_replies::departments(parts, order).await?);
            Ok(departments.iter().map(topics::ticket_replies).collect())
        }
        Place::Tickets | Place::Entries | Place::Calls | Place::RejectedItems | Place::StoreFiles => {
            Ok(Vec::new())
        }
    }
}

/// As a difference of times.
pub(super) fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::days(365))
}
