//! Entries of newsletters and events that a next version of the rules would know no more.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::ids::OfferId;
use domain::procedure::{OfferKind, ProcedureId};
use domain::rulebook::Rulebook;
use store::StoreError;
use store::entries::EntryStore;
use tonic::Status;

/// An offer that would be unknown, and still has entries.
pub(crate) struct Leftover {
    procedure: ProcedureId,
    kind: OfferKind,
    pub(crate) offer: OfferId,
    pub(crate) entries: u32,
}

fn knows(book: &Rulebook, kind: OfferKind, procedure: &ProcedureId, offer: &OfferId) -> bool {
    let has_procedure = book
        .register
        .entry_procedure(kind)
        .is_some_and(|it| it.id == *procedure);
    let offers = book.routing.offers();
    has_procedure
        && match kind {
            OfferKind::Newsletters => offers.newsletter(offer).is_some(),
            OfferKind::Events => offers.event(offer).is_some(),
        }
}

/// Offers with entries that the next rules do not know, by what the rules of now call their procedures.
pub(crate) async fn of(
    store: &Arc<dyn EntryStore>,
    now: &Rulebook,
    next: &Rulebook,
) -> Result<Vec<Leftover>, StoreError> {
    let mut left = Vec::new();
    for kind in OfferKind::ALL.iter().copied() {
        let books = [now, next];
        let procedures = books
            .iter()
            .filter_map(|book| book.register.entry_procedure(kind));
        let procedures: BTreeSet<ProcedureId> = procedures.map(|it| it.id.clone()).collect();
        for procedure in procedures {
            for (offer, state) in store.offer_states(&procedure).await? {
                let entries = state.pending + state.confirmed;
                if entries > 0 && !knows(next, kind, &procedure, &offer) {
                    left.push(Leftover {
                        procedure: procedure.clone(),
                        kind,
                        offer,
                        entries,
                    });
                }
            }
        }
    }
    Ok(left)
}

/// Refuses what takes offers that the rules of now know from those who have entries for them.
///
/// # Errors
/// `FAILED_PRECONDITION` with each offer and the remedy.
pub(crate) fn refuse(left: &[Leftover], now: &Rulebook) -> Result<(), Status> {
    let lines: Vec<String> = left
        .iter()
        .filter(|it| knows(now, it.kind, &it.procedure, &it.offer))
        .map(|it| {
            let what = match it.kind {
                OfferKind::Newsletters => "newsletter",
                OfferKind::Events => "event",
            };
            format!(
                "routing: {what} {} would be unknown and still has {} entries",
                it.offer, it.entries
            )
        })
        .collect();
    match lines.is_empty() {
        true => Ok(()),
        false => Err(Status::failed_precondition(format!(
            "{}\nkeep what they are offered under the same id; or export the entries (newsletter export, accreditation \
             export --clear) and apply the rules with --discard-entries, which erases them",
            lines.join("\n")
        ))),
    }
}

/// Erases the entries of an offer. How many there were.
pub(crate) async fn discard(
    store: &Arc<dyn EntryStore>,
    left: &Leftover,
    at: DateTime<Utc>,
) -> Result<u32, StoreError> {
    store.clear_offer(&left.procedure, &left.offer, at, at).await
}
