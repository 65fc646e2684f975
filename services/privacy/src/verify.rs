//! Reading the chain again, from the first entry to the last.

use domain::audit::CHAIN_BEGIN;
use store::StoreError;
use store::audit::AuditStore;

/// Entries that are in memory at a time.
const AT_ONCE: usize = 1000;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Entries that stand as they were written, from the first one on.
    pub(crate) entries: i64,
    /// The first one that is missing or changed.
    pub(crate) broken_at: Option<i64>,
    /// In words.
    pub(crate) explanation: String,
    /// The hash of the last sound entry.
    pub(crate) head: [u8; 32],
}

/// Reads the chain until its end, or until something is wrong with it. A head that was noted before must be in it.
pub(crate) async fn verify(store: &dyn AuditStore, noted: Option<[u8; 32]>) -> Result<Found, StoreError> {
    let (mut number, mut head) = (0, CHAIN_BEGIN);
    let mut noted_is_there = noted.is_none_or(|noted| noted == CHAIN_BEGIN);
    loop {
        let entries = store.chain(number, AT_ONCE).await?;
        let is_last = entries.len() < AT_ONCE;
        for entry in &entries {
            let expected = number + 1;
            let explanation = match entry.number == expected {
                _ if entry.follows(number, &head) => None,
                true => Some(format!(
                    "entry {expected} is not as it was written, or the one before it was another"
                )),
                false => Some(format!(
                    "entry {expected} is missing: entry {} comes next",
                    entry.number
                )),
            };
            if let Some(explanation) = explanation {
                return Ok(Found {
                    entries: number,
                    broken_at: Some(expected),
                    explanation,
                    head,
                });
            }
            (number, head) = (entry.number, entry.hash);
            noted_is_there |= noted == Some(head);
        }
        if is_last {
            break;
        }
    }
    let explanation = match (noted, noted_is_there) {
        (None, _) => "every entry is as it was written; whether the end was cut shows with an earlier head",
        (Some(_), true) => "every entry is as it was written, and the noted head is among them",
        (Some(_), false) => {
            "the entry that the noted head belongs to is not there: the end was cut, or all was written anew"
        }
    };
    Ok(Found {
        entries: number,
        broken_at: (!noted_is_there).then_some(number + 1),
        explanation: explanation.to_owned(),
        head,
    })
}
