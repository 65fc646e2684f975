//! Wished windows, and slots that are booked.

use super::tests::{Desk, by_operator, desk_with, fields, log, request};
use super::*;
use domain::local_time;
use proto::ticketing_server::Ticketing;
use tonic::Code;

/// Department a has two slots of one seat on Monday 28 December 2026; now is Wednesday the 23rd, 16:30.
const BOOKING: &str = r#"
    department = "a"
    service = "Beglaubigung"
    hours = { monday = ["09:00-09:30"] }
    capacity = 1
    days_ahead = 10
"#;

fn bookable() -> Desk {
    desk_with(|config| config.bookings.push(toml::from_str(BOOKING).unwrap()))
}

fn at(text: &str) -> i64 {
    local_time::read(text).unwrap().timestamp_millis()
}

fn appointment(key: &str, slots: &str) -> proto::LogCallbackRequest {
    proto::LogCallbackRequest {
        idempotency_key: key.to_owned(),
        procedure: "appointment".to_owned(),
        fields: fields([
            ("service", "Beglaubigung"),
            ("slots", slots),
            ("first_name", "Erika"),
            ("name", "Mustermann"),
            ("email", "erika@example.org"),
        ]),
        ..Default::default()
    }
}

fn wish(key: &str, from: &str, until: &str) -> proto::LogCallbackRequest {
    proto::LogCallbackRequest {
        wished_from: from.to_owned(),
        wished_until: until.to_owned(),
        ..request(key)
    }
}

