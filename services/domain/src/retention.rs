//! How long things are kept: when a period began, and whether it is over.
//!
//! Periods are whole local days: what began on a day is over at the beginning of the day after the one that ends the
//! period, as §§ 187 and 188 BGB count. So a period is never shorter than it says, whatever the hour.

use chrono::{DateTime, Days, Months, NaiveDate, Utc};

use crate::booking::{read_slots, slot_length};
use crate::procedure::{Period, RetentionEvent, SLOTS};
use crate::ticket::{Ticket, TicketState};

impl Period {
    /// What began before the start of this day is over on `today`. None where the calendar does not reach back so far:
    /// nothing is over then.
    pub fn over_before(self, today: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Days(days) => today.checked_sub_days(Days::new(days.into())),
            Self::Months(months) => self.months_before(today, months),
            Self::Years(years) => self.months_before(today, years.checked_mul(12)?),
        }
    }

    /// A day of a longer month has no counterpart in a shorter one: the period ends with that month then.
    fn months_before(self, today: NaiveDate, months: u32) -> Option<NaiveDate> {
        today.checked_sub_months(Months::new(months))
    }

    /// As programs and people read it: `180 days`.
    pub fn text(self) -> String {
        let (number, unit) = match self {
            Self::Days(days) => (days, "day"),
            Self::Months(months) => (months, "month"),
            Self::Years(years) => (years, "year"),
        };
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {unit}{plural}")
    }
}

/// When the period of a ticket began; `None` while what it begins with has not happened.
pub fn period_of_ticket_began(ticket: &Ticket, after: RetentionEvent) -> Option<DateTime<Utc>> {
    match after {
        RetentionEvent::AppointmentOver => appointment_over(ticket).or_else(|| last_handled(ticket)),
        RetentionEvent::Reception => Some(ticket.created_at),
        // The answer to an order is its dispatch.
        RetentionEvent::LastHandled
        | RetentionEvent::Dispatched
        | RetentionEvent::Call
        | RetentionEvent::Unsubscribed
        | RetentionEvent::Deadline
        | RetentionEvent::Removed => last_handled(ticket),
    }
}

/// That time closes a settled ticket is no handling of it.
fn last_handled(ticket: &Ticket) -> Option<DateTime<Utc>> {
    match ticket.state {
        TicketState::Erased => Some(ticket.changed_at),
        _ => ticket.settled_at(),
    }
}

/// The end of the last slot.
fn appointment_over(ticket: &Ticket) -> Option<DateTime<Utc>> {
    let booked = ticket
        .schedule
        .booking
        .as_ref()
        .map(|booking| booking.slots.clone());
    let slots = booked.or_else(|| {
        let written = ticket.request.fields().get(SLOTS)?;
        read_slots(written.reveal()).ok()
    });
    let last = slots?.into_iter().max()?;
    Some(last + slot_length())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_over_the_day_after_it_ends() {
        for (period, today, over_before) in [
            (Period::Days(180), "2027-01-01", "2026-07-05"),
            (Period::Days(0), "2027-01-01", "2027-01-01"),
            (Period::Months(3), "2027-02-28", "2026-11-28"),
            // What began on 30 November is kept to the last of February.
            (Period::Months(3), "2027-03-01", "2026-12-01"),
            (Period::Years(10), "2036-11-28", "2026-11-28"),
            (Period::Years(1), "2029-02-28", "2028-02-28"),
        ] {
            assert_eq!(
                period.over_before(day(today)),
                Some(day(over_before)),
                "{period:?} {today}"
            );
        }
        assert_eq!(Period::Years(u32::MAX).over_before(day("2027-01-01")), None);
    }

    #[test]
    fn periods_are_written_with_their_unit() {
        assert_eq!(Period::Days(180).text(), "180 days");
        assert_eq!(Period::Years(1).text(), "1 year");
    }
}
