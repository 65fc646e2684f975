//! The map: what a hotline is, and what the words of call detail records mean.

use std::collections::BTreeMap;

use domain::record::ConnectionStatus;
use serde::Deserialize;

use crate::error::ImportError;
use crate::feed_map::{CallerMap, NameMap};
use crate::hotline_export::map::{CallerFile, Words};
use crate::words::WordMap;

/// What the columns and words of call detail records mean.
#[derive(Clone, Debug, Default)]
pub struct CdrMap {
    pub(super) columns: Option<Vec<String>>,
    pub(super) utc: bool,
    pub(super) hotlines: BTreeMap<String, NameMap>,
    pub(super) queues: NameMap,
    pub(super) contexts: Vec<String>,
    pub(super) caller_digits_min: usize,
    pub(super) callers: CallerMap,
    pub(super) after_queue: WordMap<ConnectionStatus>,
    pub(super) before_queue: WordMap<ConnectionStatus>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    columns: Option<Vec<String>>,
    time_zone: Option<TimeZone>,
    queues: Words,
    hotlines: BTreeMap<String, Words>,
    incoming: Incoming,
    caller: CallerFile,
    after_queue: BTreeMap<String, ConnectionStatus>,
    before_queue: BTreeMap<String, ConnectionStatus>,
}

#[derive(Deserialize)]
enum TimeZone {
    #[serde(rename = "Europe/Berlin")]
    Berlin,
    #[serde(rename = "UTC")]
    Utc,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Incoming {
    contexts: Vec<String>,
    caller_digits_min: Option<usize>,
}

/// Columns by whose values a hotline can be known, in the order in which they are asked.
pub(super) const HOTLINE_COLUMNS: [&str; 4] = ["userfield", "dst", "accountcode", "dcontext"];

impl CdrMap {
    /// The map that is built in, `schemas/imports/cdr.toml`, as text to start one's own from.
    pub const BUILT_IN: &str = include_str!("../../../../schemas/imports/cdr.toml");

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
        self.columns = file.columns.or(self.columns);
        self.utc = file
            .time_zone
            .map_or(self.utc, |zone| matches!(zone, TimeZone::Utc));
        self.queues.extend("queues", file.queues)?;
        for (column, names) in file.hotlines {
            if !HOTLINE_COLUMNS.contains(&column.as_str()) {
                return Err(ImportError::UnknownMapKey {
                    table: "hotlines",
                    key: column,
                    known: HOTLINE_COLUMNS.join(", "),
                });
            }
            self.hotlines
                .entry(column)
                .or_default()
                .extend("hotlines", names)?;
        }
        self.contexts.extend(file.incoming.contexts);
        self.caller_digits_min = file.incoming.caller_digits_min.unwrap_or(self.caller_digits_min);
        self.callers.extend(file.caller)?;
        for (application, status) in file.after_queue {
            self.after_queue.insert(&application, status);
        }
        for (application, status) in file.before_queue {
            self.before_queue.insert(&application, status);
        }
        Ok(self)
    }
}
