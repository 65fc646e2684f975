//! Offers and entries as they are told.

use chrono::{DateTime, TimeDelta, Utc};
use domain::offers::Event;
use domain::procedure::{OfferKind, Procedure};
use domain::registration::Entry;
use domain::rulebook::Rulebook;
use store::entries::OfferState;
use wire::v1::tickets as proto;

use super::Asked;

/// All offers of a kind.
pub(super) fn offers(asked: &Asked<'_>, at: DateTime<Utc>) -> Vec<proto::Offer> {
    match asked.kind {
        OfferKind::Newsletters => {
            let offers = asked.offers.newsletters().iter();
            offers
                .map(|it| proto::Offer {
                    id: it.id.to_string(),
                    title: it.title.clone(),
                    department: it.department.to_string(),
                    is_open: true,
                    ..proto::Offer::default()
                })
                .collect()
        }
        OfferKind::Events => asked.offers.events().iter().map(|it| event(it, at)).collect(),
    }
}

fn event(event: &Event, at: DateTime<Utc>) -> proto::Offer {
    let items = event.items.iter();
    proto::Offer {
        id: event.id.to_string(),
        title: event.title.clone(),
        department: event.department.to_string(),
        place: event.place.clone(),
        begins_unix_ms: Some(event.begins.timestamp_millis()),
        deadline_unix_ms: Some(event.deadline.timestamp_millis()),
        is_open: event.is_open(at),
        shuttle: event.shuttle,
        items: items
            .map(|item| proto::ProgrammeItem {
                title: item.title.clone(),
                places_left: item.capacity,
            })
            .collect(),
    }
}

/// What has become of an offer.
pub(super) fn state(offer: proto::Offer, state: &OfferState, kept: TimeDelta) -> proto::OfferState {
    let at = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_millis());
    let erased_by = offer
        .deadline_unix_ms
        .map(|deadline| deadline + kept.num_milliseconds());
    proto::OfferState {
        offer: Some(offer),
        pending: state.pending,
        confirmed: state.confirmed,
        reminded_at_unix_ms: at(state.reminded_at),
        exported_at_unix_ms: at(state.exported_at),
        erased: state.erased,
        erased_at_unix_ms: at(state.erased_at),
        erased_by_unix_ms: erased_by,
    }
}

/// An entry in a list.
pub(super) fn entry(entry: &Entry) -> proto::RegisteredEntry {
    let fields = entry.fields.iter();
    proto::RegisteredEntry {
        state: entry.state.name().to_owned(),
        fields: fields
            .map(|(id, text)| (id.to_string(), text.reveal().to_owned()))
            .collect(),
        consented_at_unix_ms: entry.consented_at.timestamp_millis(),
        confirmed_at_unix_ms: entry.confirmed_at.map(|at| at.timestamp_millis()),
    }
}

/// What people register for with the procedure of an entry.
pub(super) fn kind_of(book: &Rulebook, entry: &Entry) -> String {
    let procedure = book.register.procedure(entry.procedure.as_str());
    let rules = procedure.and_then(Procedure::entry_rules);
    rules.map_or_else(String::new, |rules| rules.offers.name().to_owned())
}

/// What a link tells of the entries that it is for.
pub(super) fn linked(book: &Rulebook, entries: &[Entry]) -> Vec<proto::LinkedEntry> {
    let offers = book.routing.offers();
    let linked = |entry: &Entry| {
        let kind = book.register.procedure(entry.procedure.as_str());
        let kind = kind.and_then(Procedure::entry_rules).map(|rules| rules.offers);
        let named = kind.and_then(|kind| offers.named(kind, &entry.offer));
        proto::LinkedEntry {
            offer: entry.offer.to_string(),
            // The rules may know it no longer.
            title: named.map_or_else(|| entry.offer.to_string(), |(title, _)| title.to_owned()),
            state: entry.state.name().to_owned(),
        }
    };
    entries.iter().map(linked).collect()
}
