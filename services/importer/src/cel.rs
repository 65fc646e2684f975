//! Asterisk's channel events (`cel_custom`): what every channel of a call did, a line each.
//!
//! Alone they give calls with their visits. Beside the queue log, under the same source, they add what it does not
//! know: arrival and end of calls, what was dialled, holds, and calls that no queue took. A visit is named as the
//! queue log names it, by queue and second of entry, so that it is one visit and not two. Asterisk stamps both a
//! moment apart; where that moment spans a second, the names would differ: with `beside_queue_log = true` in the map,
//! visits are left to the queue log, and nothing can count twice.
//!
//! Asterisk logs no start of its own here; the numbers of its channels begin anew then, and what was open has lost its
//! end at once.

mod adapter;
mod channel;
mod group;
mod line;
mod map;
mod restart;
mod telling;

pub use adapter::CelAdapter;
pub use map::CelMap;