async fn slots(desk: &Desk, page_size: u32, page_token: &str) -> (Vec<(String, u32)>, String) {
    let asked = proto::ListSlotsRequest {
        department: "a".to_owned(),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let page = desk
        .service
        .list_slots(by_operator(asked))
        .await
        .unwrap()
        .into_inner();
    let slot = |slot: &proto::Slot| {
        let begins = local_time::write(wire::time(slot.starts_at_unix_ms).unwrap());
        (begins, slot.free)
    };
    (page.slots.iter().map(slot).collect(), page.next_page_token)
}

#[tokio::test]
async fn a_wished_window_is_kept_and_its_end_is_due_if_it_is_later() {
    let desk = bookable();
    let asked = wish("k1", "2026-12-28T14:00", "2026-12-28T16:00");
    let ticket = log(&desk, asked).await.unwrap().ticket.unwrap();
    let window = ticket.wished.unwrap();
    assert_eq!(
        (window.from_unix_ms, window.until_unix_ms),
        (at("2026-12-28T14:00"), at("2026-12-28T16:00"))
    );
    assert_eq!(ticket.due_at_unix_ms, at("2026-12-28T16:00"));
    let early = wish("k2", "2026-12-23T17:00", "2026-12-23T18:00");
    let ticket = log(&desk, early).await.unwrap().ticket.unwrap();
    assert!(ticket.due_at_unix_ms > at("2026-12-24T16:29"));
}

#[tokio::test]
async fn a_wish_that_cannot_be_kept_is_refused_by_field() {
    let desk = bookable();
    for (from, until, field) in [
        ("2026-12-28T14:00", "", "wished_until: "),
        ("morgen", "2026-12-28T16:00", "wished_from: "),
        (
            "2026-12-23T09:00",
            "2026-12-23T10:00",
            "wished_until: the window is past",
        ),
        (
            "2026-12-25T09:00",
            "2026-12-25T18:00",
            "wished_until: no service time",
        ),
        (
            "2027-03-01T09:00",
            "2027-03-01T18:00",
            "wished_until: give a window within",
        ),
    ] {
        let refused = log(&desk, wish("k1", from, until)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(field), "{}", refused.message());
    }
}

#[tokio::test]
async fn an_appointment_books_its_slots_and_is_moved() {
    let desk = bookable();
    let (first, second) = ("2026-12-28T09:00", "2026-12-28T09:15");
    let (page, token) = slots(&desk, 1, "").await;
    assert_eq!(page, [(first.to_owned(), 1)]);
    assert_eq!(
        slots(&desk, 1, &token).await,
        (vec![(second.to_owned(), 1)], String::new())
    );

    let ticket = log(&desk, appointment("k1", first))
        .await
        .unwrap()
        .ticket
        .unwrap();
    assert_eq!(
        (ticket.department.as_str(), ticket.due_at_unix_ms),
        ("a", at(first))
    );
    let taken = log(&desk, appointment("k2", &format!("{first}\n{second}")))
        .await
        .unwrap_err();
    assert_eq!(taken.code(), Code::FailedPrecondition);
    assert!(
        taken
            .message()
            .starts_with("slots: 2026-12-28T09:00 is booked out"),
        "{taken}"
    );
    assert!(log(&desk, appointment("k1", first)).await.unwrap().repeated);

    let move_to = |slot: &str| proto::RebookTicketRequest {
        ticket_id: ticket.ticket_id.clone(),
        slots: vec![slot.to_owned()],
        agent: "anna".to_owned(),
    };
    let moved = desk
        .service
        .rebook_ticket(by_operator(move_to(second)))
        .await
        .unwrap();
    let moved = moved.into_inner().ticket.unwrap();
    assert_eq!(
        (moved.due_at_unix_ms, moved.fields["slots"].as_str()),
        (at(second), second)
    );
    assert_eq!(
        slots(&desk, 0, "").await.0,
        [(first.to_owned(), 1), (second.to_owned(), 0)]
    );
    let refused = desk
        .service
        .rebook_ticket(by_operator(move_to("2026-12-28T09:05")))
        .await;
    assert!(refused.unwrap_err().message().starts_with("slots: "));
}

#[tokio::test]
async fn slots_that_cannot_be_booked_are_refused_by_field() {
    let desk = bookable();
    for (slots, said) in [
        ("morgen", "slots: write a local time"),
        ("2026-12-28T10:00", "slots: 2026-12-28T10:00 is no slot"),
        ("2026-12-21T09:00", "slots: 2026-12-21T09:00 is too soon"),
        ("2027-02-01T09:00", "slots: 2027-02-01T09:00 is too far"),
    ] {
        let refused = log(&desk, appointment("k1", slots)).await.unwrap_err();
        assert!(refused.message().starts_with(said), "{}", refused.message());
    }
    let mut other = appointment("k1", "2026-12-28T09:00");
    other.fields.insert("service".to_owned(), "Beratung".to_owned());
    let refused = log(&desk, other).await.unwrap_err();
    assert!(
        refused.message().contains("choose from Beglaubigung"),
        "{}",
        refused.message()
    );
    let mut wished = appointment("k1", "2026-12-28T09:00");
    (wished.wished_from, wished.wished_until) =
        ("2026-12-28T09:00".to_owned(), "2026-12-28T10:00".to_owned());
    let refused = log(&desk, wished).await.unwrap_err();
    assert!(
        refused.message().starts_with("wished_from: leave it out"),
        "{}",
        refused.message()
    );
}

#[tokio::test]
async fn urgent_tickets_are_listed_by_due_time() {
    let desk = bookable();
    let ticket = log(&desk, request("k1")).await.unwrap().ticket.unwrap();
    let list = async |urgency: proto::Urgency| {
        let asked = proto::ListTicketsRequest {
            urgency: urgency.into(),
            ..Default::default()
        };
        let page = desk.service.list_tickets(by_operator(asked)).await.unwrap();
        page.into_inner().tickets.len()
    };
    assert_eq!(list(proto::Urgency::DueSoon).await, 0);
    let policy = domain::ticket::EscalationPolicy::default();
    let due = wire::time(ticket.due_at_unix_ms).unwrap();
    let minutes = |minutes| due + TimeDelta::minutes(minutes);
    let filter = |urgency: proto::Urgency, now| {
        let asked = proto::ListTicketsRequest {
            urgency: urgency.into(),
            ..Default::default()
        };
        list_filter(&asked, &policy, now).unwrap()
    };
    for (urgency, now, found) in [
        (proto::Urgency::DueSoon, minutes(-121), 0),
        (proto::Urgency::DueSoon, minutes(-119), 1),
        (proto::Urgency::DueSoon, minutes(1), 0),
        (proto::Urgency::Overdue, minutes(0), 0),
        (proto::Urgency::Overdue, minutes(1), 1),
    ] {
        let tickets = desk.store.list(filter(urgency, now)).await.unwrap();
        assert_eq!(tickets.len(), found, "{urgency:?} {now}");
    }
}
