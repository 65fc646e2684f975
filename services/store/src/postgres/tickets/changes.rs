//! Writing changes of tickets with all that follows from them.

use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use domain::ids::{DepartmentId, Identity, TicketId};
use domain::personal::Personal;
use domain::ticket::{Action, Effect, Ticket, TicketVersion, Transition};
use futures::future::try_join3;

use super::super::owed;
use super::super::values::{key, text};
use super::{citizen_mails, mails, marks, queries, recipients, slots, ticket_rows};
use crate::StoreError;
use crate::scrub::{Leftover, put_right_at};
use crate::ticket_columns::{
    CURRENT, ERASED, FORGOTTEN, RECTIFIED, RESTRICTED, WITHDRAWN, changes_marks, hotline_column, json,
};
use crate::tickets::{Addition, Logged, NewTicket};

/// A ticket of this version has neither a tombstone nor slots of before.
const FIRST: TicketVersion = TicketVersion(1);

/// Of several requests with one key, the first to write it goes on, the others wait for how it ends.
pub(super) async fn log(transaction: &Transaction<'_>, new: &NewTicket) -> Result<Logged, StoreError> {
    let ticket = &new.transition.ticket;
    if let Some(logged) = keep_key(transaction, &new.idempotency_key, new.content, ticket).await? {
        return Ok(logged);
    }
    if !ticket_rows::insert(transaction, ticket).await? {
        return Ok(Logged::IdTaken);
    }
    let notice = async {
        match new.notice_identity {
            Some(identity) => notify(transaction, ticket, identity).await,
            None => Ok(()),
        }
    };
    let marks = marks::write(transaction, ticket);
    try_join3(follow_all(transaction, &new.transition), marks, notice).await?;
    Ok(Logged::New)
}

