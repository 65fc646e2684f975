//! Booked slots, and tickets whose due time has something to say.
//!
//! Slots are booked with [`domain::ticket::Effect::Book`], in the transaction of the ticket, and freed in the one in
//! which it ends or goes to another department.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::DepartmentId;
use domain::ticket::{Alarm, Ticket};

use crate::StoreError;

/// What ticketing and handover ask about times.
#[async_trait]
pub trait ScheduleStore: Send + Sync + 'static {
    /// How many seats are taken of the slots of a service that begin from a moment on and before another; those with
    /// none are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn seats_taken(
        &self,
        department: &DepartmentId,
        service: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<BTreeMap<DateTime<Utc>, u32>, StoreError>;

    /// Tickets whose next alarm this is, and that are due by then; the most urgent first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn alarming(
        &self,
        next: Alarm,
        due_by: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError>;

    /// How many tickets of each department are owed an answer and were due before a time; those without any are left
    /// out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn overdue(&self, before: DateTime<Utc>) -> Result<BTreeMap<DepartmentId, u32>, StoreError>;
}
