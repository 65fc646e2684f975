//! Cases of data subjects, beside users and the audit trail.

use async_trait::async_trait;
use chrono::{DateTime, Months, NaiveDate, Utc};
use domain::privacy::Case;

use crate::StoreError;

/// Keeps cases.
#[async_trait]
pub trait CaseStore: Send + Sync + 'static {
    /// Opens a case, once for each key.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn open_case(&self, new: NewCase) -> Result<OpenedCase, StoreError>;

    /// A case by its number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn case(&self, number: i64) -> Result<Option<KeptCase>, StoreError>;

    /// Cases: open ones by the day on which they are due, else all, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn cases(&self, query: CaseQuery) -> Result<Vec<KeptCase>, StoreError>;

    /// Writes a case as it is now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was changed since it was read.
    async fn change_case(&self, changed: KeptCase) -> Result<(), StoreError>;

    /// Writes a case of after a backup into what was restored from that: under its number, unless it is there as new or newer.
    /// Says whether it was written.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the number has another case.
    async fn bring_back_case(&self, kept: KeptCase) -> Result<bool, StoreError>;
}

/// A case to open.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// The case.
    pub case: Case,
    /// Chosen by the client, one a request.
    pub idempotency_key: String,
    /// SHA-256 of what was requested: tells a repetition from another request under the same key.
    pub requested: [u8; 32],
}

/// What came of opening a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenedCase {
    /// It is there now, under this number.
    New(i64),
    /// The same request was made before; this is its case as it is now.
    Repeated(Box<KeptCase>),
    /// The idempotency key was used for another request.
    KeyTaken,
}

/// A case as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCase {
    /// Its number.
    pub number: i64,
    /// Counts its changes; as it was read.
    pub revision: i64,
    /// The case.
    pub case: Case,
}

/// Which cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseQuery {
    /// Those that nobody has decided, by due day; else all, the newest first.
    pub open: bool,
    /// Only those of a person: any of these keyed hashes; of anybody if there are none.
    pub marks: Vec<String>,
    /// Only those after this one in the list: the due day where they come by it, and the number.
    pub after: Option<(NaiveDate, i64)>,
    /// At most so many.
    pub most: usize,
}

/// What is to be done so that a case is there again.
pub(crate) enum Bringing {
    /// It is as new, or newer.
    Nothing,
    /// An older state of it is there.
    Write,
    /// It is not there.
    Add,
}

impl Bringing {
    /// By what is there under its number.
    pub(crate) fn of(there: Option<&KeptCase>, back: &KeptCase) -> Result<Self, StoreError> {
        match there {
            None => Ok(Self::Add),
            Some(there) if there.case.opened != back.case.opened => {
                Err(StoreError::Conflict(format!("case {}", back.number)))
            }
            Some(there) if there.revision >= back.revision => Ok(Self::Nothing),
            Some(_) => Ok(Self::Write),
        }
    }
}

/// No case that was last handled before a time is due later than this day: it came before, and has three months at most.
pub(crate) fn due_before(handled_before: DateTime<Utc>) -> String {
    let day = domain::local_time::day_of(handled_before);
    let latest = day.checked_add_months(Months::new(3)).unwrap_or(NaiveDate::MAX);
    domain::local_time::next(latest).to_string()
}

/// When a case that is decided was last handled, and its number, if that was before a time.
pub(crate) fn past(kept: &KeptCase, before: DateTime<Utc>) -> Option<(DateTime<Utc>, i64)> {
    kept.case.decision.as_ref()?;
    let at = kept.case.last_handled();
    (at < before).then_some((at, kept.number))
}

/// The key of a case whose own is not known.
pub(crate) fn key_of_brought_back(number: i64) -> String {
    format!("restored/{number}")
}

/// The case as JSON.
pub(crate) fn written(case: &Case) -> String {
    serde_json::to_string(case).expect("a case has text keys only")
}

/// Reads what [`written`] wrote.
pub(crate) fn read(number: i64, revision: i64, content: &str) -> Result<KeptCase, StoreError> {
    let case = serde_json::from_str(content)
        .map_err(|_| StoreError::Unusable(format!("case {number} cannot be read")))?;
    Ok(KeptCase {
        number,
        revision,
        case,
    })
}
