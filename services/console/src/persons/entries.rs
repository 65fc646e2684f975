//! What a person who was found has registered for.

use domain::procedure::OfferKind;
use wire::v1::privacy as proto;

use crate::shown_ticket::{Names, Time};

/// An entry in a list.
pub(super) struct Entry {
    /// What kind of offer it is for.
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) department: String,
    pub(super) is_confirmed: bool,
    pub(super) consented: Time,
    pub(super) confirmed: Option<Time>,
    pub(super) mail_waits: bool,
    pub(super) restricted: bool,
    /// What was entered, in the order of the names of its fields.
    pub(super) given: Vec<String>,
}

impl Entry {
    pub(super) fn of(entry: &proto::FoundEntry, names: &Names) -> Self {
        let mut fields: Vec<(&String, &String)> = entry.fields.iter().collect();
        fields.sort_unstable();
        Self {
            kind: match OfferKind::from_name(&entry.kind) {
                Some(OfferKind::Newsletters) => "Newsletter",
                Some(OfferKind::Events) => "Medientermin",
                None => "Anmeldung",
            },
            title: entry.title.clone(),
            department: names.departments.name(&entry.department).to_owned(),
            is_confirmed: entry.confirmed_at_unix_ms.is_some(),
            consented: Time::at(entry.consented_at_unix_ms),
            confirmed: entry.confirmed_at_unix_ms.map(Time::at),
            mail_waits: entry.mail_waits,
            restricted: entry.restricted,
            given: fields.into_iter().map(|(_, text)| text.clone()).collect(),
        }
    }
}
