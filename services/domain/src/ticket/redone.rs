//! What was done with a ticket by right of the citizen, done once more with an older state of it: a restored backup does not
//! know what came after it.

use std::collections::BTreeMap;

use super::{ActRefused, Action, HistoryEntry, Right, Ticket, Transition, lift, rectify, restrict};
use crate::ids::FieldId;
use crate::personal::Personal;
use crate::service_time::{DuePolicy, ServiceCalendar};

impl HistoryEntry {
    /// Whether something was done by right of the citizen that a restored backup must know.
    pub fn is_act_of_right(&self) -> bool {
        matches!(
            self.action,
            Action::Rectified | Action::Restricted | Action::RestrictionLifted
        )
    }

    /// The fields that were put right, if any were.
    pub fn fields_put_right(&self) -> Vec<FieldId> {
        match self.action {
            Action::Rectified => super::rectification::read_note(self.note.as_ref()).0,
            _ => Vec::new(),
        }
    }
}

/// Does an act of the history of a newer state once more. `right` has the fields that were put right, as they were in the end; an
/// empty one was taken away.
///
/// # Errors
/// [`ActRefused`] if the ticket was erased, or stands otherwise than the act found it.
pub fn redo(
    ticket: &Ticket,
    act: &HistoryEntry,
    right: &BTreeMap<FieldId, Personal>,
) -> Result<Transition, ActRefused> {
    let (actor, at) = (act.actor.clone(), act.at);
    let reason = act.note.clone().unwrap_or_default();
    match act.action {
        Action::Restricted => restrict(ticket, reason, actor, at),
        Action::RestrictionLifted => {
            // The rules of then are not at hand: the time that stood still is counted by the default service time.
            let calendar = ServiceCalendar::default();
            lift(ticket, reason, actor, at, (&calendar, DuePolicy::default()))
        }
        _ => {
            let (fields, reason) = super::rectification::read_note(act.note.as_ref());
            let mut as_it_was = Right {
                request: ticket.request.clone(),
                added: ticket.added.clone(),
                fields: fields.clone(),
            };
            for field in fields {
                let text = right.get(&field).cloned().unwrap_or_default();
                as_it_was.set(field, text);
            }
            rectify(ticket, as_it_was, &reason, actor, at)
        }
    }
}
