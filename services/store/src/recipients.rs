//! Departments that were told of a rectification, a restriction or an erasure, and whether they have confirmed it.
//!
//! Written in the transaction of the ticket, by [`domain::ticket::Effect::Tell`] and
//! [`domain::ticket::Effect::Confirm`].

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::ToldOf;

use crate::StoreError;

/// Tells who was told of what.
#[async_trait]
pub trait RecipientStore: Send + Sync + 'static {
    /// Who was told, the longest ago first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn recipients(&self, query: RecipientQuery) -> Result<Vec<Recipient>, StoreError>;
}

/// Which recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecipientQuery {
    /// Of this ticket.
    pub ticket: Option<TicketId>,
    /// Only this department.
    pub department: Option<DepartmentId>,
    /// Only those that have not confirmed.
    pub waiting: bool,
    /// Only those that were told before then.
    pub told_before: Option<DateTime<Utc>>,
    /// Only those after this one in the list.
    pub after: Option<RecipientPlace>,
    /// At most so many.
    pub most: usize,
}

/// Where a recipient stands in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientPlace {
    /// When it was told.
    pub told_at: DateTime<Utc>,
    /// The ticket.
    pub ticket: TicketId,
    /// Who.
    pub department: DepartmentId,
    /// What of.
    pub of: ToldOf,
}

/// A department that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Which ticket, who, what of, when.
    pub place: RecipientPlace,
    /// When it confirmed.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Whether people noted that, and the department did not reply.
    pub by_hand: bool,
}

/// What stands in the column of who confirmed.
pub(crate) fn confirmed_by(by_hand: bool) -> &'static str {
    match by_hand {
        true => BY_HAND,
        false => "department",
    }
}

/// See [`confirmed_by`].
pub(crate) const BY_HAND: &str = "data_protection";
