//! The map: which calls come in, what a hotline is, and what channel events mean.

use domain::record::ConnectionStatus;
use serde::Deserialize;

use crate::error::ImportError;
use crate::feed_map::{CallerMap, NameMap};
use crate::hotline_export::map::{CallerFile, Words};

/// What the columns and words of channel events mean.
#[derive(Clone, Debug, Default)]
pub struct CelMap {
    pub(super) columns: Option<Vec<String>>,
    pub(super) beside_queue_log: bool,
    pub(super) queues: NameMap,
    pub(super) dialled: NameMap,
    pub(super) extensions: NameMap,
    pub(super) agents: NameMap,
    pub(super) callers: CallerMap,
    pub(super) contexts: Vec<String>,
    pub(super) caller_digits_min: usize,
    pub(super) refused: Option<ConnectionStatus>,
    pub(super) transfer_sounds: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    columns: Option<Vec<String>>,
    beside_queue_log: Option<bool>,
    refused: Option<ConnectionStatus>,
    transfer_sounds: Vec<String>,
    queues: Words,
    dialled: Words,
    extensions: Words,
    agents: Words,
    caller: CallerFile,
    incoming: Incoming,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Incoming {
    contexts: Vec<String>,
    caller_digits_min: Option<usize>,
}

impl CelMap {
    /// The map that is built in, `schemas/imports/cel.toml`, as text to start one's own from.
    pub const BUILT_IN: &str = include_str!("../../../../schemas/imports/cel.toml");

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
        self.columns = file.columns.or(self.columns);
        self.beside_queue_log = file.beside_queue_log.unwrap_or(self.beside_queue_log);
        self.refused = file.refused.or(self.refused);
        self.transfer_sounds.extend(file.transfer_sounds);
        self.queues.extend("queues", file.queues)?;
        self.dialled.extend("dialled", file.dialled)?;
        self.extensions.extend("extensions", file.extensions)?;
        self.agents.extend("agents", file.agents)?;
        self.callers.extend(file.caller)?;
        self.contexts.extend(file.incoming.contexts);
        self.caller_digits_min = file.incoming.caller_digits_min.unwrap_or(self.caller_digits_min);
        Ok(self)
    }
}
