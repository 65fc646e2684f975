//! How values of tickets that have no column type of their own are kept, in every store alike.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{AgentName, DepartmentId, HotlineName, TicketId};
use domain::procedure::CheckedRequest;
use domain::rulebook::RulesVersion;
use domain::ticket::{
    Action, Actor, Alarm, Course, MailSubject, Schedule, Ticket, TicketState, TicketVersion, Transition,
};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::tickets::{HandOverContent, Verdict};

/// The two columns of an actor: kind and name.
pub(crate) fn actor_columns(actor: &Actor) -> (&'static str, Option<&str>) {
    match actor {
        Actor::Agent(name) => ("agent", Some(name.as_str())),
        Actor::Department(id) => ("department", Some(id.as_str())),
        Actor::System => ("system", None),
    }
}

/// Reads what [`actor_columns`] gave.
pub(crate) fn actor(kind: &str, name: Option<String>) -> Result<Actor, StoreError> {
    match (kind, name) {
        ("agent", Some(name)) => Ok(Actor::Agent(AgentName::new(name))),
        ("department", Some(name)) => Ok(Actor::Department(DepartmentId::new(name))),
        ("system", None) => Ok(Actor::System),
        _ => Err(unreadable("the actor of an entry of a history")),
    }
}

/// The four columns of a verdict: state and version, or code and reason.
pub(crate) type VerdictColumns<'a> = (Option<&'a str>, Option<u32>, Option<&'a str>, Option<&'a str>);

/// See [`VerdictColumns`].
pub(crate) fn verdict_columns(verdict: &Verdict) -> VerdictColumns<'_> {
    match verdict {
        Verdict::Applied { state, version } => (Some(state.name()), Some(version.0), None, None),
        Verdict::Rejected { code, reason } => (None, None, Some(code), Some(reason)),
    }
}

/// Reads what [`verdict_columns`] gave.
pub(crate) fn verdict(
    (state, version, code, reason): (Option<String>, Option<u32>, Option<String>, Option<String>),
) -> Result<Verdict, StoreError> {
    let applied = state
        .and_then(|state| TicketState::from_name(&state))
        .zip(version);
    let rejected = code.zip(reason);
    match (applied, rejected) {
        (Some((state, version)), _) => Ok(Verdict::Applied {
            state,
            version: TicketVersion(version),
        }),
        (None, Some((code, reason))) => Ok(Verdict::Rejected { code, reason }),
        (None, None) => Err(unreadable("the outcome of a reply")),
    }
}

/// The condition of tickets that are owed an answer. Written as the partial indexes have it, else they are not used.
pub(crate) const OWED: &str = "state NOT IN ('answered', 'unreachable', 'withdrawn', 'closed', 'erased')";

/// The condition of tickets that are owed none and were not erased. Written as the partial indexes have it.
pub(crate) const SETTLED: &str = "settled_at_ms IS NOT NULL";

/// Of those that are owed an answer: every alarm was raised. Written as the partial index has it.
pub(crate) const ESCALATED_ALREADY: &str = "next_alarm IS NULL";

/// A department has returned it. Written as the partial index has it.
pub(crate) const RETURNED: &str = "returned_by <> '[]'";

/// The condition of tickets that time closes.
pub(crate) const ENDED: &str = "state IN ('answered', 'unreachable', 'withdrawn')";

/// The condition of tickets that are kept because somebody may need them, however old they are.
pub(crate) const NOT_RESTRICTED: &str = "NOT restricted";

/// Whether something of a ticket is on its way to a department or to the topic of calls, or planned to be.
pub(crate) const ON_ITS_WAY: &str = "(EXISTS (SELECT 1 FROM pending_hand_overs w WHERE w.ticket_id = tickets.ticket_id)
    OR EXISTS (SELECT 1 FROM tombstones w WHERE w.ticket_id = tickets.ticket_id)
    OR EXISTS (SELECT 1 FROM call_notices w WHERE w.ticket_id = tickets.ticket_id)
    OR EXISTS (SELECT 1 FROM replies r JOIN pending_results w ON w.department = r.department AND w.reply_id = r.reply_id
        WHERE r.ticket_id = tickets.ticket_id))";

/// Which replies were rejected because their ticket is not known, and are over with.
pub(crate) const REJECTED_AND_TOLD: &str = "r.code IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.ticket_id = r.ticket_id)
    AND NOT EXISTS (SELECT 1 FROM pending_results w WHERE w.department = r.department AND w.reply_id = r.reply_id)";

/// Stands for the digest of a request that was forgotten: no request has it.
pub(crate) const FORGOTTEN: [u8; 32] = [0; 32];

/// The column of a hotline: empty without one.
pub(crate) fn hotline_column(hotline: Option<&HotlineName>) -> &str {
    hotline.map_or("", HotlineName::as_str)
}

/// Reads what [`hotline_column`] gave.
pub(crate) fn hotline(column: &str) -> Option<HotlineName> {
    (!column.is_empty()).then(|| HotlineName::new(column))
}

/// The kind of a hand-over that shows the ticket as it is.
pub(crate) const CURRENT: &str = "current";
/// The kind of a hand-over that takes the ticket away.
pub(crate) const WITHDRAWN: &str = "withdrawn";

