//! The rules of the hotline: calls, visits, counts, tickets, routing, service time.
//!
//! Owns every definition that a figure or a promise rests on. Pure: no I/O, no clock, no crate of this
//! workspace. What time it is, what is stored and what was sent comes in as an argument.

pub mod access;
pub mod agents;
pub mod assembly;
pub mod audit;
pub mod booking;
pub mod brochures;
pub mod counting;
pub mod counts;
pub mod erasure;
pub mod event;
pub mod figures;
pub mod holidays;
pub mod ids;
pub mod live;
pub mod local_time;
mod named;
pub mod numbers;
pub mod offers;
pub mod percentile;
pub mod personal;
pub mod places;
pub mod policy;
pub mod privacy;
pub mod procedure;
pub mod record;
pub mod registration;
pub mod report;
pub mod retention;
pub mod routing;
pub mod rulebook;
pub mod service_time;
pub mod span;
pub mod staffing;
mod text;
pub mod ticket;
pub mod visit;
