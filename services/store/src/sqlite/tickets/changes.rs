//! Writing changes of tickets with all that follows from them.

use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, Identity, TicketId};
use domain::personal::Personal;
use domain::routing::RuleId;
use domain::ticket::{Action, Effect, Ticket, Transition};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::super::owed;
use super::{citizen_mails, mails, marks, queries, recipients, slots};
use crate::StoreError;
use crate::scrub::{Leftover, put_right_at};
use crate::ticket_columns::{
    CURRENT, CitizenColumns, Details, ERASED, FORGOTTEN, RECTIFIED, RESTRICTED, WITHDRAWN, actor_columns,
    alarm_column, changes_marks, hotline_column, json,
};
use crate::tickets::{Addition, Logged, NewTicket};

pub(super) fn log(transaction: &Transaction<'_>, new: &NewTicket) -> Result<Logged, StoreError> {
    if let Some(logged) = logged_before(transaction, &new.idempotency_key, new.content)? {
        return Ok(logged);
    }
    let ticket = &new.transition.ticket;
    if queries::ticket(transaction, &ticket.id)?.is_some() {
        return Ok(Logged::IdTaken);
    }
    apply(transaction, &new.transition)?;
    keep_key(transaction, &new.idempotency_key, new.content, ticket)?;
    if let Some(identity) = new.notice_identity {
        notify(transaction, ticket, identity)?;
    }
    Ok(Logged::New)
}

fn notify(transaction: &Transaction<'_>, ticket: &Ticket, identity: Identity) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO call_notices (ticket_id, identity, hotline, at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            ticket.id.as_str(),
            identity.0,
            hotline_column(ticket.hotline.as_ref()),
            ticket.changed_at.timestamp_millis()
        ])?;
    Ok(())
}

pub(super) fn logged_before(
    connection: &Connection,
    key: &str,
    content: [u8; 32],
) -> Result<Option<Logged>, StoreError> {
    let known: Option<(Vec<u8>, String)> = connection
        .prepare_cached("SELECT content, ticket_id FROM idempotency_keys WHERE idempotency_key = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((known, ticket_id)) = known else {
        return Ok(None);
    };
    if known != content {
        return Ok(Some(Logged::KeyTaken));
    }
    let ticket = queries::ticket(connection, &TicketId::new(ticket_id))?;
    ticket
        .map(|ticket| Some(Logged::Repeated(Box::new(ticket))))
        .ok_or_else(|| StoreError::Unusable("an idempotency key without its ticket".to_owned()))
}

fn keep_key(
    transaction: &Transaction<'_>,
    key: &str,
    content: [u8; 32],
    ticket: &Ticket,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO idempotency_keys (idempotency_key, content, ticket_id, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            key,
            content,
            ticket.id.as_str(),
            ticket.changed_at.timestamp_millis()
        ])?;
    Ok(())
}

pub(super) fn add(transaction: &Transaction<'_>, addition: &Addition) -> Result<Logged, StoreError> {
    if let Some(logged) = logged_before(transaction, &addition.idempotency_key, addition.content)? {
        return Ok(logged);
    }
    apply(transaction, &addition.transition)?;
    let ticket = &addition.transition.ticket;
    keep_key(transaction, &addition.idempotency_key, addition.content, ticket)?;
    if let Some(identity) = addition.notice_identity {
        notify(transaction, ticket, identity)?;
    }
    Ok(Logged::New)
}

/// Writes a change, unless the ticket was changed since the change was decided.
pub(super) fn apply(transaction: &Transaction<'_>, transition: &Transition) -> Result<(), StoreError> {
    let ticket = &transition.ticket;
    if transition.history_before == 0 {
        insert(transaction, ticket)?;
        marks::write(transaction, ticket)?;
    } else {
        update(transaction, ticket, transition.history_before)?;
    }
    if transition.history_before > 0 && changes_marks(transition) {
        marks::write_anew(transaction, ticket)?;
    }
    let mut enter = transaction.prepare_cached(
        "INSERT INTO history (ticket_id, number, at_ms, actor_kind, actor, action, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for entry in &transition.entries {
        let (actor_kind, actor) = actor_columns(&entry.actor);
        enter.execute(params![
            ticket.id.as_str(),
            entry.number,
            entry.at.timestamp_millis(),
            actor_kind,
            actor,
            entry.action.name(),
            entry.note.as_ref().map(Personal::reveal),
        ])?;
    }
    slots::free_unless_held(transaction, ticket)?;
    transition
        .effects
        .iter()
        .try_for_each(|effect| follow(transaction, ticket, effect))?;
    match put_right_at(transition) {
        Some(at) => owed::note(transaction, Leftover::Tickets, at),
        None => Ok(()),
    }
}

