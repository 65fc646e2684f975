//! The way of a callback over the embedded bus and SQLite.

mod clock;
mod desk;
mod due_times;
mod entries;
mod faults;
mod inboxes;
mod life_cycle;
mod mail;
mod schemas;
mod service;
mod way;
