//! An entry, as its person is told of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::DepartmentId;
use domain::procedure::{OfferKind, Procedure};
use domain::registration::Entry;
use domain::rulebook::Rulebook;
use serde::Serialize;

use super::Look;

/// What somebody has registered for.
#[derive(Debug, Serialize)]
pub(crate) struct ToldEntry {
    pub(crate) id: String,
    pub(crate) procedure: String,
    pub(crate) procedure_title: String,
    /// The id of a newsletter or an event, and what it is called.
    pub(crate) offer: String,
    pub(crate) offer_title: String,
    /// The department that offers it; absent where the rules know the offer no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) department: Option<String>,
    /// pending, confirmed
    pub(crate) state: &'static str,
    /// What was entered, by field.
    pub(crate) fields: BTreeMap<String, String>,
    /// What these fields are called.
    #[serde(skip)]
    pub(crate) titles: BTreeMap<String, String>,
    pub(crate) consented_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed_at: Option<DateTime<Utc>>,
    /// Since when nobody works with it (Art. 18 GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restricted_at: Option<DateTime<Utc>>,
    /// A mail that tells of it waits to be sent.
    pub(crate) mail_waits: bool,
    /// Who has looked at it, or at the list of those who registered for the same.
    pub(crate) seen: Vec<Look>,
}

/// What an entry is for, by the rules of the moment.
pub(crate) struct OfferNames {
    pub(crate) kind: Option<OfferKind>,
    /// What it is called; its id where the rules know it no longer.
    pub(crate) title: String,
    pub(crate) department: Option<DepartmentId>,
}

impl OfferNames {
    pub(crate) fn of(entry: &Entry, rules: &Rulebook) -> Self {
        let procedure = rules.register.procedure(entry.procedure.as_str());
        let kind = procedure
            .and_then(Procedure::entry_rules)
            .map(|rules| rules.offers);
        let named = kind.and_then(|kind| rules.routing.offers().named(kind, &entry.offer));
        Self {
            kind,
            title: named.map_or_else(|| entry.offer.to_string(), |(title, _)| title.to_owned()),
            department: named.map(|(_, department)| department.clone()),
        }
    }
}

impl ToldEntry {
    pub(crate) fn of(entry: &Entry, rules: &Rulebook, mail_waits: bool, seen: Vec<Look>) -> Self {
        let procedure = rules.register.procedure(entry.procedure.as_str());
        let names = OfferNames::of(entry, rules);
        let department = names.department.map(|id| super::tickets::named(&id, rules));
        let given = entry.fields.iter();
        Self {
            id: entry.id.to_string(),
            procedure: entry.procedure.to_string(),
            procedure_title: procedure.map(|it| it.title.clone()).unwrap_or_default(),
            offer: entry.offer.to_string(),
            offer_title: names.title,
            department,
            state: entry.state.name(),
            fields: given
                .map(|(id, text)| (id.to_string(), text.reveal().to_owned()))
                .collect(),
            titles: procedure.map(super::tickets::titles).unwrap_or_default(),
            consented_at: entry.consented_at,
            confirmed_at: entry.confirmed_at,
            restricted_at: entry.restricted_at,
            mail_waits,
            seen,
        }
    }
}
