//! Asterisk's call detail records (`cdr_csv`): what the channels of a call did, a line each.
//!
//! The lines of a call, joined by `linkedid`, give one finished record, as far as they can tell: a call that was
//! answered before its queue has no wait and no talk that could be told apart. Each further line of a call gives its
//! record a higher revision.

mod adapter;
mod line;
mod map;

pub use adapter::CdrAdapter;
pub use map::CdrMap;
