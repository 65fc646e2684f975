//! A seeded hotline: whole days of calls, as a telephone system would report them, with the true figures beside.
//!
//! Owns the model of callers, agents and queues, the dirt of real feeds, and the truth about what was made. Pure: no
//! I/O, no clock; the caller decides where the calls go and how fast. The truth comes from the simulation's own
//! knowledge: it must not ask the rules that it is there to check (`domain::assembly`, `domain::counts`).
//!
//! A day depends on seed, date and profile alone, never on the day before, so a year can be made in parallel or
//! resumed anywhere.

mod arrivals;
mod call;
mod contacts;
mod conversation;
mod dice;
mod feed;
mod floor;
mod people;
mod profile;
mod simulation;
mod truth;

pub use call::{SimulatedCall, SimulatedCallback};
pub use feed::{Dirt, Feed, FeedItem, FeedKind, FeedPayload, Pace};
pub use profile::{
    CallerProfile, ContactProfile, HotlineProfile, OverflowRule, Profile, ProfileError, ServiceProfile,
    ShiftProfile, Spread, TeamProfile, VoiceMessageRule,
};
pub use simulation::{SimulatedDay, Simulation};
pub use truth::{Figures, Group, Truth};
