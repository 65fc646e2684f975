use super::*;

const RULE: &str = r#"
    department = "a"
    service = "Beratung"
    hours = { monday = ["09:00-10:00", "14:00-14:30"], thursday = ["09:00-09:15"] }
    capacity = 2
    notice_minutes = 60
    days_ahead = 30
    slots_max = 3
"#;

fn rule(text: &str) -> BookingRule {
    toml::from_str(text).unwrap()
}

fn bookable(text: &str) -> Bookable {
    Bookable::new(rule(text), &[]).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    local_time::read(text).unwrap()
}

fn slots(of: &Bookable, from: &str, until: &str) -> Vec<String> {
    of.slots(at(from), at(until)).map(local_time::write).collect()
}

#[test]
fn slots_lie_in_the_hours_of_their_weekdays() {
    let of = bookable(RULE);
    assert_eq!(
        slots(&of, "2026-11-23T09:15", "2026-11-30T09:15"),
        [
            "2026-11-23T09:15",
            "2026-11-23T09:30",
            "2026-11-23T09:45",
            "2026-11-23T14:00",
            "2026-11-23T14:15",
            "2026-11-26T09:00",
            "2026-11-30T09:00"
        ]
    );
}

#[test]
fn holidays_and_closed_days_have_none() {
    let of = bookable(&RULE.replace("thursday", "friday"));
    let days = slots(&of, "2026-12-25T00:00", "2026-12-26T00:00");
    assert_eq!(days, Vec::<String>::new());
    let closed = [ClosedDay::try_from("12-21".to_owned()).unwrap()];
    let of = Bookable::new(rule(RULE), &closed).unwrap();
    assert_eq!(
        slots(&of, "2026-12-21T00:00", "2026-12-22T00:00"),
        Vec::<String>::new()
    );
}

#[test]
fn days_with_23_and_25_hours_have_slots_by_the_clock_on_the_wall() {
    let hours = "hours = { sunday = [\"01:45-03:15\"] }";
    let text = RULE.lines().filter(|line| !line.contains("hours ="));
    let of = bookable(&format!("{hours}\n{}", text.collect::<Vec<_>>().join("\n")));
    let autumn = slots(&of, "2026-10-25T00:00", "2026-10-26T00:00");
    assert_eq!(autumn.len(), 1 + 4 + 4 + 1);
    assert_eq!(
        (autumn[1].as_str(), autumn[5].as_str()),
        ("2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00")
    );
    assert_eq!(
        slots(&of, "2026-03-29T00:00", "2026-03-30T00:00"),
        ["2026-03-29T01:45", "2026-03-29T03:00"]
    );
}

#[test]
fn an_appointment_has_slots_in_a_row_that_can_be_booked() {
    let of = bookable(RULE);
    let now = at("2026-11-23T08:00");
    let book = |text: &str| of.appointment(read_slots(text).unwrap(), now);
    assert_eq!(
        book("2026-11-23T09:15\n2026-11-23T09:00").map(|slots| write_slots(&slots)),
        Ok("2026-11-23T09:00\n2026-11-23T09:15".to_owned())
    );
    let fault = |text: &str| book(text).unwrap_err();
    assert_eq!(fault(""), SlotFault::None);
    assert!(matches!(fault("2026-11-23T09:05"), SlotFault::NoSlot(_)));
    assert!(matches!(fault("2026-11-23T08:45"), SlotFault::TooSoon { .. }));
    assert!(matches!(fault("2027-01-11T09:00"), SlotFault::TooFar { .. }));
    assert_eq!(
        fault("2026-11-23T09:45\n2026-11-23T14:00"),
        SlotFault::NotConsecutive
    );
    assert_eq!(
        fault("2026-11-23T09:00\n2026-11-23T09:00"),
        SlotFault::NotConsecutive
    );
    let four = "2026-11-23T09:00\n2026-11-23T09:15\n2026-11-23T09:30\n2026-11-23T09:45";
    assert_eq!(fault(four), SlotFault::TooMany(3));
    assert!(matches!(read_slots("morgen"), Err(SlotFault::Unreadable(_))));
}

#[test]
fn a_faulty_rule_is_refused() {
    for (from, to) in [
        ("capacity = 2", "capacity = 0"),
        ("slots_max = 3", "slots_max = 99"),
        ("days_ahead = 30", "days_ahead = 0"),
        ("\"Beratung\"", "\" \""),
        ("09:00-09:15", "09:05-09:20"),
        ("\"09:00-10:00\", ", "\"13:00-15:00\", "),
    ] {
        assert!(Bookable::new(rule(&RULE.replace(from, to)), &[]).is_err(), "{to}");
    }
}
