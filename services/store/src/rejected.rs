//! Items that could not be counted.

use chrono::{DateTime, Utc};
use domain::ids::{Identity, ImportRun, RowDigest, SourceKey, SourceName};
use domain::report::CallReport;

use crate::StoreError;
use crate::told;

/// An item that could not be counted, kept to be repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedItem {
    /// Keyed hash of source and content: the same item is kept once. Of a row, the identity that its call will have.
    pub id: Identity,
    /// The feed it came from.
    pub source: SourceName,
    /// The import or connection that brought it.
    pub run: ImportRun,
    /// When it was kept.
    pub received_at: DateTime<Utc>,
    /// Where it stood in its feed.
    pub position: String,
    /// The field at fault, if one can be named.
    pub field: String,
    /// What is wrong with it; no personal data.
    pub reason: String,
    /// The item as it was delivered; empty once it is discarded.
    pub payload: Vec<u8>,
    /// By what it can be read again.
    pub again: ReadAgain,
    /// That it needs no repair.
    pub discard: Option<Discard>,
}

impl RejectedItem {
    /// Takes out what was delivered.
    pub fn empty(&mut self) {
        self.payload.clear();
        self.again.context.clear();
    }
}

/// What is needed to read an item again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadAgain {
    /// The name of its format; empty: it cannot be read again.
    pub format: String,
    /// What the format needs beside the payload.
    pub context: Vec<u8>,
    /// Of a row: its digest, and its number among equal rows.
    pub row: Option<(RowDigest, u32)>,
}

/// The field of items that came for a call after its deletion: they cannot be repaired.
pub const PAST_RETENTION: &str = "past_retention";

impl RejectedItem {
    /// A report that came too late: its call was deleted when its time was over. What it says about the call is not kept.
    pub(crate) fn past_retention(report: &CallReport, why: TooLate) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&told::digest(report)[..16]);
        Self {
            id: Identity(id),
            source: report.source.clone(),
            run: report.run.clone(),
            received_at: report.received_at,
            position: report
                .call_id
                .as_ref()
                .map(|id| id.as_str().to_owned())
                .unwrap_or_default(),
            field: PAST_RETENTION.to_owned(),
            reason: why.reason().to_owned(),
            payload: Vec::new(),
            again: ReadAgain::default(),
            discard: None,
        }
    }
}

/// Why a report came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooLate {
    /// Its call is deleted.
    Call,
    /// It replaces calls of a day that were deleted.
    Day,
}

impl TooLate {
    fn reason(self) -> &'static str {
        match self {
            Self::Call => {
                "past retention: the call was deleted when its period was over, so nothing of it can be corrected; the \
                 figures stay as they are"
            }
            Self::Day => {
                "past retention: calls of this day were deleted when their period was over, so the day can no longer be \
                 replaced; the figures stay as they are"
            }
        }
    }
}

/// That an item needs no repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discard {
    /// When.
    pub at: DateTime<Utc>,
    /// Who decided so.
    pub by: String,
    /// Why; no personal data.
    pub reason: String,
}

/// Which rejected items, newest first.
#[derive(Clone, Debug, Default)]
pub struct RejectedQuery {
    /// Of this feed.
    pub source: Option<SourceName>,
    /// With this text in the reason or the name of the field.
    pub reason: Option<String>,
    /// Kept at or after this time.
    pub from: Option<DateTime<Utc>>,
    /// Kept before this time.
    pub to: Option<DateTime<Utc>>,
    /// Discarded ones instead of open ones.
    pub discarded: bool,
    /// From after the item that was kept at this time under this id, whether or not it is still there.
    pub after: Option<(DateTime<Utc>, Identity)>,
    /// How many at most.
    pub most: usize,
}

/// How many items of a feed are open for the same field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedCount {
    /// The feed.
    pub source: SourceName,
    /// The field at fault.
    pub field: String,
    /// How many.
    pub items: i64,
}

impl ReadAgain {
    /// The row as it is stored: its digest and, in big-endian order, its number.
    pub(crate) fn row_bytes(&self) -> Option<Vec<u8>> {
        let (digest, occurrence) = self.row?;
        Some([&digest.0[..], &occurrence.to_be_bytes()].concat())
    }

    /// Reads what [`Self::row_bytes`] gave.
    pub(crate) fn row_of(bytes: &[u8]) -> Result<(RowDigest, u32), StoreError> {
        let read = || {
            let (digest, occurrence) = bytes.split_first_chunk::<32>()?;
            Some((
                RowDigest(*digest),
                u32::from_be_bytes(occurrence.try_into().ok()?),
            ))
        };
        read().ok_or_else(|| StoreError::Unusable("a rejected row without its digest".to_owned()))
    }
}

impl From<&SourceKey> for ReadAgain {
    fn from(key: &SourceKey) -> Self {
        let row = match key {
            SourceKey::Row { digest, occurrence } => Some((*digest, *occurrence)),
            SourceKey::Call(_) => None,
        };
        Self {
            row,
            ..Self::default()
        }
    }
}
