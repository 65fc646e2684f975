//! Reading the chain again, from the first entry to the last.

use chrono::{DateTime, Utc};
use domain::audit::{AuditAction, CHAIN_BEGIN, cut_digest};
use store::StoreError;
use store::audit::{AuditEntry, AuditStore};
use store::retention::Anchor;

use crate::hex::hex;
use crate::retention::note_of_cut;

/// Entries that are in memory at a time.
const AT_ONCE: usize = 1000;
/// Parts of what stayed of cut entries that are in memory at a time; each has the heads of some hundred entries.
const PARTS_AT_ONCE: usize = 50;

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
    /// The entry that a noted head belongs to.
    pub(crate) noted: Option<Noted>,
}

/// The entry that a noted head belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) number: i64,
    /// When it was cut; none: it is there.
    pub(crate) cut_at: Option<DateTime<Utc>>,
}

/// What stayed of the entries that were cut.
struct Past {
    /// The last of them; none: nothing stayed, of cuts of earlier versions neither.
    last: Option<i64>,
    digest: [u8; 32],
    /// The first part that is not as it was written.
    broken_at: Option<i64>,
    noted: Option<Noted>,
}

/// Reads what stayed of cut entries again, up to where the trail begins, and looks for a head in it.
async fn read_past(store: &dyn AuditStore, up_to: i64, noted: Option<[u8; 32]>) -> Result<Past, StoreError> {
    let mut past = Past {
        last: None,
        digest: CHAIN_BEGIN,
        broken_at: None,
        noted: None,
    };
    loop {
        let parts = store.cut_parts(past.last.unwrap_or(0), PARTS_AT_ONCE).await?;
        let is_last = parts.len() < PARTS_AT_ONCE;
        for part in parts.into_iter().filter(|part| part.last <= up_to) {
            past.digest = cut_digest(past.digest, part.heads.iter().copied());
            if past.digest != part.digest {
                past.broken_at = Some(part.last);
                return Ok(past);
            }
            past.last = Some(part.last);
            let number = noted.and_then(|noted| part.number_of(&noted));
            past.noted = past.noted.or(number.map(|number| Noted {
                number,
                cut_at: Some(part.cut_at),
            }));
        }
        if is_last {
            return Ok(past);
        }
    }
}

/// The beginning of a trail that was cut, and what its entries say of it.
struct Beginning {
    anchor: Anchor,
    past: Past,
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
            // Cuts of earlier versions did not say what stayed of them.
            Some((up_to, said)) if *up_to == self.anchor.number => {
                *said == hex(&self.anchor.hash) || *said == note_of_cut(&self.anchor.hash, &self.past.digest)
            }
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
    let mut beginning = None;
    if let Some(anchor) = anchor {
        let past = read_past(store, anchor.number, noted).await?;
        if let Some(broken_at) = past.broken_at {
            return Ok(Found {
                entries: 0,
                broken_at: Some(broken_at),
                explanation: "what stayed of the entries that retention has cut is not as it was written"
                    .to_owned(),
                head,
                begins_at,
                cut_at,
                noted: None,
            });
        }
        beginning = Some(Beginning {
            anchor,
            past,
            noted: None,
        });
    }
    // The last entry that was cut is known whole, also of cuts of earlier versions.
    let mut noted_entry = beginning.as_ref().and_then(|beginning| beginning.past.noted);
    if noted == Some(head) {
        noted_entry = Some(Noted { number, cut_at });
    }
    let is_no_entry = noted.is_none_or(|noted| noted == CHAIN_BEGIN);
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
                    noted: noted_entry,
                });
            }
            if let Some(beginning) = &mut beginning {
                beginning.look_at(entry);
            }
            (number, head) = (entry.number, entry.hash);
            if noted == Some(head) {
                noted_entry = Some(Noted { number, cut_at: None });
            }
        }
        if is_last {
            break;
        }
    }
    let noted_is_there = is_no_entry || noted_entry.is_some();
    if beginning.is_some_and(|beginning| !beginning.is_noted()) {
        return Ok(Found {
            entries: number - (begins_at - 1),
            broken_at: Some(begins_at),
            explanation: "the beginning is not the one that retention cut: entries before it are missing"
                .to_owned(),
            head,
            begins_at,
            cut_at,
            noted: noted_entry,
        });
    }
    let noted_was_cut = noted_entry.is_some_and(|entry| entry.cut_at.is_some());
    let explanation = match (noted, noted_is_there) {
        (_, true) if noted_was_cut => {
            "every entry is as it was written, from where retention has cut the beginning; the noted head is that of an \
             entry that was cut then"
        }
        (None, _) if cut_at.is_some() => {
            "every entry is as it was written, from where retention has cut the beginning"
        }
        (None, _) => "every entry is as it was written; whether the end was cut shows with an earlier head",
        (Some(_), true) => "every entry is as it was written, and the noted head is among them",
        (Some(_), false) => {
            "the entry that the noted head belongs to is not there, and is none of those that retention has cut: the end \
             was cut, or all was written anew"
        }
    };
    Ok(Found {
        entries: number - (begins_at - 1),
        begins_at,
        cut_at,
        broken_at: (!noted_is_there).then_some(number + 1),
        explanation: explanation.to_owned(),
        head,
        noted: noted_entry,
    })
}
