//! What departments are told by right of the citizen: restricted, put right.

use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, FieldId, TicketId};
use domain::procedure::Fields;
use domain::ticket::{Rectified, Ticket, TicketVersion};
use serde::{Deserialize, Serialize};
use store::tickets::HandOverKey;

/// What was put right in a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRight {
    /// When.
    pub at: DateTime<Utc>,
    /// Which fields of the request.
    pub fields: Vec<FieldId>,
}

impl PutRight {
    pub(super) fn of(rectified: &Rectified) -> Self {
        Self {
            at: rectified.at,
            fields: rectified.fields.clone(),
        }
    }
}

/// Nobody works on a ticket until it comes again. No personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictedMessage {
    /// Its number.
    pub ticket_id: TicketId,
    /// The version with which it was restricted.
    pub version: TicketVersion,
    /// `restricted`.
    pub state: Restricted,
    /// Who has, or had, the ticket.
    pub department: DepartmentId,
    /// Since when.
    pub restricted_at: DateTime<Utc>,
}

/// The only state of a [`RestrictedMessage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restricted {
    /// Kept, and worked on by nobody.
    Restricted,
}

impl RestrictedMessage {
    /// The message that a ticket was restricted.
    pub fn of(key: &HandOverKey, restricted_at: DateTime<Utc>) -> Self {
        Self {
            ticket_id: key.ticket.clone(),
            version: key.version,
            state: Restricted::Restricted,
            department: key.department.clone(),
            restricted_at,
        }
    }
}

/// What was put right in a ticket that the department had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RectifiedMessage {
    /// Its number.
    pub ticket_id: TicketId,
    /// The version with which it was put right.
    pub version: TicketVersion,
    /// `withdrawn`: it is with another department.
    pub state: super::Withdrawn,
    /// Who had the ticket.
    pub department: DepartmentId,
    /// When.
    pub rectified_at: DateTime<Utc>,
    /// Which fields of the request.
    pub fields: Vec<FieldId>,
    /// What they say now; one that was taken away is absent.
    pub request: Fields,
}

impl RectifiedMessage {
    /// The message of what was put right in a ticket.
    pub fn of(key: &HandOverKey, ticket: &Ticket) -> Self {
        let rectified = ticket.course.rectified.as_ref();
        let fields = rectified.map(|it| it.fields.clone()).unwrap_or_default();
        let said = fields.iter().map(|id| (id, ticket.says(id)));
        let request = said.filter_map(|(id, text)| Some((id.clone(), text?.clone())));
        Self {
            ticket_id: key.ticket.clone(),
            version: key.version,
            state: super::Withdrawn::Withdrawn,
            department: key.department.clone(),
            rectified_at: rectified.map_or(ticket.changed_at, |it| it.at),
            request: request.collect(),
            fields,
        }
    }
}
