//! The program's own form: finished records, events and agent states, a JSON object a line.
//!
//! For telephone systems that no other format fits. The form is described by `schemas/imports/jsonl.schema.json`; the
//! names are those of the fields, events and values in GLOSSARY. Times are RFC 3339 with an offset, or milliseconds
//! since 1970; durations are in milliseconds. Nothing unknown is passed over: a name that is not in the schema makes
//! its line unreadable.

mod adapter;
mod form;
mod map;

pub use adapter::JsonlAdapter;
pub use map::JsonlMap;
