//! What was entered, by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FieldId;
use crate::numbers::Number;
use crate::personal::Personal;
use crate::text::folded;

/// Fields as they were entered; what was not given is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "BTreeMap<FieldId, Personal>")]
pub struct Fields(BTreeMap<FieldId, Personal>);

impl From<BTreeMap<FieldId, Personal>> for Fields {
    fn from(fields: BTreeMap<FieldId, Personal>) -> Self {
        fields.into_iter().collect()
    }
}

impl FromIterator<(FieldId, Personal)> for Fields {
    fn from_iter<I: IntoIterator<Item = (FieldId, Personal)>>(fields: I) -> Self {
        let given = fields.into_iter().filter(|(_, text)| !text.is_empty());
        Self(given.collect())
    }
}

impl Fields {
    /// Fields by name.
    pub fn of<'t>(fields: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let fields = fields.into_iter();
        fields
            .map(|(id, text)| (FieldId::new(id), Personal::new(text)))
            .collect()
    }

    /// What was given; `None` if it is absent.
    pub fn get(&self, id: &str) -> Option<&Personal> {
        self.0.get(&FieldId::new(id))
    }

    /// What was given; empty if it is absent.
    pub fn text(&self, id: &str) -> &str {
        self.get(id).map_or("", Personal::reveal)
    }

    /// Sets a field; an empty text takes it away.
    pub fn set(&mut self, id: FieldId, text: Personal) {
        match text.is_empty() {
            true => self.0.remove(&id),
            false => self.0.insert(id, text),
        };
    }

    /// All that were given, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldId, &Personal)> {
        self.0.iter()
    }

    /// The key under which the telephone number is found in any spelling; personal. `None` without one.
    pub fn phone_key(&self) -> Option<String> {
        let phone = self.get("phone")?;
        Some(Number::read(phone.reveal()).key().to_owned())
    }

    /// The key under which the family name is found; personal. `None` without one.
    pub fn name_key(&self) -> Option<String> {
        self.get("name").map(|name| name_key(name.reveal()))
    }
}

/// A family name free of capitals and of blanks around and between; personal.
pub fn name_key(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    folded(&words.join(" "))
}
