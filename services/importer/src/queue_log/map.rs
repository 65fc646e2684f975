//! The map: what queues, outcomes, callers and reasons of a queue log mean.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::ImportError;
use crate::feed_map::{CallerMap, NameMap};
use crate::hotline_export::map::{CallerFile, Words};

/// What the names and words of a queue log mean.
#[derive(Clone, Debug, Default)]
pub struct QueueLogMap {
    pub(super) queues: NameMap,
    pub(super) extensions: NameMap,
    pub(super) agents: NameMap,
    pub(super) callers: CallerMap,
    pub(super) after_call_work: Vec<String>,
    outcomes: BTreeMap<String, Ending>,
}

/// What becomes of a visit by a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Abandoned,
    Overflowed,
    Diverted,
    /// Nothing: the visit goes on.
    None,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    queues: Words,
    extensions: Words,
    agents: Words,
    caller: CallerFile,
    after_call_work: AfterCallWork,
    outcomes: BTreeMap<String, Ending>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AfterCallWork {
    reasons: Vec<String>,
}

impl QueueLogMap {
    /// The map that is built in, `schemas/imports/queue-log.toml`, as text to start one's own from.
    pub const BUILT_IN: &str = include_str!("../../../../schemas/imports/queue-log.toml");

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
        let file: File = toml::from_str(toml)?;
        self.queues.extend("queues", file.queues)?;
        self.extensions.extend("extensions", file.extensions)?;
        self.agents.extend("agents", file.agents)?;
        self.callers.extend(file.caller)?;
        self.after_call_work.extend(file.after_call_work.reasons);
        self.outcomes.extend(file.outcomes);
        Ok(self)
    }

    /// What becomes of a visit by a verb, and by the key that was pressed.
    pub(super) fn ending(&self, verb: &str, key: Option<&str>) -> Option<Ending> {
        let by_key = key.and_then(|key| self.outcomes.get(&format!("{verb} {key}")));
        by_key.or_else(|| self.outcomes.get(verb)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_ones_own_adds_queues_and_outcomes_and_wins() {
        let own = "[queues]\n\"Bürgertelefon\" = [\"buergertelefon\"]\n\
                   [outcomes]\n\"EXITWITHKEY 3\" = \"overflowed\"\nCUSTOM = \"diverted\"";
        let map = QueueLogMap::built_in().extended(own).unwrap();
        assert_eq!(map.queues.hotline("buergertelefon").as_str(), "Bürgertelefon");
        assert_eq!(map.queues.hotline("steuern").as_str(), "steuern");
        for (verb, key, ending) in [
            ("EXITWITHKEY", Some("3"), Some(Ending::Overflowed)),
            ("EXITWITHKEY", Some("1"), Some(Ending::Diverted)),
            ("CUSTOM", None, Some(Ending::Diverted)),
            ("CONNECT", None, None),
        ] {
            assert_eq!(map.ending(verb, key), ending, "{verb}");
        }
    }

    #[test]
    fn a_map_that_cannot_be_meant_is_refused() {
        for toml in [
            "[queue]\n",
            "[outcomes]\nABANDON = \"gone\"",
            "[queues]\na = [\"x\"]\nb = [\"X\"]",
        ] {
            assert!(QueueLogMap::built_in().extended(toml).is_err(), "{toml}");
        }
    }
}