async fn notify(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    identity: Identity,
) -> Result<(), StoreError> {
    let notify = transaction
        .prepare_cached(
            "INSERT INTO call_notices (ticket_id, identity, hotline, at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .await?;
    transaction
        .execute(
            &notify,
            &[
                &ticket.id.as_str(),
                &key(identity),
                &text(hotline_column(ticket.hotline.as_ref())),
                &ticket.changed_at.timestamp_millis(),
            ],
        )
        .await?;
    Ok(())
}

/// Of several requests with one key, the first to write it goes on; the others are told what came of it.
async fn keep_key(
    transaction: &Transaction<'_>,
    key: &str,
    content: [u8; 32],
    ticket: &Ticket,
) -> Result<Option<Logged>, StoreError> {
    let keep = transaction
        .prepare_cached(
            "INSERT INTO idempotency_keys (idempotency_key, content, ticket_id, at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (idempotency_key) DO NOTHING",
        )
        .await?;
    let at_ms = ticket.changed_at.timestamp_millis();
    let kept = transaction
        .execute(
            &keep,
            &[&text(key), &content.as_slice(), &ticket.id.as_str(), &at_ms],
        )
        .await?;
    if kept == 1 {
        return Ok(None);
    }
    let known = logged_before(transaction, key, content).await?;
    known.map(Some).ok_or_else(erased_meanwhile)
}

fn erased_meanwhile() -> StoreError {
    StoreError::Unavailable("a ticket was erased while its request was repeated".to_owned())
}

pub(super) async fn logged_before(
    transaction: &Transaction<'_>,
    key: &str,
    content: [u8; 32],
) -> Result<Option<Logged>, StoreError> {
    let known = transaction
        .query_opt(
            "SELECT content, ticket_id FROM idempotency_keys WHERE idempotency_key = $1",
            &[&text(key)],
        )
        .await?;
    let Some(known) = known else { return Ok(None) };
    if known.get::<_, &[u8]>(0) != content {
        return Ok(Some(Logged::KeyTaken));
    }
    let ticket = queries::ticket(transaction, &TicketId::new(known.get::<_, &str>(1))).await?;
    ticket
        .map(|ticket| Some(Logged::Repeated(Box::new(ticket))))
        .ok_or_else(erased_meanwhile)
}

pub(super) async fn add(transaction: &Transaction<'_>, addition: &Addition) -> Result<Logged, StoreError> {
    let ticket = &addition.transition.ticket;
    if let Some(logged) = keep_key(transaction, &addition.idempotency_key, addition.content, ticket).await? {
        return Ok(logged);
    }
    apply(transaction, &addition.transition).await?;
    // A request to erase is repeated like any other: its own key is not forgotten with those before it.
    transaction
        .execute(
            "UPDATE idempotency_keys SET content = $2 WHERE idempotency_key = $1 AND content <> $2",
            &[&text(&addition.idempotency_key), &addition.content.as_slice()],
        )
        .await?;
    if let Some(identity) = addition.notice_identity {
        notify(transaction, ticket, identity).await?;
    }
    Ok(Logged::New)
}

/// Writes a change, unless the ticket was changed since the change was decided.
pub(super) async fn apply(transaction: &Transaction<'_>, transition: &Transition) -> Result<(), StoreError> {
    let ticket = &transition.ticket;
    let written = match transition.history_before {
        0 => ticket_rows::insert(transaction, ticket).await?,
        before => ticket_rows::update(transaction, &[(ticket, before)]).await? == 1,
    };
    if !written {
        return Err(StoreError::Conflict(format!("ticket {}", ticket.id)));
    }
    if transition.history_before == 0 || changes_marks(transition) {
        marks::write_anew(transaction, ticket).await?;
    }
    follow_all(transaction, transition).await
}

/// Writes changes that nothing follows from but history, each of another ticket; all or none.
pub(super) async fn apply_plain(
    transaction: &Transaction<'_>,
    transitions: &[Transition],
) -> Result<(), StoreError> {
    debug_assert!(transitions.iter().all(|transition| transition.effects.is_empty()));
    let tickets: Vec<(&Ticket, u32)> = transitions
        .iter()
        .map(|transition| (&transition.ticket, transition.history_before))
        .collect();
    if ticket_rows::update(transaction, &tickets).await? != tickets.len() as u64 {
        return Err(StoreError::Conflict("one of the tickets".to_owned()));
    }
    let mut entries = Vec::with_capacity(transitions.len());
    for transition in transitions {
        entries.extend(transition.entries.iter().map(|entry| (&transition.ticket, entry)));
    }
    ticket_rows::enter(transaction, &entries).await
}

/// Writes what follows from a change.
async fn follow_all(transaction: &Transaction<'_>, transition: &Transition) -> Result<(), StoreError> {
    let ticket = &transition.ticket;
    let entries: Vec<_> = transition.entries.iter().map(|entry| (ticket, entry)).collect();
    ticket_rows::enter(transaction, &entries).await?;
    if ticket.version > FIRST {
        slots::free_unless_held(transaction, ticket).await?;
    }
    for effect in &transition.effects {
        follow(transaction, ticket, effect).await?;
    }
    match put_right_at(transition) {
        Some(at) => owed::note(transaction, Leftover::Tickets, at).await,
        None => Ok(()),
    }
}

async fn follow(transaction: &Transaction<'_>, ticket: &Ticket, effect: &Effect) -> Result<(), StoreError> {
    match effect {
        Effect::HandOver(department) => {
            if ticket.version > FIRST {
                let cancel = transaction
                    .prepare_cached("DELETE FROM tombstones WHERE department = $1 AND ticket_id = $2")
                    .await?;
                transaction
                    .execute(&cancel, &[&department.as_str(), &ticket.id.as_str()])
                    .await?;
            }
            pend(transaction, ticket, department, CURRENT).await
        }
        Effect::Withdraw {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, WITHDRAWN).await?;
            bury(transaction, ticket, department, tombstone_at.timestamp_millis()).await
        }
        Effect::Tombstone { department, at } => {
            bury(transaction, ticket, department, at.timestamp_millis()).await
        }
        Effect::Erase {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, ERASED).await?;
            bury(transaction, ticket, department, tombstone_at.timestamp_millis()).await
        }
        Effect::Restrict {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, RESTRICTED).await?;
            match tombstone_at {
                Some(at) => bury(transaction, ticket, department, at.timestamp_millis()).await,
                None => Ok(()),
            }
        }
        Effect::Rectify {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, RECTIFIED).await?;
            bury(transaction, ticket, department, tombstone_at.timestamp_millis()).await
        }
        Effect::Tell { department, of } => recipients::tell(transaction, ticket, department, *of).await,
        Effect::Confirm {
            department,
            of,
            by_hand,
        } => recipients::confirm(transaction, ticket, department, *of, *by_hand).await,
        Effect::Untell(of) => recipients::untell(transaction, ticket, *of).await,
        Effect::Forget { entries } => forget(transaction, ticket, *entries).await,
        Effect::Restate { at, was, concern } => restate(transaction, ticket, (*at, was), concern).await,
        Effect::Mail { department, subject } => mails::pend(transaction, ticket, department, *subject).await,
        Effect::TellCitizen => citizen_mails::pend(transaction, ticket).await,
        Effect::Book { booking, capacity } => slots::book(transaction, ticket, booking, *capacity).await,
    }
}

