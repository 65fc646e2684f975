//! What the channels of a call tell: its arrival, and how its stays and conversations ended.

use chrono::{DateTime, TimeDelta, Utc};
use domain::event::{CallEvent, EndedBy, EventKind, Measured, VisitEnd};
use domain::ids::{CallId, HotlineName, VisitKey};
use domain::personal::Caller;
use domain::record::TaskType;

use crate::adapter::{CallBody, CallItem, Item};
use crate::cel::channel::{Channel, Side, Stay};
use crate::cel::map::CelMap;

/// Music on hold that begins within this time of a transfer's prompt belongs to the transfer.
const WITH_PROMPT: TimeDelta = TimeDelta::milliseconds(200);

/// Where events go to.
pub(super) struct Teller<'a> {
    pub(super) map: &'a CelMap,
    pub(super) items: &'a mut Vec<Item>,
}

impl Teller<'_> {
    pub(super) fn tell(
        &mut self,
        call: &str,
        at: DateTime<Utc>,
        visit: Option<VisitKey>,
        measured: Measured,
        kind: EventKind,
    ) {
        let mut event = CallEvent::new(at, kind);
        event.visit = visit;
        event.measured = measured;
        self.items.push(Item::Call(CallItem {
            call: CallId::new(call),
            body: CallBody::Event(Box::new(event)),
        }));
    }

    /// What the queue log tells as well, unless it alone shall.
    pub(super) fn tell_visit(
        &mut self,
        call: &str,
        at: DateTime<Utc>,
        key: &VisitKey,
        measured: Measured,
        kind: EventKind,
    ) {
        if !self.map.beside_queue_log {
            self.tell(call, at, Some(key.clone()), measured, kind);
        }
    }
}

/// Tells that the call came in, once.
pub(super) fn arrive(channel: &mut Channel, unique: &str, teller: &mut Teller<'_>) {
    if std::mem::replace(&mut channel.told, true) {
        return;
    }
    let hotline = match (teller.map.dialled.listed(&channel.dialled), &channel.first_queue) {
        (Some(hotline), _) => HotlineName::new(hotline),
        (None, Some(queue)) => teller.map.queues.hotline(queue),
        (None, None) => HotlineName::new(&channel.dialled),
    };
    let dialled = Some(channel.dialled.clone()).filter(|dialled| !matches!(dialled.as_str(), "" | "s"));
    let kind = EventKind::Arrived {
        task_type: TaskType::InboundCall,
        hotline,
        caller: teller.map.callers.caller(&channel.caller),
        dialled_address: dialled,
        direct_topic_dial: None,
        external_contact: None,
        inbound_contact: Some(true),
        out_cc_contact: None,
    };
    teller.tell(unique, channel.started, None, Measured::default(), kind);
}

pub(super) fn is_incoming(channel: &Channel, map: &CelMap) -> bool {
    let digits = channel.caller.bytes().filter(u8::is_ascii_digit).count();
    map.dialled.listed(&channel.dialled).is_some()
        || map.contexts.contains(&channel.context)
        || map.callers.caller(&channel.caller) == Some(Caller::Withheld)
        || digits >= map.caller_digits_min.max(1)
}

pub(super) fn end_waiting(
    channel: &mut Channel,
    unique: &str,
    at: DateTime<Utc>,
    outcome: VisitEnd,
    by: EndedBy,
    teller: &mut Teller<'_>,
) {
    let Some(key) = channel.stay.take().and_then(|stay| stay.key) else {
        return;
    };
    let kind = EventKind::VisitEnded {
        outcome: Some(outcome),
        by: Some(by),
    };
    teller.tell_visit(unique, at, &key, Measured::default(), kind);
}

pub(super) fn end_conversation(
    channel: &mut Channel,
    unique: &str,
    at: DateTime<Utc>,
    side: Option<Side>,
    prompt_at: Option<DateTime<Utc>>,
    teller: &mut Teller<'_>,
) {
    let by = match side {
        Some(Side::Caller) => EndedBy::Citizen,
        Some(Side::Agent) | None => EndedBy::Agent,
    };
    end_conversation_by(channel, unique, at, by, prompt_at, teller);
}

pub(super) fn end_conversation_by(
    channel: &mut Channel,
    unique: &str,
    at: DateTime<Utc>,
    by: EndedBy,
    prompt_at: Option<DateTime<Utc>>,
    teller: &mut Teller<'_>,
) {
    let Some(mut stay) = channel.stay.take() else {
        return;
    };
    let end = stay.answer.as_ref().map_or(at, |answer| answer.end(at).0);
    end_music(&mut stay, unique, end, prompt_at, teller);
    let Some(key) = stay.key else { return };
    let kind = EventKind::VisitEnded {
        outcome: None,
        by: Some(by),
    };
    teller.tell_visit(unique, end, &key, Measured::default(), kind);
}

/// Music on hold ended: a hold, unless it belonged to a transfer.
pub(super) fn end_music(
    stay: &mut Stay,
    unique: &str,
    at: DateTime<Utc>,
    prompt_at: Option<DateTime<Utc>>,
    teller: &mut Teller<'_>,
) {
    let Some(since) = stay.answer.as_mut().and_then(|answer| answer.music_since.take()) else {
        return;
    };
    let of_transfer = prompt_at.is_some_and(|prompt| (prompt - since).abs() <= WITH_PROMPT);
    if of_transfer || at <= since {
        return;
    }
    let key = stay.key.clone();
    teller.tell(unique, since, key.clone(), Measured::default(), EventKind::Held);
    teller.tell(unique, at, key, Measured::default(), EventKind::Resumed);
}
