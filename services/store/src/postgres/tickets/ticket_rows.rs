//! Rows of tickets and of their history, written many at a time.

use deadpool_postgres::Transaction;
use domain::personal::Personal;
use domain::routing::RuleId;
use domain::ticket::{HistoryEntry, Ticket};

use super::super::values::{key, text};
use crate::StoreError;
use crate::ticket_columns::{CitizenColumns, Details, actor_columns, alarm_column, hotline_column, json};

/// Whether it was written: another ticket may have the number.
pub(super) async fn insert(transaction: &Transaction<'_>, ticket: &Ticket) -> Result<bool, StoreError> {
    let citizen = CitizenColumns::of(&ticket.request);
    let insert = transaction
        .prepare_cached(
            "INSERT INTO tickets (ticket_id, version, history_length, state, department, hotline, category, request,
                 call, created_at_ms, changed_at_ms, due_at_ms, because, rule, attempts, returned_by, returned_because,
                 added, phone_key, name_key, postal_code, procedure,
                 details, next_alarm)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                 $22, $23, $24)
             ON CONFLICT (ticket_id) DO NOTHING",
        )
        .await?;
    let inserted = transaction
        .execute(
            &insert,
            &[
                &ticket.id.as_str(),
                &i64::from(ticket.version.0),
                &i64::from(ticket.history_length),
                &ticket.state.name(),
                &ticket.department.as_str(),
                &text(hotline_column(ticket.hotline.as_ref())),
                &ticket.category.as_deref().map(text),
                &json(&ticket.request),
                &ticket.call.map(key),
                &ticket.created_at.timestamp_millis(),
                &ticket.changed_at.timestamp_millis(),
                &ticket.due_at.timestamp_millis(),
                &text(&ticket.because),
                &ticket.rule.as_ref().map(RuleId::as_str),
                &i64::from(ticket.attempts),
                &json(&ticket.returned_by),
                &ticket.returned_because.as_ref().map(Personal::reveal).map(text),
                &json(&ticket.added),
                &citizen.phone_key.as_deref().map(text),
                &citizen.name_key.as_deref().map(text),
                &citizen.postal_code,
                &ticket.procedure.as_str(),
                &json(&Details::of(ticket)),
                &alarm_column(ticket),
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// Writes tickets as they are now, each with the length of its history before. Returns how many were written: one that
/// was changed meanwhile is not.
pub(super) async fn update(
    transaction: &Transaction<'_>,
    tickets: &[(&Ticket, u32)],
) -> Result<u64, StoreError> {
    if tickets.is_empty() {
        return Ok(0);
    }
    let update = transaction
        .prepare_cached(
            "UPDATE tickets t SET version = n.version, history_length = n.history_length, state = n.state,
                 department = n.department, changed_at_ms = n.changed_at_ms, due_at_ms = n.due_at_ms,
                 because = n.because, rule = n.rule, attempts = n.attempts, returned_by = n.returned_by,
                 returned_because = n.returned_because, added = n.added, details = n.details, request = n.request,
                 next_alarm = n.next_alarm, settled_at_ms = n.settled_at_ms,
                 restricted = n.restricted
             FROM unnest($1::text[], $2::int8[], $3::int8[], $4::int8[], $5::text[], $6::text[], $7::int8[], $8::int8[],
                     $9::text[], $10::text[], $11::int8[], $12::text[], $13::text[], $14::text[], $15::text[],
                     $16::text[], $17::text[], $18::int8[], $19::bool[])
                 AS n (ticket_id, history_before, version, history_length, state, department, changed_at_ms, due_at_ms,
                     because, rule, attempts, returned_by, returned_because, added, details, request, next_alarm,
                     settled_at_ms, restricted)
             WHERE t.ticket_id = n.ticket_id AND t.history_length = n.history_before",
        )
        .await?;
    let befores: Vec<i64> = tickets.iter().map(|(_, before)| i64::from(*before)).collect();
    Ok(transaction
        .execute(
            &update,
            &[
                &of(tickets, |it| it.id.as_str()),
                &befores,
                &of(tickets, |it| i64::from(it.version.0)),
                &of(tickets, |it| i64::from(it.history_length)),
                &of(tickets, |it| it.state.name()),
                &of(tickets, |it| it.department.as_str()),
                &of(tickets, |it| it.changed_at.timestamp_millis()),
                &of(tickets, |it| it.due_at.timestamp_millis()),
                &of(tickets, |it| text(&it.because)),
                &of(tickets, |it| it.rule.as_ref().map(RuleId::as_str)),
                &of(tickets, |it| i64::from(it.attempts)),
                &of(tickets, |it| json(&it.returned_by)),
                &of(tickets, |it| {
                    it.returned_because.as_ref().map(Personal::reveal).map(text)
                }),
                &of(tickets, |it| json(&it.added)),
                &of(tickets, |it| json(&Details::of(it))),
                &of(tickets, |it| json(&it.request)),
                &of(tickets, alarm_column),
                &of(tickets, |it| it.settled_at().map(|at| at.timestamp_millis())),
                &of(tickets, Ticket::is_restricted),
            ],
        )
        .await?)
}

/// A column of tickets.
fn of<'a, T>(tickets: &[(&'a Ticket, u32)], value: impl Fn(&'a Ticket) -> T) -> Vec<T> {
    tickets.iter().map(|(ticket, _)| value(ticket)).collect()
}

/// Writes entries of the history of tickets.
pub(super) async fn enter(
    transaction: &Transaction<'_>,
    entries: &[(&Ticket, &HistoryEntry)],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let enter = transaction
        .prepare_cached(
            "INSERT INTO ticket_history (ticket_id, number, at_ms, actor_kind, actor, action, note)
             SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::text[])",
        )
        .await?;
    let (mut ids, mut numbers, mut times, mut kinds, mut actors, mut actions, mut notes) = <(
        Vec<&str>,
        Vec<i64>,
        Vec<i64>,
        Vec<&str>,
        Vec<Option<_>>,
        Vec<&str>,
        Vec<Option<_>>,
    )>::default();
    for (ticket, entry) in entries {
        let (kind, actor) = actor_columns(&entry.actor);
        ids.push(ticket.id.as_str());
        numbers.push(i64::from(entry.number));
        times.push(entry.at.timestamp_millis());
        kinds.push(kind);
        actors.push(actor.map(text));
        actions.push(entry.action.name());
        notes.push(entry.note.as_ref().map(Personal::reveal).map(text));
    }
    transaction
        .execute(
            &enter,
            &[&ids, &numbers, &times, &kinds, &actors, &actions, &notes],
        )
        .await?;
    Ok(())
}
