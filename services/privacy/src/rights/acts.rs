//! Changes of tickets by right of a person: decided and written as the acts of others are.

use chrono::{DateTime, SubsecRound as _, Utc};
use domain::access::Principal;
use domain::ids::{AgentName, TicketId};
use domain::personal::Personal;
use domain::procedure::check_line;
use domain::rulebook::Rulebook;
use domain::ticket::{ActRefused, Actor, NOTE_LENGTH_MAX, Ticket, Transition, spoken_ticket_id};
use store::StoreError;
use store::tickets::{Addition, Logged};
use tonic::Status;

use super::{RightsParts, refused};

/// How often a change is decided anew because somebody else was faster.
const DECISIONS: usize = 8;

/// A change that is asked for.
pub(super) struct Change<'a> {
    pub(super) ticket: &'a TicketId,
    /// As it is kept.
    pub(super) key: String,
    /// Tells a repetition from another request under the same key.
    pub(super) content: [u8; 32],
}

/// Makes a change, once for its key. Gives the ticket as it is then, and whether that was done before; decided anew where
/// somebody else was faster.
pub(super) async fn perform(
    parts: &RightsParts,
    change: &Change<'_>,
    decide: impl Fn(&Ticket, &Rulebook, DateTime<Utc>) -> Result<Transition, Status>,
) -> Result<(Ticket, bool), Status> {
    let performed = change_ticket(parts, change, decide).await?;
    if let Some(journal) = &parts.journal {
        journal.note_ticket(change.ticket).await;
    }
    Ok(performed)
}

async fn change_ticket(
    parts: &RightsParts,
    change: &Change<'_>,
    decide: impl Fn(&Ticket, &Rulebook, DateTime<Utc>) -> Result<Transition, Status>,
) -> Result<(Ticket, bool), Status> {
    let store = &parts.finder.tickets;
    let before = store.logged_before(&change.key, change.content).await;
    if let Some(logged) = before.map_err(|error| refused(&error))? {
        return repeated(logged);
    }
    let rules = (parts.rules)();
    for _ in 0..DECISIONS {
        let found = store
            .ticket(change.ticket)
            .await
            .map_err(|error| refused(&error))?;
        let ticket = found.ok_or_else(|| no_ticket(change.ticket))?.ticket;
        let at = (parts.clock)().trunc_subsecs(3);
        let transition = decide(&ticket, &rules, at)?.with_mails(&rules.routing);
        let changed = transition.ticket.clone();
        let concerned: Vec<_> = transition.departments().cloned().collect();
        let addition = Addition {
            transition,
            idempotency_key: change.key.clone(),
            content: change.content,
            notice_identity: None,
        };
        match store.add(addition).await {
            Ok(Logged::New) => {
                concerned.iter().for_each(|department| parts.wake(department));
                return Ok((changed, false));
            }
            Ok(logged) => return repeated(logged),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(refused(&StoreError::Conflict(format!(
        "ticket {}",
        change.ticket
    ))))
}

/// Whether a change was made before.
pub(super) async fn was_performed(parts: &RightsParts, change: &Change<'_>) -> Result<bool, Status> {
    let before = parts
        .finder
        .tickets
        .logged_before(&change.key, change.content)
        .await;
    Ok(before.map_err(|error| refused(&error))?.is_some())
}

fn repeated(logged: Logged) -> Result<(Ticket, bool), Status> {
    match logged {
        Logged::Repeated(ticket) => Ok((*ticket, true)),
        _ => Err(Status::already_exists(
            "idempotency_key: it was used for another request; choose a new one",
        )),
    }
}

pub(super) fn no_ticket(id: &TicketId) -> Status {
    Status::not_found(format!("ticket_id: there is no ticket {id}"))
}

pub(super) fn not_done(refusal: ActRefused) -> Status {
    Status::failed_precondition(refusal.to_string())
}

pub(super) fn ticket_id(text: &str) -> Result<TicketId, Status> {
    spoken_ticket_id(text).ok_or_else(|| {
        Status::invalid_argument("ticket_id: give the number of a ticket, such as T-7K3M-9QXW")
    })
}

/// The reason as it is kept.
pub(super) fn reason(text: &str) -> Result<Personal, Status> {
    let text = text.trim();
    let is_plain = !text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c));
    match (1..=NOTE_LENGTH_MAX).contains(&text.chars().count()) && is_plain {
        true => Ok(Personal::new(text)),
        false => Err(Status::invalid_argument(format!(
            "reason: say why, in 1 to {NOTE_LENGTH_MAX} characters, without anything about the person"
        ))),
    }
}

/// The key that a request is kept under.
pub(super) fn key(principal: &Principal, text: &str) -> Result<String, Status> {
    let text = text.trim();
    let mut faults = Vec::new();
    check_line("idempotency_key", text, 150, &mut faults);
    if text.is_empty() || !faults.is_empty() {
        return Err(Status::invalid_argument(
            "idempotency_key: choose one for each request, such as a random UUID, and repeat it when the request is \
             repeated",
        ));
    }
    Ok(principal.kept_key(text))
}

/// Who is named in the history: a user by name, a program not at all.
pub(super) fn actor(principal: &Principal) -> Actor {
    match principal.is_user {
        true => Actor::Agent(AgentName::new(&principal.name)),
        false => Actor::System,
    }
}
