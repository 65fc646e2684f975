//! What the rules of a ticket's life need to know, and nobody searches by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::TicketVersion;
use crate::ids::{DepartmentId, FieldId, Identity};

/// How a ticket has gone so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    /// Callbacks in a row that reached nobody, since the citizen was last heard of or the department began.
    #[serde(skip_serializing_if = "is_default")]
    pub failed_attempts: u32,
    /// The version with which its department last had to begin anew; 0 if it had to begin once only.
    #[serde(skip_serializing_if = "is_default")]
    pub begun: TicketVersion,
    /// The version with which the citizen last asked for more; 0 if never.
    #[serde(skip_serializing_if = "is_default")]
    pub asked: TicketVersion,
    /// Since when no answer is owed.
    #[serde(skip_serializing_if = "is_default")]
    pub settled_at: Option<DateTime<Utc>>,
    /// Departments that people took it from, in order.
    #[serde(skip_serializing_if = "is_default")]
    pub taken_from: Vec<DepartmentId>,
    /// Later calls of the citizen about it.
    #[serde(skip_serializing_if = "is_default")]
    pub calls: Vec<Identity>,
    /// Departments that have confirmed the erasure.
    #[serde(skip_serializing_if = "is_default")]
    pub erasure_confirmed_by: Vec<DepartmentId>,
    /// Since when it is restricted: kept, and worked on by nobody until that is lifted.
    #[serde(skip_serializing_if = "is_default")]
    pub restricted_since: Option<DateTime<Utc>>,
    /// Departments that have confirmed the restriction.
    #[serde(skip_serializing_if = "is_default")]
    pub restriction_confirmed_by: Vec<DepartmentId>,
    /// The version with which a restriction was last lifted.
    #[serde(skip_serializing_if = "is_default")]
    pub lifted_in: Option<TicketVersion>,
    /// What was last put right.
    #[serde(skip_serializing_if = "is_default")]
    pub rectified: Option<Rectified>,
}

/// What was put right in a ticket, and who knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rectified {
    /// When.
    pub at: DateTime<Utc>,
    /// Which fields; earlier ones that a department has yet to confirm among them.
    pub fields: Vec<FieldId>,
    /// Departments that have put right what they keep.
    #[serde(default, skip_serializing_if = "is_default")]
    pub confirmed_by: Vec<DepartmentId>,
}

impl Course {
    /// The department begins with this version.
    pub(super) fn begin(&mut self, version: TicketVersion) {
        self.failed_attempts = 0;
        self.begun = version;
        self.asked = version;
        self.settled_at = None;
    }

    /// The citizen has asked for more, with this version.
    pub(super) fn ask(&mut self, version: TicketVersion) {
        self.failed_attempts = 0;
        self.asked = version;
    }
}

/// Whether a value need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
