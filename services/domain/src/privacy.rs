//! Data protection: what is stored where, how long, and what is shown to whom.

pub mod access_log;
pub mod inventory;
