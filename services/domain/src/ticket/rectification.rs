//! What a ticket says about the citizen is put right (Art. 16 GDPR), and whoever was told is told so (Art. 19).

use chrono::{DateTime, Utc};

use super::{
    ActRefused, Action, Actor, AddedConcern, CLOSED_STAYS, Change, ERASED_STAYS, Effect, Rectified, Right,
    Ticket, TicketState, ToldOf, Transition,
};
use crate::ids::{DepartmentId, FieldId};
use crate::personal::Personal;

/// Puts fields of a ticket right; they were checked by the rules of the procedure. The present department sees the ticket
/// as it is now, former ones what the fields say now. The reason is kept in the history, what was wrong is not.
///
/// # Errors
/// [`ActRefused::Erased`].
pub fn rectify(
    ticket: &Ticket,
    right: Right,
    reason: &Personal,
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<Transition, ActRefused> {
    if ticket.state == TicketState::Erased {
        return Err(ActRefused::Erased);
    }
    let mut change = Change::of(ticket.clone(), at);
    let note = note(&right.fields, reason);
    let at = change.at;
    let changed = change.ticket();
    // The history says what was added, too: nothing of what was wrong stays there.
    let restated: Vec<Effect> = restated(&ticket.added, &right.added).collect();
    changed.request = right.request;
    changed.added = right.added;
    let mut all = right.fields;
    if let Some(before) = &ticket.course.rectified {
        // Who has not confirmed that yet is told of both.
        all.extend(before.fields.iter().cloned());
        all.sort_unstable();
        all.dedup();
    }
    changed.course.rectified = Some(Rectified {
        at,
        fields: all,
        confirmed_by: Vec::new(),
    });
    change.enter(actor, Action::Rectified, Some(note));
    change.transition.effects.extend(restated);
    if ticket.is_restricted() {
        // Told once it is lifted.
        return Ok(change.transition);
    }
    let mut transition = change.seen_by_department();
    if ticket.state == TicketState::Closed {
        transition.effects.push(Effect::Tombstone {
            department: ticket.department.clone(),
            at: at + CLOSED_STAYS,
        });
    }
    tell(&mut transition);
    Ok(transition)
}

/// Concerns that say something else now.
fn restated<'a>(before: &'a [AddedConcern], right: &'a [AddedConcern]) -> impl Iterator<Item = Effect> + 'a {
    let pairs = before.iter().zip(right);
    let other = pairs.filter(|(before, right)| before.concern != right.concern);
    other.map(|(before, right)| Effect::Restate {
        at: before.at,
        was: before.concern.clone(),
        concern: right.concern.clone(),
    })
}

/// What the history says of it.
fn note(fields: &[FieldId], reason: &Personal) -> Personal {
    let names: Vec<&str> = fields.iter().map(FieldId::as_str).collect();
    Personal::new(format!("{}: {}", names.join(", "), reason.reveal()))
}

/// Which fields the history says were put right, and why.
pub(super) fn read_note(note: Option<&Personal>) -> (Vec<FieldId>, Personal) {
    let note = note.map_or("", Personal::reveal);
    let (names, reason) = note.split_once(": ").unwrap_or((note, ""));
    let names = names.split(", ").filter(|name| !name.is_empty());
    (names.map(FieldId::new).collect(), Personal::new(reason))
}

/// Every department that has or had the ticket, and has not confirmed it, is told what was put right, and asked to confirm.
pub(super) fn tell(transition: &mut Transition) {
    let ticket = &transition.ticket;
    let Some(rectified) = &ticket.course.rectified else {
        return;
    };
    let tombstone_at = ticket.changed_at + ERASED_STAYS;
    let mut effects = Vec::new();
    for department in ticket.all_departments() {
        if rectified.confirmed_by.contains(department) {
            continue;
        }
        if *department != ticket.department {
            effects.push(Effect::Rectify {
                department: department.clone(),
                tombstone_at,
            });
        }
        effects.push(Effect::Tell {
            department: department.clone(),
            of: ToldOf::Rectified,
        });
    }
    transition.effects.extend(effects);
}

/// A department has put right what it keeps.
pub(super) fn confirm(ticket: &Ticket, department: &DepartmentId, at: DateTime<Utc>) -> Transition {
    let mut change = Change::of(ticket.clone(), at);
    if let Some(rectified) = &mut change.ticket().course.rectified {
        rectified.confirmed_by.push(department.clone());
    }
    let actor = Actor::Department(department.clone());
    change.enter(actor, Action::RectificationConfirmed, None);
    let mut transition = change.transition;
    transition.effects.push(Effect::Confirm {
        department: department.clone(),
        of: ToldOf::Rectified,
        by_hand: false,
    });
    transition
}
