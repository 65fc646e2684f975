use super::*;
use crate::local_time;

fn at(text: &str) -> DateTime<Utc> {
    local_time::read(text).unwrap()
}

fn window(from: &str, until: &str) -> Window {
    Window {
        from: at(from),
        until: at(until),
    }
}

#[test]
fn a_wished_window_must_reach_into_service_time() {
    let calendar = ServiceCalendar::default();
    // A Friday.
    let now = at("2026-11-20T12:00");
    let check = |from, until| window(from, until).checked(&calendar, now).err();
    assert_eq!(check("2026-11-23T09:00", "2026-11-23T12:00"), None);
    assert_eq!(check("2026-11-20T17:00", "2026-11-20T20:00"), None);
    assert_eq!(check("2026-11-20T08:00", "2026-11-20T13:00"), None);
    for (from, until, fault) in [
        ("2026-11-23T09:00", "2026-11-23T09:00", WishFault::Empty),
        ("2026-11-20T08:00", "2026-11-20T12:00", WishFault::Past),
        ("2026-11-21T08:00", "2026-11-22T18:00", WishFault::Closed),
        ("2026-11-23T18:00", "2026-11-24T08:00", WishFault::Closed),
        ("2027-01-19T09:00", "2027-01-19T12:01", WishFault::TooFar),
    ] {
        assert_eq!(check(from, until), Some(fault), "{from} {until}");
    }
}

#[test]
fn the_later_of_policy_and_wish_is_due_and_a_slot_before_both() {
    let by_policy = at("2026-11-23T12:00");
    let wished = |until| Schedule {
        wished: Some(window("2026-11-23T08:00", until)),
        ..Schedule::default()
    };
    assert_eq!(Schedule::default().due(by_policy), by_policy);
    assert_eq!(wished("2026-11-23T10:00").due(by_policy), by_policy);
    assert_eq!(wished("2026-11-24T10:00").due(by_policy), at("2026-11-24T10:00"));
    let booked = Schedule {
        booking: Some(Booking {
            department: DepartmentId::new("a"),
            service: "Beratung".to_owned(),
            slots: vec![at("2026-11-23T09:00"), at("2026-11-23T09:15")],
        }),
        ..Schedule::default()
    };
    assert_eq!(booked.due(by_policy), at("2026-11-23T09:00"));
}
