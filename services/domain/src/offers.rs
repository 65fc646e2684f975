//! Offers: what people register for with an entry instead of a ticket, newsletters and events of the press; and brochures,
//! which are ordered by phone.
//!
//! They are part of the rules, beside departments: who offers something has a department, and that department alone (for
//! a newsletter also the administration) sees who has registered.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::brochures::Brochure;
use crate::ids::{DepartmentId, OfferId};
use crate::local_time;
use crate::procedure::OfferKind;

/// Characters of a title at most.
const TITLE_LONGEST: usize = 200;
/// What a brochure costs at most, in cents.
const PRICE_CENTS_MAX: u32 = 100_000;
/// Items of a programme at most: their titles fit into one field.
const ITEMS_MAX: usize = 30;
/// Characters of the title of an item at most.
const ITEM_LONGEST: usize = 60;

/// A newsletter that can be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newsletter {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: OfferId,
    /// Its name for people, in German.
    pub title: String,
    /// Who sends it.
    pub department: DepartmentId,
}

/// An event that media are accredited to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: OfferId,
    /// Its name for people, in German.
    pub title: String,
    /// Where it is.
    pub place: String,
    /// When it begins, local: 2027-03-01T10:00.
    #[serde(deserialize_with = "read_local", serialize_with = "write_local")]
    pub begins: DateTime<Utc>,
    /// Until when one can register, local.
    #[serde(deserialize_with = "read_local", serialize_with = "write_local")]
    pub deadline: DateTime<Utc>,
    /// Who accredits.
    pub department: DepartmentId,
    /// Whether a shuttle can be asked for.
    #[serde(default)]
    pub shuttle: bool,
    /// Items of the programme that can be chosen.
    #[serde(rename = "item", default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ProgrammeItem>,
}

/// An item of a programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeItem {
    /// What it is called, in one line; an entry names it by that.
    pub title: String,
    /// Places; as many as come unless it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
}

impl Event {
    /// Whether one can register.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        at < self.deadline
    }
}

/// All offers of the rules, unchecked.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    /// Newsletters.
    pub newsletters: Vec<Newsletter>,
    /// Events.
    pub events: Vec<Event>,
    /// Brochures, which are ordered by phone.
    pub brochures: Vec<Brochure>,
}

/// All offers of the rules, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    newsletters: Vec<Newsletter>,
    events: Vec<Event>,
    brochures: Vec<Brochure>,
}

/// What is wrong with an offer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} `{offer}`: {fault}")]
pub struct OfferFault {
    /// newsletter, event or brochure.
    pub kind: &'static str,
    /// Its id, as it was written.
    pub offer: OfferId,
    /// What is wrong, and what to write.
    pub fault: String,
}

impl Offers {
    /// Checks offers; names all their faults at once.
    ///
    /// # Errors
    /// Every fault.
    pub fn checked(offered: Offered, departments: &HashSet<&DepartmentId>) -> Result<Self, Vec<OfferFault>> {
        let Offered {
            newsletters,
            events,
            brochures,
        } = offered;
        let mut faults = Vec::new();
        let mut seen = HashSet::new();
        for it in &brochures {
            let mut fault = |fault: &str| faults.push(offer_fault("brochure", &it.id, fault));
            check_common(&it.id, &it.title, &mut fault);
            if it.price_cents > PRICE_CENTS_MAX {
                fault("price_cents: give at most 100000");
            }
            if !seen.insert(&it.id) {
                fault("it is given twice");
            }
        }
        let mut seen = HashSet::new();
        for it in &newsletters {
            let mut fault = |fault: &str| faults.push(offer_fault("newsletter", &it.id, fault));
            check_common(&it.id, &it.title, &mut fault);
            if !departments.contains(&it.department) {
                fault("department: there is no such department");
            }
            if !seen.insert(&it.id) {
                fault("it is given twice");
            }
        }
        let mut seen = HashSet::new();
        for it in &events {
            let mut fault = |fault: &str| faults.push(offer_fault("event", &it.id, fault));
            check_common(&it.id, &it.title, &mut fault);
            if !departments.contains(&it.department) {
                fault("department: there is no such department");
            }
            if !seen.insert(&it.id) {
                fault("it is given twice");
            }
            if !is_line(&it.place, TITLE_LONGEST) {
                fault("place: write one line of at most 200 characters");
            }
            if it.deadline > it.begins {
                fault("deadline: give a time before it begins");
            }
            check_items(&it.items, &mut fault);
        }
        match faults.is_empty() {
            true => Ok(Self {
                newsletters,
                events,
                brochures,
            }),
            false => Err(faults),
        }
    }