/// The kind of a mail about another department's ticket.
pub(crate) const ESCALATED: &str = "escalated";

/// The column of the next alarm.
pub(crate) fn alarm_column(ticket: &Ticket) -> Option<&'static str> {
    ticket.next_alarm().map(Alarm::name)
}
/// The kind of a hand-over that says that the ticket was erased.
pub(crate) const ERASED: &str = "erased";

/// The kind of a hand-over that says that the ticket is restricted.
pub(crate) const RESTRICTED: &str = "restricted";
/// The kind of a hand-over that says what was put right.
pub(crate) const RECTIFIED: &str = "rectified";

/// The condition of tickets that may be in a list.
pub(crate) const UNRESTRICTED: &str = "NOT restricted";

/// What a hand-over says, by its kind.
pub(crate) fn content(
    kind: &str,
    ticket: Ticket,
    since: DateTime<Utc>,
) -> Result<HandOverContent, StoreError> {
    match kind {
        CURRENT => Ok(HandOverContent::Current(Box::new(ticket))),
        WITHDRAWN => Ok(HandOverContent::Withdrawn(since)),
        ERASED => Ok(HandOverContent::Erased(since)),
        RESTRICTED => Ok(HandOverContent::Restricted(since)),
        RECTIFIED => Ok(HandOverContent::Rectified(Box::new(ticket))),
        _ => Err(of_ticket("the kind of a hand-over", &ticket.id)),
    }
}

/// The kind of a mail.
pub(crate) fn mail_kind(subject: MailSubject) -> &'static str {
    match subject {
        MailSubject::Ticket => CURRENT,
        MailSubject::Withdrawn => WITHDRAWN,
        MailSubject::Escalated => ESCALATED,
        MailSubject::Erased => ERASED,
        MailSubject::Restricted => RESTRICTED,
        MailSubject::Rectified => RECTIFIED,
    }
}

/// Reads what [`mail_kind`] gave.
pub(crate) fn mail_subject(kind: &str) -> Result<MailSubject, StoreError> {
    match kind {
        CURRENT => Ok(MailSubject::Ticket),
        WITHDRAWN => Ok(MailSubject::Withdrawn),
        ESCALATED => Ok(MailSubject::Escalated),
        ERASED => Ok(MailSubject::Erased),
        RESTRICTED => Ok(MailSubject::Restricted),
        RECTIFIED => Ok(MailSubject::Rectified),
        _ => Err(unreadable("the kind of a mail")),
    }
}

/// A time in milliseconds since 1970.
pub(crate) fn time(ms: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(ms).ok_or_else(|| unreadable("a time"))
}

/// A list or a group of texts as JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and lists of texts can be written as JSON")
}

/// Reads the documents of a version of the rules.
pub(crate) fn documents(texts: &str) -> Result<BTreeMap<String, String>, StoreError> {
    serde_json::from_str(texts).map_err(|_| unreadable("a version of the rules"))
}

/// Reads a digest.
pub(crate) fn digest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| unreadable("a digest"))
}

/// Somebody else applied rules first.
pub(crate) fn taken_rules(version: RulesVersion) -> StoreError {
    StoreError::Conflict(format!("version {version} of the rules"))
}

/// What is kept of a ticket as one value, because nobody searches by it. Absent ones are not written.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    /// The version of the rules that chose the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<RulesVersion>,
    /// Wished window, booked slots, and what was said about the due time.
    #[serde(skip_serializing_if = "Schedule::is_empty")]
    pub(crate) schedule: Schedule,
    /// How it has gone so far.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) course: Course,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Details {
    pub(crate) fn of(ticket: &Ticket) -> Self {
        Self {
            rules: ticket.rules,
            schedule: ticket.schedule.clone(),
            course: ticket.course.clone(),
        }
    }

    /// Reads what was written as JSON.
    pub(crate) fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// What a ticket is found by: keys of number and name, and the postal code.
pub(crate) struct CitizenColumns {
    pub(crate) phone_key: Option<String>,
    pub(crate) name_key: Option<String>,
    pub(crate) postal_code: Option<String>,
}

impl CitizenColumns {
    pub(crate) fn of(request: &CheckedRequest) -> Self {
        let fields = request.fields();
        Self {
            phone_key: fields.phone_key(),
            name_key: fields.name_key(),
            postal_code: fields.get("postal_code").map(|code| code.reveal().to_owned()),
        }
    }
}

/// Whether what a ticket is found by may be other after a change than before it.
pub(crate) fn changes_marks(transition: &Transition) -> bool {
    let says_more = [Action::ConcernAdded, Action::Rectified];
    transition
        .entries
        .iter()
        .any(|entry| says_more.contains(&entry.action))
}

/// A column holds something that this version does not know.
pub(crate) fn of_ticket(what: &str, ticket: &TicketId) -> StoreError {
    StoreError::Unusable(format!("{what} of ticket {ticket} cannot be read"))
}

/// As [`of_ticket`], where no ticket can be named.
pub(crate) fn unreadable(what: &str) -> StoreError {
    StoreError::Unusable(format!("{what} cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_an_answer_is_what_the_domain_calls_pending() {
        for state in TicketState::ALL {
            let settled = OWED.contains(&format!("'{}'", state.name()));
            assert_eq!(settled, !state.is_pending(), "{state:?}");
        }
    }
}
