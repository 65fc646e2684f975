//! The map: which heading and which word of the export means what.

use std::collections::BTreeMap;

use domain::record::{ConnectionStatus, Field, TaskType};
use serde::Deserialize;

use crate::error::ImportError;
use crate::words::WordMap;

/// Headings, values and hotline names of the export, by their meaning. Words are compared regardless of case, blanks
/// and the spelling of umlauts.
#[derive(Clone, Debug, Default)]
pub struct ExportMap {
    pub(super) headings: WordMap<Field>,
    pub(super) task_types: WordMap<TaskType>,
    pub(super) connection_statuses: WordMap<ConnectionStatus>,
    pub(super) callers: WordMap<CallerWord>,
    pub(super) flags: WordMap<bool>,
    pub(super) empty_is_no: bool,
    pub(super) hotlines: WordMap<String>,
}

/// A word that stands in place of a caller's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallerWord {
    Withheld,
    Unknown,
}

/// The words that an export is written in: the first of each meaning in the built-in map.
#[derive(Clone, Debug)]
pub(super) struct WrittenWords {
    task_types: Words,
    connection_statuses: Words,
    withheld: Vec<String>,
}

impl WrittenWords {
    pub(super) fn built_in() -> Self {
        let file: File = toml::from_str(ExportMap::BUILT_IN).expect("the built-in map is read by a test");
        Self {
            task_types: file.task_type,
            connection_statuses: file.connection_status,
            withheld: file.caller.withheld,
        }
    }

    pub(super) fn task_type(&self, task_type: TaskType) -> &str {
        first(&self.task_types, task_type.name())
    }

    pub(super) fn connection_status(&self, status: ConnectionStatus) -> &str {
        first(&self.connection_statuses, status.name())
    }

    pub(super) fn withheld(&self) -> &str {
        self.withheld.first().map_or("", String::as_str)
    }
}

/// The first word of a meaning; its name where the map has none, which a test rules out.
fn first<'a>(words: &'a Words, name: &'a str) -> &'a str {
    words
        .get(name)
        .and_then(|words| words.first())
        .map_or(name, String::as_str)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct File {
    headings: Words,
    task_type: Words,
    connection_status: Words,
    caller: CallerFile,
    flags: FlagsFile,
    hotlines: Words,
}

pub(crate) type Words = BTreeMap<String, Vec<String>>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CallerFile {
    pub(crate) withheld: Vec<String>,
    pub(crate) unknown: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FlagsFile {
    yes: Vec<String>,
    no: Vec<String>,
    empty_is_no: Option<bool>,
}

impl ExportMap {
    /// The map that is built in, `schemas/imports/hotline-export.toml`, as text to start one's own from.
    pub const BUILT_IN: &str = include_str!("../../../../schemas/imports/hotline-export.toml");

    /// The map that is built in.
    pub fn built_in() -> Self {
        Self::default()
            .extended(Self::BUILT_IN)
            .expect("the built-in map is read by a test")
    }

    /// This map with the words of another, as TOML, which win where both name a word.
    ///
    /// # Errors
    /// [`ImportError`] for what is no map, names what does not exist, or gives a word two meanings.
    pub fn extended(mut self, toml: &str) -> Result<Self, ImportError> {
        let File {
            headings,
            task_type,
            connection_status,
            caller,
            flags,
            hotlines,
        } = toml::from_str(toml)?;
        let fields: Vec<_> = Field::ALL.map(|field| (field.name(), field)).to_vec();
        let task_types: Vec<_> = TaskType::ALL.iter().map(|value| (value.name(), *value)).collect();
        let statuses: Vec<_> = ConnectionStatus::ALL
            .iter()
            .map(|value| (value.name(), *value))
            .collect();
        self.headings
            .extend(words("headings", named("headings", headings, &fields)?)?);
        self.task_types
            .extend(words("task_type", named("task_type", task_type, &task_types)?)?);
        self.connection_statuses.extend(words(
            "connection_status",
            named("connection_status", connection_status, &statuses)?,
        )?);
        let CallerFile { withheld, unknown } = caller;
        self.callers.extend(words(
            "caller",
            vec![(CallerWord::Withheld, withheld), (CallerWord::Unknown, unknown)],
        )?);
        let FlagsFile { yes, no, empty_is_no } = flags;
        self.flags.extend(words("flags", vec![(true, yes), (false, no)])?);
        self.empty_is_no = empty_is_no.unwrap_or(self.empty_is_no);
        self.hotlines
            .extend(words("hotlines", hotlines.into_iter().collect())?);
        Ok(self)
    }
}

/// The meanings that the keys of a table name.
pub(crate) fn named<T: Copy>(
    table: &'static str,
    words: Words,
    known: &[(&'static str, T)],
) -> Result<Vec<(T, Vec<String>)>, ImportError> {
    let mut meanings = Vec::new();
    for (key, words) in words {
        let Some((_, meaning)) = known.iter().find(|(name, _)| *name == key) else {
            let known = known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            return Err(ImportError::UnknownMapKey { table, key, known });
        };
        meanings.push((*meaning, words));
    }
    Ok(meanings)
}

pub(crate) fn words<T: Clone + PartialEq>(
    table: &'static str,
    meanings: Vec<(T, Vec<String>)>,
) -> Result<WordMap<T>, ImportError> {
    let mut map = WordMap::default();
    for (meaning, words) in meanings {
        for word in words {
            if map
                .insert(&word, meaning.clone())
                .is_some_and(|before| before != meaning)
            {
                return Err(ImportError::AmbiguousWord { table, word });
            }
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_map_knows_every_heading_task_type_and_status() {
        let map = ExportMap::built_in();
        let mut folded = String::new();
        for field in Field::ALL {
            assert_eq!(map.headings.get(field.heading(), &mut folded), Some(&field));
        }
        let file: File = toml::from_str(ExportMap::BUILT_IN).unwrap();
        assert_eq!(file.task_type.len(), TaskType::ALL.len());
        assert_eq!(file.connection_status.len(), ConnectionStatus::ALL.len());
    }

    #[test]
    fn a_map_of_ones_own_adds_words_and_wins() {
        let own = "[connection_status]\nanswered = [\"Gespräch\"]\nno_answer = [\"fehler\"]\n[flags]\nempty_is_no = true";
        let map = ExportMap::built_in().extended(own).unwrap();
        let mut folded = String::new();
        for (word, status) in [
            ("gespraech", ConnectionStatus::Answered),
            ("Verbunden", ConnectionStatus::Answered),
            ("Fehler", ConnectionStatus::NoAnswer),
        ] {
            assert_eq!(map.connection_statuses.get(word, &mut folded), Some(&status));
        }
        assert!(map.empty_is_no);
    }

    #[test]
    fn a_map_that_cannot_be_meant_is_refused() {
        for (toml, expected) in [
            ("[status]\n", "unknown field `status`"),
            (
                "[headings]\nstart = [\"Beginn\"]",
                "\"start\" in [headings], which is not known; write one of started_at, ",
            ),
            ("[flags]\nyes = [\"1\"]\nno = [\" 1\"]", "\" 1\" twice in [flags]"),
        ] {
            let message = ExportMap::built_in().extended(toml).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
