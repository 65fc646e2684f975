//! The map: what hotlines, agents and callers of a feed are called here.

use serde::Deserialize;

use crate::error::ImportError;
use crate::feed_map::{CallerMap, NameMap};
use crate::hotline_export::map::{CallerFile, Words};

/// What the names of a feed in JSON lines mean.
#[derive(Clone, Debug, Default)]
pub struct JsonlMap {
    pub(super) hotlines: NameMap,
    pub(super) agents: NameMap,
    pub(super) callers: CallerMap,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    hotlines: Words,
    agents: Words,
    caller: CallerFile,
}

impl JsonlMap {
    /// The map that is built in, `schemas/imports/jsonl.toml`, as text to start one's own from.
    pub const BUILT_IN: &str = include_str!("../../../../schemas/imports/jsonl.toml");

    /// The map that is built in.
    pub fn built_in() -> Self {
        Self::default()
            .extended(Self::BUILT_IN)
            .expect("the built-in map is read by a test")
    }

    /// This map with the words of another, as TOML, which win where both name a word.
    ///
    /// # Errors
    /// [`ImportError`] for what is no map, or gives a word two meanings.
    pub fn extended(mut self, toml: &str) -> Result<Self, ImportError> {
        let file: File = toml::from_str(toml)?;
        self.hotlines.extend("hotlines", file.hotlines)?;
        self.agents.extend("agents", file.agents)?;
        self.callers.extend(file.caller)?;
        Ok(self)
    }
}
