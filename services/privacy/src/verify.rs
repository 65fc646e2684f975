//! Reading the chain again, from the first entry to the last.

use chrono::{DateTime, Utc};
use domain::audit::{AuditAction, CHAIN_BEGIN};
use store::StoreError;
use store::audit::{AuditEntry, AuditStore};
use store::retention::Anchor;

use crate::hex::hex;

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
    /// The number of the first entry.
    pub(crate) begins_at: i64,
    /// When the entries before it were cut.
    pub(crate) cut_at: Option<DateTime<Utc>>,
}

/// The beginning of a trail that was cut, and what its entries say of it.
struct Beginning {
    anchor: Anchor,
    /// The last cut that was noted: its last entry, and the hash of that.
    noted: Option<(i64, String)>,
}

impl Beginning {
    fn look_at(&mut self, entry: &AuditEntry) {
        if entry.action == AuditAction::AuditCut.name()
            && let Ok(up_to) = entry.subject.parse()
        {
            self.noted = Some((up_to, entry.reason.clone()));
        }
    }

    /// Whether the trail says that it was cut there, or, where a cut is under way, behind it.
    fn is_noted(&self) -> bool {
        match &self.noted {
            Some((up_to, hash)) if *up_to == self.anchor.number => *hash == hex(&self.anchor.hash),
            Some((up_to, _)) => *up_to > self.anchor.number,
            None => false,
        }
    }
}

/// Reads the chain until its end, or until something is wrong with it. A head that was noted before must be in it.
pub(crate) async fn verify(store: &dyn AuditStore, noted: Option<[u8; 32]>) -> Result<Found, StoreError> {
    loop {
        let anchor = store.anchor().await?;
        let found = verify_from(store, anchor, noted).await?;
        // Retention may have cut what was about to be read.
        if found.broken_at.is_none() || store.anchor().await? == anchor {
            return Ok(found);
        }
    }
}

async fn verify_from(
    store: &dyn AuditStore,
    anchor: Option<Anchor>,
    noted: Option<[u8; 32]>,
) -> Result<Found, StoreError> {
    let (mut number, mut head) = anchor.map_or((0, CHAIN_BEGIN), |anchor| (anchor.number, anchor.hash));
    let (begins_at, cut_at) = (number + 1, anchor.map(|anchor| anchor.cut_at));
    let mut beginning = anchor.map(|anchor| Beginning { anchor, noted: None });
    let mut noted_is_there = noted.is_none_or(|noted| noted == head || noted == CHAIN_BEGIN);
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
                    entries: number - (begins_at - 1),
                    broken_at: Some(expected),
                    explanation,
                    head,
                    begins_at,
                    cut_at,
                });
            }
            if let Some(beginning) = &mut beginning {
                beginning.look_at(entry);
            }
            (number, head) = (entry.number, entry.hash);
            noted_is_there |= noted == Some(head);
        }
        if is_last {
            break;
        }
    }
    if beginning.is_some_and(|beginning| !beginning.is_noted()) {
        return Ok(Found {
            entries: number - (begins_at - 1),
            broken_at: Some(begins_at),
            explanation: "the beginning is not the one that retention cut: entries before it are missing"
                .to_owned(),
            head,
            begins_at,
            cut_at,
        });
    }
    let explanation = match (noted, noted_is_there) {
        (_, true) if cut_at.is_some() => {
            "every entry is as it was written, from where retention has cut the beginning"
        }
        (None, _) => "every entry is as it was written; whether the end was cut shows with an earlier head",
        (Some(_), true) => "every entry is as it was written, and the noted head is among them",
        (Some(_), false) => {
            "the entry that the noted head belongs to is not there: the end was cut, all was written anew, or it is older \
             than the beginning"
        }
    };
    Ok(Found {
        entries: number - (begins_at - 1),
        begins_at,
        cut_at,
        broken_at: (!noted_is_there).then_some(number + 1),
        explanation: explanation.to_owned(),
        head,
    })
}
