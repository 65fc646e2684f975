//! What tests of the whole product stand on: nodes started as processes, clients of theirs, files to import, faults.
//!
//! Owns no expectation: what is right is said by the tests. For dev-dependencies only. Whatever it starts, it ends:
//! by the process id that it was given, and in folders that it made.

mod backend;
mod binary;
mod client;
pub mod command;
pub mod export;
mod http;
mod mail_server;
mod node;
mod patience;
pub mod proxy;
pub mod reports;
mod seed;
mod servers;

pub use backend::Backend;
pub use client::{Connection, Token, connect};
pub use command::Finished;
pub use http::Answer;
pub use mail_server::MailServer;
pub use node::{Builder, TestNode};
pub use patience::{PATIENCE, eventually};
pub use seed::Dice;
pub use servers::{GuardedKafka, OwnServers, Stop, configure_topic};