fn insert(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<(), StoreError> {
    let citizen = CitizenColumns::of(&ticket.request);
    transaction
        .prepare_cached(
            "INSERT INTO tickets (ticket_id, version, history_length, state, department, hotline, category, request,
                 call, created_at_ms, changed_at_ms, due_at_ms, because, rule, attempts, returned_by, returned_because,
                 added, phone_key, name_key, postal_code, procedure,
                 details, next_alarm)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                 ?22, ?23, ?24)",
        )?
        .execute(params![
            ticket.id.as_str(),
            ticket.version.0,
            ticket.history_length,
            ticket.state.name(),
            ticket.department.as_str(),
            hotline_column(ticket.hotline.as_ref()),
            ticket.category,
            json(&ticket.request),
            ticket.call.map(|call| call.0),
            ticket.created_at.timestamp_millis(),
            ticket.changed_at.timestamp_millis(),
            ticket.due_at.timestamp_millis(),
            ticket.because,
            ticket.rule.as_ref().map(RuleId::as_str),
            ticket.attempts,
            json(&ticket.returned_by),
            ticket.returned_because.as_ref().map(Personal::reveal),
            json(&ticket.added),
            citizen.phone_key,
            citizen.name_key,
            citizen.postal_code,
            ticket.procedure.as_str(),
            json(&Details::of(ticket)),
            alarm_column(ticket),
        ])?;
    Ok(())
}

fn update(transaction: &Transaction<'_>, ticket: &Ticket, history_before: u32) -> Result<(), StoreError> {
    let changed = transaction
        .prepare_cached(
            "UPDATE tickets SET version = ?3, history_length = ?4, state = ?5, department = ?6, changed_at_ms = ?7,
                 due_at_ms = ?8, because = ?9, rule = ?10, attempts = ?11, returned_by = ?12, returned_because = ?13,
                 added = ?14, details = ?15, request = ?16, next_alarm = ?17,
                 settled_at_ms = ?18, restricted = ?19
             WHERE ticket_id = ?1 AND history_length = ?2",
        )?
        .execute(params![
            ticket.id.as_str(),
            history_before,
            ticket.version.0,
            ticket.history_length,
            ticket.state.name(),
            ticket.department.as_str(),
            ticket.changed_at.timestamp_millis(),
            ticket.due_at.timestamp_millis(),
            ticket.because,
            ticket.rule.as_ref().map(RuleId::as_str),
            ticket.attempts,
            json(&ticket.returned_by),
            ticket.returned_because.as_ref().map(Personal::reveal),
            json(&ticket.added),
            json(&Details::of(ticket)),
            json(&ticket.request),
            alarm_column(ticket),
            ticket.settled_at().map(|at| at.timestamp_millis()),
            ticket.is_restricted(),
        ])?;
    if changed == 0 {
        return Err(StoreError::Conflict(format!("ticket {}", ticket.id)));
    }
    Ok(())
}