    /// All newsletters.
    pub fn newsletters(&self) -> &[Newsletter] {
        &self.newsletters
    }

    /// All events.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// All brochures.
    pub fn brochures(&self) -> &[Brochure] {
        &self.brochures
    }

    /// What an offer is called, and whose it is.
    pub fn named(&self, kind: OfferKind, id: &OfferId) -> Option<(&str, &DepartmentId)> {
        match kind {
            OfferKind::Newsletters => self.newsletter(id).map(|it| (it.title.as_str(), &it.department)),
            OfferKind::Events => self.event(id).map(|it| (it.title.as_str(), &it.department)),
        }
    }

    /// A newsletter by its id.
    pub fn newsletter(&self, id: &OfferId) -> Option<&Newsletter> {
        self.newsletters.iter().find(|it| it.id == *id)
    }

    /// An event by its id.
    pub fn event(&self, id: &OfferId) -> Option<&Event> {
        self.events.iter().find(|it| it.id == *id)
    }
}

fn offer_fault(kind: &'static str, offer: &OfferId, fault: &str) -> OfferFault {
    OfferFault {
        kind,
        offer: offer.clone(),
        fault: fault.to_owned(),
    }
}

fn check_common(id: &OfferId, title: &str, fault: &mut impl FnMut(&str)) {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let id = id.as_str();
    if id.is_empty() || id.len() > 40 || !id.bytes().all(allowed) {
        fault("id: use 1 to 40 lower-case letters, digits and hyphens");
    }
    if !is_line(title, TITLE_LONGEST) {
        fault("title: write one line of at most 200 characters");
    }
}

fn check_items(items: &[ProgrammeItem], fault: &mut impl FnMut(&str)) {
    if items.len() > ITEMS_MAX {
        fault("item: give at most 30");
    }
    let mut seen = HashSet::new();
    for item in items {
        if !is_line(&item.title, ITEM_LONGEST) {
            fault("item.title: write one line of at most 60 characters");
        }
        if !seen.insert(item.title.as_str()) {
            fault("item.title: give each title once");
        }
        if item.capacity == Some(0) {
            fault("item.capacity: give 1 or more, or leave it out");
        }
    }
}

fn is_line(text: &str, longest: usize) -> bool {
    text.trim() == text
        && (1..=longest).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
}

fn read_local<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(deserializer)?;
    local_time::read(&text).map_err(serde::de::Error::custom)
}

fn write_local<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&local_time::write(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        toml::from_str(
            r#"
            id = "sommerfest"
            title = "Sommerfest"
            place = "Düsseldorf"
            begins = "2027-06-20T18:00"
            deadline = "2027-06-10T12:00"
            department = "presse"
            item = [{ title = "Rundgang", capacity = 2 }, { title = "Rede" }]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn an_event_is_read_by_local_time() {
        let event = event();
        assert_eq!(
            event.begins,
            "2027-06-20T16:00:00Z".parse::<DateTime<Utc>>().unwrap()
        );
        assert!(event.is_open("2027-06-10T09:59:59Z".parse().unwrap()));
        assert!(!event.is_open("2027-06-10T10:00:00Z".parse().unwrap()));
        let press = DepartmentId::new("presse");
        let offered = Offered {
            events: vec![event.clone()],
            ..Offered::default()
        };
        let offers = Offers::checked(offered, &HashSet::from([&press])).unwrap();
        assert_eq!(offers.event(&event.id), Some(&event));
    }

    #[test]
    fn every_fault_of_every_offer_is_named() {
        let mut wrong = event();
        wrong.id = OfferId::new("Sommer Fest");
        wrong.deadline = wrong.begins + chrono::TimeDelta::hours(1);
        wrong.items[1].title = "Rundgang".to_owned();
        let letter = Newsletter {
            id: OfferId::new("presse"),
            title: String::new(),
            department: DepartmentId::new("nobody"),
        };
        let offered = Offered {
            newsletters: vec![letter.clone(), letter],
            events: vec![wrong],
            brochures: vec![Brochure {
                id: OfferId::new("atlas"),
                title: "Atlas".to_owned(),
                price_cents: 100_001,
            }],
        };
        let faults = Offers::checked(offered, &HashSet::new()).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        for part in [
            "twice",
            "title: write",
            "no such department",
            "id: use",
            "deadline: ",
            "each title once",
            "price_cents: give",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}