/// Says in the history what is right, instead of what was added.
async fn restate(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    (at, was): (DateTime<Utc>, &Personal),
    concern: &Personal,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "UPDATE ticket_history SET note = $4
             WHERE ticket_id = $1 AND at_ms = $2 AND note = $3 AND action IN ($5, $6)",
            &[
                &ticket.id.as_str(),
                &at.timestamp_millis(),
                &text(was.reveal()),
                &text(concern.reveal()),
                &Action::ConcernAdded.name(),
                &Action::Reopened.name(),
            ],
        )
        .await?;
    Ok(())
}

/// Takes away what is kept about the citizen: what is left of the ticket's own fields is what it says now.
async fn forget(transaction: &Transaction<'_>, ticket: &Ticket, entries: u32) -> Result<(), StoreError> {
    let id = ticket.id.as_str();
    transaction
        .execute(
            "UPDATE tickets SET request = $2, hotline = $3, category = $4, call = NULL, phone_key = NULL,
                 name_key = NULL, postal_code = NULL
             WHERE ticket_id = $1",
            &[
                &id,
                &json(&ticket.request),
                &text(hotline_column(ticket.hotline.as_ref())),
                &ticket.category.as_deref().map(text),
            ],
        )
        .await?;
    transaction
        .execute(
            "UPDATE ticket_history SET note = NULL WHERE ticket_id = $1 AND number <= $2",
            &[&id, &i64::from(entries)],
        )
        .await?;
    transaction
        .execute(
            "UPDATE idempotency_keys SET content = $2 WHERE ticket_id = $1",
            &[&id, &FORGOTTEN.as_slice()],
        )
        .await?;
    for mails in ["pending_mails", "citizen_mails"] {
        let delete = format!("DELETE FROM {mails} WHERE ticket_id = $1");
        transaction.execute(&delete, &[&id]).await?;
    }
    marks::remove(transaction, &ticket.id).await
}

/// The newest version replaces one that was not published yet, at its place.
async fn pend(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    kind: &str,
) -> Result<(), StoreError> {
    let pend = transaction
        .prepare_cached(
            "INSERT INTO pending_hand_overs (department, ticket_id, version, kind, since_ms)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (department, ticket_id) DO UPDATE SET version = excluded.version, kind = excluded.kind,
                 since_ms = excluded.since_ms, not_before_ms = 0, refusals = 0, error = NULL",
        )
        .await?;
    transaction
        .execute(
            &pend,
            &[
                &department.as_str(),
                &ticket.id.as_str(),
                &i64::from(ticket.version.0),
                &kind,
                &ticket.changed_at.timestamp_millis(),
            ],
        )
        .await?;
    Ok(())
}

async fn bury(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    due_at_ms: i64,
) -> Result<(), StoreError> {
    let bury = transaction
        .prepare_cached(
            "INSERT INTO tombstones (department, ticket_id, version, due_at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (department, ticket_id) DO UPDATE SET version = excluded.version,
                 due_at_ms = excluded.due_at_ms",
        )
        .await?;
    transaction
        .execute(
            &bury,
            &[
                &department.as_str(),
                &ticket.id.as_str(),
                &i64::from(ticket.version.0),
                &due_at_ms,
            ],
        )
        .await?;
    Ok(())
}
