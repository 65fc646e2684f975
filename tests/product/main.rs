//! The product as its users meet it: the program `nrwdirekt`, started as processes on loopback.
//!
//! Owns what no crate can promise alone. Rules of counting are tested where they live.

mod backups;
mod faults;
mod figures;
mod properties;
mod scenarios;
