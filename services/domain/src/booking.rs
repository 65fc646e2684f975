//! Slots that citizens can book with departments: 15 minutes each, in local time, as the rules open them.
//!
//! Public holidays and further closed days have none. On the day with 25 hours the hour that happens twice has slots in
//! both of its passes.

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::DepartmentId;
use crate::local_time;
use crate::service_time::{ClosedDay, OpeningHours, OpeningHoursFault, ServiceCalendar, ServicePeriod};
use crate::text::folded;

/// Minutes of a slot.
pub const SLOT_MINUTES: u16 = 15;
/// Slots of one appointment at most, whatever the rules say.
pub const SLOTS_MAX: u16 = 16;
/// Days ahead at most, whatever the rules say.
pub const DAYS_AHEAD_MAX: u16 = 366;
/// Seats of a slot at most, whatever the rules say.
pub const CAPACITY_MAX: u16 = 1000;

/// How long a slot is.
pub const fn slot_length() -> TimeDelta {
    TimeDelta::minutes(SLOT_MINUTES as i64)
}

/// The name of a service free of capitals and of blanks around it.
pub fn service_key(service: &str) -> String {
    folded(service.trim())
}

/// Slots of a service of a department, as the rules write them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingRule {
    /// Whose slots they are.
    pub department: DepartmentId,
    /// What they are for, as agents name it.
    pub service: String,
    /// When they are; a weekday that is not given has none.
    pub hours: BookingHours,
    /// How many appointments a slot takes.
    pub capacity: u16,
    /// Minutes between booking and slot at least.
    #[serde(default)]
    pub notice_minutes: u32,
    /// Days ahead that can be booked, today being 0.
    #[serde(default = "default_days_ahead")]
    pub days_ahead: u16,
    /// Slots in a row that one appointment may have.
    #[serde(default = "default_slots_max")]
    pub slots_max: u16,
}

fn default_days_ahead() -> u16 {
    60
}

fn default_slots_max() -> u16 {
    4
}

/// Hours of a week in which a weekday that is not given is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BookingHours {
    /// Hours of Mondays, as `09:00-12:00`, in order; likewise the others.
    pub monday: Vec<ServicePeriod>,
    /// Hours of Tuesdays.
    pub tuesday: Vec<ServicePeriod>,
    /// Hours of Wednesdays.
    pub wednesday: Vec<ServicePeriod>,
    /// Hours of Thursdays.
    pub thursday: Vec<ServicePeriod>,
    /// Hours of Fridays.
    pub friday: Vec<ServicePeriod>,
    /// Hours of Saturdays.
    pub saturday: Vec<ServicePeriod>,
    /// Hours of Sundays.
    pub sunday: Vec<ServicePeriod>,
}

impl From<BookingHours> for OpeningHours {
    fn from(hours: BookingHours) -> Self {
        Self {
            monday: hours.monday,
            tuesday: hours.tuesday,
            wednesday: hours.wednesday,
            thursday: hours.thursday,
            friday: hours.friday,
            saturday: hours.saturday,
            sunday: hours.sunday,
        }
    }
}

impl BookingHours {
    fn is_whole_slots(&self) -> bool {
        let week = [
            &self.monday,
            &self.tuesday,
            &self.wednesday,
            &self.thursday,
            &self.friday,
            &self.saturday,
            &self.sunday,
        ];
        let whole = |period: &ServicePeriod| {
            period.opens().is_multiple_of(SLOT_MINUTES) && period.closes().is_multiple_of(SLOT_MINUTES)
        };
        week.into_iter().flatten().all(whole)
    }
}

/// What is wrong with a [`BookingRule`], without naming it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BookingRuleFault {
    /// Hours that are none.
    #[error("hours: {0}")]
    Hours(#[from] OpeningHoursFault),
    /// Hours that cannot be cut into slots.
    #[error("hours: begin and end on a quarter of an hour")]
    NotWholeSlots,
    /// A service without a name.
    #[error("service: name it")]
    NoService,
    /// A number beyond its bounds.
    #[error("{key}: use {least} to {most}")]
    OutOfBounds {
        /// The key.
        key: &'static str,
        /// The least that it may be.
        least: u32,
        /// The most that it may be.
        most: u32,
    },
}

/// Slots of a service of a department, checked.
#[derive(Clone, Debug)]
pub struct Bookable {
    /// Whose slots they are.
    pub department: DepartmentId,
    /// What they are for.
    pub service: String,
    /// How many appointments a slot takes.
    pub capacity: u16,
    notice: TimeDelta,
    days_ahead: u16,
    slots_max: u16,
    hours: ServiceCalendar,
}

