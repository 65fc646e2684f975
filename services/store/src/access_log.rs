//! The access log: who asked for which page or method from where, for a short time; how often, for good.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::local_time;

use crate::StoreError;

/// Keeps the access log.
#[async_trait]
pub trait AccessLogStore: Send + Sync + 'static {
    /// Writes accesses down and counts them, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    async fn note_accesses(&self, accesses: Vec<Access>) -> Result<(), StoreError>;

    /// Accesses, those that were written down last first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn accesses(&self, filter: AccessFilter) -> Result<Vec<NotedAccess>, StoreError>;

    /// Counts of local days, the second day exclusive: by day, resource, action and outcome, at most `most`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn access_counts(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        most: usize,
    ) -> Result<Vec<AccessCount>, StoreError>;

    /// Accesses from a time on by network, those with most of them first, at most `most`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn access_networks(
        &self,
        from: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<NetworkCount>, StoreError>;

    /// Forgets at most `most` accesses from before a time, and says how many it were; counts stay.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_accesses(&self, before: DateTime<Utc>, most: usize) -> Result<u64, StoreError>;

    /// Overwrites what is left of forgotten accesses in free pages and in the store's own log.
    ///
    /// # Errors
    /// [`StoreError`]; it is done again later then.
    async fn wipe_accesses(&self) -> Result<(), StoreError>;
}

/// An access to a page or method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// When it began; kept in whole milliseconds.
    pub at: DateTime<Utc>,
    /// The pattern of the route, or the method; never an id.
    pub resource: String,
    /// GET, POST, or call.
    pub action: String,
    /// The status of the answer.
    pub outcome: String,
    /// Bytes of the answer's body, as they were sent.
    pub bytes: i64,
    /// The other side's address; empty if it is not known.
    pub address: String,
    /// The address without what tells single people apart.
    pub network: String,
    /// The program, as it calls itself.
    pub client: String,
}

/// An access as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedAccess {
    /// Grows.
    pub number: i64,
    /// What was noted.
    pub access: Access,
}

/// Which accesses to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessFilter {
    /// Only from then on.
    pub from: DateTime<Utc>,
    /// Only before then.
    pub to: Option<DateTime<Utc>>,
    /// Only of this resource.
    pub resource: Option<String>,
    /// Only with this outcome.
    pub outcome: Option<String>,
    /// Only those with smaller numbers: the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub most: usize,
}

/// How often something was asked for on a local day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessCount {
    /// The local day.
    pub day: NaiveDate,
    /// As [`Access::resource`].
    pub resource: String,
    /// As [`Access::action`].
    pub action: String,
    /// As [`Access::outcome`].
    pub outcome: String,
    /// How often.
    pub accesses: i64,
    /// Bytes of all answers together.
    pub bytes: i64,
}

/// How often a network asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkCount {
    /// A masked address.
    pub network: String,
    /// How often.
    pub accesses: i64,
    /// How many of them were refused or failed.
    pub refused: i64,
}

/// Outcomes that are neither refusals nor failures.
pub(crate) const GOOD: &str = "'200', '204', '303', '304', 'ok', 'cancelled'";

/// What accesses add to the counts, by day, resource, action and outcome: accesses and bytes.
pub(crate) fn counted(accesses: &[Access]) -> BTreeMap<(String, String, String, String), (i64, i64)> {
    let mut counts: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for access in accesses {
        let key = (
            local_time::day_of(access.at).to_string(),
            access.resource.clone(),
            access.action.clone(),
            access.outcome.clone(),
        );
        let (number, bytes) = counts.entry(key).or_default();
        *number += 1;
        *bytes = bytes.saturating_add(access.bytes);
    }
    counts
}

/// Reads a day of the counts.
pub(crate) fn day(stored: &str) -> Result<NaiveDate, StoreError> {
    stored
        .parse()
        .map_err(|_| crate::ticket_columns::unreadable("the day of an access count"))
}
