//! Who is responsible for what the register lists, and what protects it.

use std::fmt;

use serde::Deserialize;

use super::register::{RegisterFault, RegisterFile};

/// How the file is called, in the folder of an installation as among the built-in ones.
pub(super) const FILE: &str = "head.toml";

const BUILT_IN: &str = include_str!("../../../../schemas/register/head.toml");

/// The head of the register (Art. 30 (1) a, e and g GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The controller.
    pub controller: Party,
    /// Whom data subjects turn to.
    pub data_protection_officer: Party,
    /// Who processes on the controller's behalf.
    #[serde(default, rename = "processor")]
    pub processors: Vec<Party>,
    /// Technical and organisational measures, as sentences in German.
    pub measures: Vec<String>,
    /// Transfers to third countries, as a sentence in German.
    pub third_countries: String,
}

/// Somebody who is responsible for something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Where it is.
    #[serde(default)]
    pub address: String,
    /// How to reach it.
    #[serde(default)]
    pub contact: String,
    /// What it does, in German.
    #[serde(default)]
    pub task: String,
}

impl fmt::Display for Party {
    /// Name, address and how to reach it, as far as they are known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.name, &self.address, &self.contact];
        let known: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|it| !it.is_empty())
            .collect();
        f.write_str(&known.join(", "))
    }
}

impl Head {
    /// The head among further files, else the built-in one.
    pub(super) fn with(files: &[RegisterFile], faults: &mut Vec<RegisterFault>) -> Option<Self> {
        let (name, text) = files
            .iter()
            .find(|file| is_head(&file.name))
            .map_or(("built-in head", BUILT_IN), |file| {
                (file.name.as_str(), file.text.as_str())
            });
        let mut fault = |key: &str, remedy: String| {
            faults.push(RegisterFault {
                file: name.to_owned(),
                key: key.to_owned(),
                remedy,
            });
        };
        let head: Self = match toml::from_str(text) {
            Ok(head) => head,
            Err(error) => {
                fault("TOML", error.to_string().trim().to_owned());
                return None;
            }
        };
        let missing = "it is missing: write it".to_owned();
        for (key, text) in [
            ("controller.name", &head.controller.name),
            ("data_protection_officer.name", &head.data_protection_officer.name),
            ("third_countries", &head.third_countries),
        ] {
            if text.trim().is_empty() {
                fault(key, missing.clone());
            }
        }
        if head.measures.is_empty() {
            fault("measures", "it is missing: list at least one".to_owned());
        }
        Some(head)
    }
}

/// Whether a file is the head, and no procedure.
pub(super) fn is_head(name: &str) -> bool {
    name.rsplit(['/', '\\']).next() == Some(FILE)
}
