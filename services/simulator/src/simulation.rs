//! Days of the hotline, one at a time.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{CallId, HotlineName};

use crate::arrivals::{DayBounds, utc};
use crate::call::SimulatedCall;
use crate::contacts;
use crate::floor::Floor;
use crate::profile::{Profile, ProfileError};

/// A hotline that can be played on any day. The same seed and profile give the same days, bit by bit.
#[derive(Clone, Debug)]
pub struct Simulation {
    seed: u64,
    profile: Profile,
    names: Vec<HotlineName>,
}

/// All contacts that arrive on one local day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedDay {
    /// The local day.
    pub date: NaiveDate,
    /// Local midnight at its start.
    pub starts_at: DateTime<Utc>,
    /// Local midnight at its end: 23, 24 or 25 hours later.
    pub ends_at: DateTime<Utc>,
    /// The contacts, by the time when they are finished; the last ones may finish after midnight.
    pub calls: Vec<SimulatedCall>,
}

impl Simulation {
    /// A simulation of a profile.
    ///
    /// # Errors
    /// [`ProfileError`] if the profile cannot be played.
    pub fn new(seed: u64, profile: Profile) -> Result<Self, ProfileError> {
        profile.check()?;
        let names = profile
            .hotlines
            .iter()
            .map(|hotline| HotlineName::new(&hotline.name))
            .collect();
        Ok(Self { seed, profile, names })
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The profile that is played.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Plays one local day. It does not depend on any other day.
    pub fn day(&self, date: NaiveDate) -> SimulatedDay {
        let call_ids = CallIds::of_day(self.seed, date);
        let bounds = DayBounds::of(date, &self.profile);
        let floor = Floor::new(self.seed, date, &self.profile, &self.names, call_ids.clone());
        let inbound = floor.play();
        let others = contacts::of_day(
            self.seed,
            date,
            &self.profile,
            &self.names,
            &bounds,
            inbound.len(),
        );
        let others = others.into_iter().map(|contact| (contact, None));
        let mut calls: Vec<SimulatedCall> = inbound
            .into_iter()
            .chain(others)
            .enumerate()
            .map(|(index, (call, callback))| call.finished(call_ids.nth(index), callback))
            .collect();
        calls.sort_by(|left, right| {
            left.finished_at
                .cmp(&right.finished_at)
                .then_with(|| left.call_id.cmp(&right.call_id))
        });
        SimulatedDay {
            date,
            starts_at: utc(bounds.starts),
            ends_at: utc(bounds.ends),
            calls,
        }
    }

    /// Plays the days from a date to another, which is not included, one after the other.
    pub fn days(&self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = SimulatedDay> + '_ {
        from.iter_days()
            .take_while(move |date| *date < to)
            .map(|date| self.day(date))
    }
}

/// The ids that the simulated telephone system gives: they hold seed, day and a number, so that simulations do not
/// collide in one source.
#[derive(Clone)]
pub(crate) struct CallIds {
    prefix: String,
}

impl CallIds {
    fn of_day(seed: u64, date: NaiveDate) -> Self {
        Self {
            prefix: format!("sim-{seed:x}-{}", date.format("%Y%m%d")),
        }
    }

    /// The id of the n-th contact of the day, from 0.
    pub(crate) fn nth(&self, index: usize) -> CallId {
        CallId::new(format!("{}-{:06}", self.prefix, index + 1))
    }
}