/// Why slots cannot be booked, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SlotFault {
    /// A line that is no time.
    #[error("{0}; one slot a line")]
    Unreadable(#[from] local_time::LocalTimeFault),
    /// Nothing was given.
    #[error("name at least one slot")]
    None,
    /// No slot begins then.
    #[error("{} is no slot of this service; `nrwdirekt slot list` names those that are", local_time::write(*.0))]
    NoSlot(DateTime<Utc>),
    /// Too short a time ahead, or past.
    #[error("{} is too soon or past; the first slot that can be booked is not before {}", local_time::write(*.slot), local_time::write(*.first))]
    TooSoon {
        /// The slot.
        slot: DateTime<Utc>,
        /// From when on slots can be booked.
        first: DateTime<Utc>,
    },
    /// Too far ahead.
    #[error("{} is too far ahead; slots can be booked before {}", local_time::write(*.slot), local_time::write(*.end))]
    TooFar {
        /// The slot.
        slot: DateTime<Utc>,
        /// Until when slots can be booked.
        end: DateTime<Utc>,
    },
    /// Not one after the other.
    #[error("name slots that follow one another without a gap, each once")]
    NotConsecutive,
    /// More than an appointment may have.
    #[error("name at most {0} slots")]
    TooMany(u16),
}

impl Bookable {
    /// Checks a rule.
    ///
    /// # Errors
    /// [`BookingRuleFault`].
    pub fn new(rule: BookingRule, closed_days: &[ClosedDay]) -> Result<Self, BookingRuleFault> {
        let bounded = |key, value: u16, most: u16| match (1..=most).contains(&value) {
            true => Ok(()),
            false => Err(BookingRuleFault::OutOfBounds {
                key,
                least: 1,
                most: most.into(),
            }),
        };
        bounded("capacity", rule.capacity, CAPACITY_MAX)?;
        bounded("days_ahead", rule.days_ahead, DAYS_AHEAD_MAX)?;
        bounded("slots_max", rule.slots_max, SLOTS_MAX)?;
        let service = rule.service.trim().to_owned();
        if service.is_empty() {
            return Err(BookingRuleFault::NoService);
        }
        if !rule.hours.is_whole_slots() {
            return Err(BookingRuleFault::NotWholeSlots);
        }
        Ok(Self {
            department: rule.department,
            service,
            capacity: rule.capacity,
            notice: TimeDelta::minutes(rule.notice_minutes.into()),
            days_ahead: rule.days_ahead,
            slots_max: rule.slots_max,
            hours: ServiceCalendar::new(rule.hours.into())?.closed_on(closed_days),
        })
    }

    /// Slots that an appointment has at most.
    pub fn slots_max(&self) -> u16 {
        self.slots_max
    }

    /// Whether it is the service of this name, capitals and blanks around it aside.
    pub fn is_service(&self, name: &str) -> bool {
        service_key(&self.service) == service_key(name)
    }

    /// Slots that begin from a moment on and before another, in order.
    pub fn slots(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + use<'_> {
        local_time::day_of(from)
            .iter_days()
            .take_while(move |day| local_time::start_of(*day) < until)
            .flat_map(|day| self.hours.service_time_of(day))
            .flat_map(|(opens, closes)| {
                let nth = move |number| opens + slot_length() * number;
                (0..)
                    .map(nth)
                    .take_while(move |slot| *slot + slot_length() <= closes)
            })
            .filter(move |slot| from <= *slot && *slot < until)
    }

    /// From when until when slots can be booked now.
    pub fn bookable_from(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let last = local_time::day_of(now).checked_add_days(Days::new(u64::from(self.days_ahead) + 1));
        let end = last.map_or(DateTime::<Utc>::MAX_UTC, local_time::start_of);
        (now + self.notice, end)
    }

    /// The slots of an appointment, in order, if they can be booked as far as the rules go.
    ///
    /// # Errors
    /// [`SlotFault`].
    pub fn appointment(
        &self,
        mut slots: Vec<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, SlotFault> {
        slots.sort_unstable();
        if slots.is_empty() {
            return Err(SlotFault::None);
        }
        if slots.len() > usize::from(self.slots_max) {
            return Err(SlotFault::TooMany(self.slots_max));
        }
        let (first, end) = self.bookable_from(now);
        for slot in slots.iter().copied() {
            if slot < first {
                return Err(SlotFault::TooSoon { slot, first });
            }
            if slot >= end {
                return Err(SlotFault::TooFar { slot, end });
            }
            if self.slots(slot, slot + slot_length()).next() != Some(slot) {
                return Err(SlotFault::NoSlot(slot));
            }
        }
        match slots.windows(2).all(|pair| pair[1] - pair[0] == slot_length()) {
            true => Ok(slots),
            false => Err(SlotFault::NotConsecutive),
        }
    }
}

/// Reads slots as a request names them, one a line.
///
/// # Errors
/// [`SlotFault::Unreadable`].
pub fn read_slots(text: &str) -> Result<Vec<DateTime<Utc>>, SlotFault> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let slots: Result<_, _> = lines.map(local_time::read).collect();
    Ok(slots?)
}

/// Writes what [`read_slots`] reads.
pub fn write_slots(slots: &[DateTime<Utc>]) -> String {
    let lines: Vec<String> = slots.iter().copied().map(local_time::write).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
