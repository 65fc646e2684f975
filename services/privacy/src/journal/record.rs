//! What a file of the journal says.

use std::collections::BTreeMap;

use backup::acts::ActName;
use chrono::{DateTime, Utc};
use domain::ids::{EntryId, FieldId, IdentityKey, OfferId, TicketId};
use domain::personal::Personal;
use domain::privacy::Case;
use domain::procedure::ProcedureId;
use domain::ticket::HistoryEntry;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::cases::KeptCase;
use store::tickets::TicketWithHistory;

const TICKET: &str = "ticket-";

/// By what files of an installation are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Installation(String);

impl Installation {
    /// Of whom a key of identities is: it comes back with every backup.
    pub fn of(key: &IdentityKey) -> Self {
        Self(key.keyed(&[b"installation"]).to_hex())
    }
}

/// A file.
#[derive(Serialize, Deserialize)]
struct File<R> {
    installation: Installation,
    #[serde(flatten)]
    record: R,
}

/// The state of one subject. Personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Record {
    /// What was done with a ticket.
    Ticket(TicketActs),
    /// All calls that were restricted then.
    Calls {
        /// When.
        at: DateTime<Utc>,
        /// Which, in the order of their identities.
        restricted: Vec<RestrictedCall>,
    },
    /// All entries that were restricted then.
    Entries {
        /// When.
        at: DateTime<Utc>,
        /// Which, in the order of their ids.
        restricted: Vec<RestrictedEntry>,
    },
    /// A case, as it was then.
    Case {
        /// Its number.
        number: i64,
        /// How often it was changed.
        revision: i64,
        /// The case.
        case: Box<Case>,
    },
    /// An entry for an offer, or a registration with all of its entries, was ended.
    Ended {
        /// Which.
        id: String,
    },
    /// The entries of an offer were erased.
    Cleared {
        /// Of which procedure.
        procedure: ProcedureId,
        /// Which offer.
        offer: OfferId,
        /// Those that were not confirmed after this.
        confirmed_by: DateTime<Utc>,
        /// When.
        at: DateTime<Utc>,
    },
}

/// What was done with a ticket by right of the citizen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketActs {
    /// Which ticket.
    pub ticket: TicketId,
    /// What was done, oldest first, as the history has it.
    pub acts: Vec<HistoryEntry>,
    /// Fields that were put right, as they were in the end; an empty one was taken away.
    pub right: BTreeMap<FieldId, Personal>,
}

/// A call that is restricted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictedCall {
    /// Its identity, hexadecimal.
    pub call: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// An entry that is restricted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictedEntry {
    /// Its id.
    pub entry: EntryId,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl TicketActs {
    /// What the history of a ticket says; `None` if nothing was done.
    pub fn of(found: &TicketWithHistory) -> Option<Self> {
        let acts = found.history.iter().filter(|entry| entry.is_act_of_right());
        let acts: Vec<HistoryEntry> = acts.cloned().collect();
        let fields = acts.iter().flat_map(HistoryEntry::fields_put_right);
        let right = fields.map(|field| {
            let text = found.ticket.says(&field).cloned().unwrap_or_default();
            (field, text)
        });
        (!acts.is_empty()).then(|| Self {
            ticket: found.ticket.id.clone(),
            right: right.collect(),
            acts: acts.clone(),
        })
    }

    /// The name of its file.
    pub(super) fn name(&self) -> Option<ActName> {
        let last = self.acts.last()?;
        let subject = subject_of_ticket(&self.ticket);
        Some(ActName::new(subject, last.at, u64::from(last.number)))
    }
}

impl Record {
    /// What a file says; `None` if it is of another installation.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if that is nothing that this program knows.
    pub fn read(content: &[u8], installation: &Installation) -> Result<Option<Self>, StoreError> {
        let unknown = |error: serde_json::Error| StoreError::Unusable(error.to_string());
        let file: File<Self> = serde_json::from_slice(content).map_err(unknown)?;
        Ok((file.installation == *installation).then_some(file.record))
    }

    pub(super) fn written(&self, installation: &Installation) -> Vec<u8> {
        let file = File {
            installation: installation.clone(),
            record: self,
        };
        serde_json::to_vec(&file).expect("texts, numbers and times can be written as JSON")
    }

    pub(super) fn of_case(kept: &KeptCase) -> Self {
        Self::Case {
            number: kept.number,
            revision: kept.revision,
            case: Box::new(kept.case.clone()),
        }
    }
}

/// The name of the file of a case, which was last changed when its last stamp says.
pub(super) fn name_of_case(kept: &KeptCase) -> ActName {
    let revision = u64::try_from(kept.revision).unwrap_or_default();
    ActName::new(
        format!("case-{}", kept.number),
        kept.case.last_handled(),
        revision,
    )
}

/// The subject of what was done with a ticket.
pub(super) fn subject_of_ticket(ticket: &TicketId) -> String {
    format!("{TICKET}{ticket}")
}

/// The ticket that a file is about.
pub(super) fn ticket_of(name: &ActName) -> Option<TicketId> {
    name.subject.strip_prefix(TICKET).map(TicketId::new)
}