fn follow(transaction: &Transaction<'_>, ticket: &Ticket, effect: &Effect) -> Result<(), StoreError> {
    match effect {
        Effect::HandOver(department) => {
            transaction
                .prepare_cached("DELETE FROM tombstones WHERE department = ?1 AND ticket_id = ?2")?
                .execute(params![department.as_str(), ticket.id.as_str()])?;
            pend(transaction, ticket, department, CURRENT)
        }
        Effect::Withdraw {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, WITHDRAWN)?;
            bury(transaction, ticket, department, tombstone_at.timestamp_millis())
        }
        Effect::Tombstone { department, at } => bury(transaction, ticket, department, at.timestamp_millis()),
        Effect::Erase {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, ERASED)?;
            bury(transaction, ticket, department, tombstone_at.timestamp_millis())
        }
        Effect::Restrict {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, RESTRICTED)?;
            match tombstone_at {
                Some(at) => bury(transaction, ticket, department, at.timestamp_millis()),
                None => Ok(()),
            }
        }
        Effect::Rectify {
            department,
            tombstone_at,
        } => {
            pend(transaction, ticket, department, RECTIFIED)?;
            bury(transaction, ticket, department, tombstone_at.timestamp_millis())
        }
        Effect::Tell { department, of } => recipients::tell(transaction, ticket, department, *of),
        Effect::Confirm {
            department,
            of,
            by_hand,
        } => recipients::confirm(transaction, ticket, department, *of, *by_hand),
        Effect::Untell(of) => recipients::untell(transaction, ticket, *of),
        Effect::Forget { entries } => forget(transaction, ticket, *entries),
        Effect::Restate { at, was, concern } => restate(transaction, ticket, (*at, was), concern),
        Effect::Mail { department, subject } => mails::pend(transaction, ticket, department, *subject),
        Effect::TellCitizen => citizen_mails::pend(transaction, ticket),
        Effect::Book { booking, capacity } => slots::book(transaction, ticket, booking, *capacity),
    }
}

/// Takes away what is kept about the citizen: what is left of the ticket's own fields is what it says now.
/// Says in the history what is right, instead of what was added.
fn restate(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    (at, was): (DateTime<Utc>, &Personal),
    concern: &Personal,
) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE history SET note = ?4 WHERE ticket_id = ?1 AND at_ms = ?2 AND note = ?3 AND action IN (?5, ?6)",
        params![
            ticket.id.as_str(),
            at.timestamp_millis(),
            was.reveal(),
            concern.reveal(),
            Action::ConcernAdded.name(),
            Action::Reopened.name()
        ],
    )?;
    Ok(())
}

fn forget(transaction: &Transaction<'_>, ticket: &Ticket, entries: u32) -> Result<(), StoreError> {
    let id = ticket.id.as_str();
    transaction.execute(
        "UPDATE tickets SET request = ?2, hotline = ?3, category = ?4, call = NULL, phone_key = NULL, name_key = NULL,
             postal_code = NULL
         WHERE ticket_id = ?1",
        params![
            id,
            json(&ticket.request),
            hotline_column(ticket.hotline.as_ref()),
            ticket.category
        ],
    )?;
    transaction.execute(
        "UPDATE history SET note = NULL WHERE ticket_id = ?1 AND number <= ?2",
        params![id, entries],
    )?;
    transaction.execute(
        "UPDATE idempotency_keys SET content = ?2 WHERE ticket_id = ?1",
        params![id, FORGOTTEN],
    )?;
    for mails in ["pending_mails", "citizen_mails"] {
        transaction.execute(&format!("DELETE FROM {mails} WHERE ticket_id = ?1"), [id])?;
    }
    marks::remove(transaction, &ticket.id)
}

/// The newest version replaces one that was not published yet, at its place.
fn pend(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    kind: &str,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO pending_hand_overs (department, ticket_id, version, kind, since_ms)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (department, ticket_id) DO UPDATE SET version = excluded.version, kind = excluded.kind,
                 since_ms = excluded.since_ms, not_before_ms = 0, refusals = 0, error = NULL",
        )?
        .execute(params![
            department.as_str(),
            ticket.id.as_str(),
            ticket.version.0,
            kind,
            ticket.changed_at.timestamp_millis()
        ])?;
    Ok(())
}

fn bury(
    transaction: &Transaction<'_>,
    ticket: &Ticket,
    department: &DepartmentId,
    due_at_ms: i64,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO tombstones (department, ticket_id, version, due_at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (department, ticket_id) DO UPDATE SET version = excluded.version,
                 due_at_ms = excluded.due_at_ms",
        )?
        .execute(params![
            department.as_str(),
            ticket.id.as_str(),
            ticket.version.0,
            due_at_ms
        ])?;
    Ok(())
}
