//! How far orders are, as figures.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::erasure::Place;
use store::erasure::KeptOrder;

use super::steps::delta;

/// What is told of all open orders together, and of what was deleted beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Orders that are not through at every place.
    pub(crate) open: usize,
    /// Since when the oldest of them is, or the oldest deletion that is still to be written over.
    pub(crate) oldest: TimeDelta,
    /// Places of orders, and units of the store that are to be written anew, each on its own, that are not clean although the
    /// bound has passed.
    pub(crate) overdue: usize,
}

/// Measures open orders, and since when units of the store are to be written anew.
pub(super) fn of(
    orders: &[KeptOrder],
    owed: &[DateTime<Utc>],
    now: DateTime<Utc>,
    bound: Duration,
) -> Measured {
    let late = orders
        .iter()
        .filter(|kept| now > kept.open_since() + delta(bound));
    let is_pending = |kept: &KeptOrder, place: Place| {
        place.concerns(&kept.order) && kept.steps.get(&place).is_none_or(|step| step.until > now)
    };
    let pending = |kept| {
        Place::ALL
            .iter()
            .filter(|place| is_pending(kept, **place))
            .count()
    };
    Measured {
        open: orders.len(),
        oldest: orders
            .iter()
            .map(KeptOrder::open_since)
            .chain(owed.iter().copied())
            .map(|since| (now - since).max(TimeDelta::zero()))
            .max()
            .unwrap_or_default(),
        overdue: late.map(pending).sum::<usize>()
            + owed.iter().filter(|since| now > **since + delta(bound)).count(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use domain::erasure::ErasureOrder;
    use domain::ids::{ErasureOrderId, Identity, TicketId};
    use store::erasure::Step;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 27, 9, 0, 0).unwrap() + TimeDelta::seconds(seconds)
    }

    /// An order that was given after so many seconds, with what was done until when.
    fn order(given: i64, steps: &[(Place, i64)]) -> KeptOrder {
        let step = |(place, until): &(Place, i64)| {
            let step = Step {
                done_at: at(given),
                until: at(*until),
            };
            (*place, step)
        };
        let order = serde_json::json!({"id": format!("E-{given}"), "at": at(given)});
        let mut order: ErasureOrder = serde_json::from_value(order).unwrap();
        order.id = ErasureOrderId::new(format!("E-{given}"));
        order.tickets = vec![TicketId::new("T-1")];
        order.calls = vec![Identity([1; 16])];
        KeptOrder {
            sequence: given,
            digest: None,
            order,
            steps: steps.iter().map(step).collect(),
            reopened_at: None,
            closed_at: None,
        }
    }

    #[test]
    fn a_place_is_overdue_once_the_bound_has_passed_and_it_is_not_clean() {
        let bound = Duration::from_secs(60);
        assert_eq!(of(&[], &[], at(0), bound), Measured::default());
        let done = [
            (Place::Tickets, 0),
            (Place::Calls, 1),
            (Place::RejectedItems, 1),
            (Place::BusCalls, 70),
            (Place::BusReplies, 20),
        ];
        let orders = [order(0, &done), order(50, &[])];
        let in_time = of(&orders, &[], at(60), bound);
        assert_eq!(
            (in_time.open, in_time.oldest, in_time.overdue),
            (2, TimeDelta::seconds(60), 0)
        );
        // Messages to departments and files are still to be done, and reports of calls stay until 70.
        assert_eq!(of(&orders, &[], at(61), bound).overdue, 3);
        assert_eq!(of(&orders, &[], at(75), bound).overdue, 2);
        let owed = of(&[], &[at(0), at(10)], at(61), bound);
        assert_eq!(
            (owed.open, owed.oldest, owed.overdue),
            (0, TimeDelta::seconds(61), 1)
        );
    }

    #[test]
    fn an_order_that_is_open_again_has_the_bound_anew() {
        let done = Place::ALL.iter().filter(|place| **place != Place::BusReplies);
        let done: Vec<(Place, i64)> = done.map(|place| (*place, 5)).collect();
        let mut kept = order(0, &done);
        kept.reopened_at = Some(at(1000));
        let bound = Duration::from_secs(60);
        let in_time = of(&[kept.clone()], &[], at(1060), bound);
        assert_eq!((in_time.oldest, in_time.overdue), (TimeDelta::seconds(60), 0));
        assert_eq!(of(&[kept], &[], at(1061), bound).overdue, 1);
    }
}
