//! What intake hands to the ledger: one report about one call.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::CallEvent;
use crate::ids::{CallId, HotlineName, Identity, ImportRun, SourceName, TicketId};
use crate::record::CallRecord;

/// A report about one call, accepted by intake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// Which call.
    pub identity: Identity,
    /// The feed it came from.
    pub source: SourceName,
    /// The telephone system's id of the call, where it has one.
    pub call_id: Option<CallId>,
    /// The import or connection that brought it.
    pub run: ImportRun,
    /// When intake accepted it.
    pub received_at: DateTime<Utc>,
    /// Brought by an import that replaces a period: the call is in it, and is not to be retracted.
    pub confirms: bool,
    /// What is reported.
    pub body: ReportBody,
}

/// What can be reported about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportBody {
    /// The finished record.
    Record(RevisedRecord),
    /// A life-cycle event.
    Event(CallEvent),
    /// The source no longer has the call: it adds nothing to the figures until it is reported again.
    Retracted,
    /// A callback was logged for the call, or for no known call.
    CallbackLogged(CallbackLogged),
}

/// A finished record with its revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisedRecord {
    /// 0 unless the source counts revisions; the higher one wins.
    pub revision: u32,
    /// The record.
    pub record: CallRecord,
}

/// A callback request that became a ticket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallbackLogged {
    /// Its ticket.
    pub ticket: TicketId,
    /// The hotline that the citizen had called.
    pub hotline: HotlineName,
    /// When it was logged.
    pub at: DateTime<Utc>,
}

/// SHA-256 over the content, in a fixed form: decides between equal revisions whatever their order of arrival.
pub fn content_hash<T: Serialize>(content: &T) -> [u8; 32] {
    let canonical = serde_json::to_vec(content).expect("records and events have text keys only");
    Sha256::digest(&canonical).into()
}
