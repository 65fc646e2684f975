//! Asterisk's queue log: what happened in the callers' queues, a line each.
//!
//! A visit is one ENTERQUEUE. The log tells no ids of events; visits are named by queue and second of entry, so that
//! the same lines, read again from anywhere before the entry, give the same events. Columns and units differ by verb:
//! `verb` knows them; `visits` keeps the open visits and finds the one that a line belongs to; [`QueueLogMap`] says
//! what queues, outcomes and callers are called.

mod adapter;
mod map;
mod verb;
mod visits;

pub use adapter::QueueLogAdapter;
pub use map::QueueLogMap;
pub(crate) use verb::epoch;
pub(crate) use visits::key;
