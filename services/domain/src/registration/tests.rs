use std::collections::HashSet;

use super::*;
use crate::ids::DepartmentId;
use crate::offers::{Newsletter, Offered, ProgrammeItem};
use crate::procedure::Register;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

const NOW: &str = "2027-06-01T08:00:00Z";

fn offers() -> Offers {
    let press = DepartmentId::new("presse");
    let newsletter = |id: &str| Newsletter {
        id: OfferId::new(id),
        title: format!("Neues {id}"),
        department: press.clone(),
    };
    let event = Event {
        id: OfferId::new("sommerfest"),
        title: "Sommerfest".to_owned(),
        place: "Düsseldorf".to_owned(),
        begins: at("2027-06-20T16:00:00Z"),
        deadline: at("2027-06-03T10:00:00Z"),
        department: press.clone(),
        shuttle: false,
        items: vec![ProgrammeItem {
            title: "Rundgang".to_owned(),
            capacity: Some(2),
        }],
    };
    let offered = Offered {
        newsletters: vec![newsletter("a"), newsletter("b")],
        events: vec![event],
        brochures: Vec::new(),
    };
    Offers::checked(offered, &HashSet::from([&press])).unwrap()
}

fn apply(
    procedure: &str,
    chosen: &[&str],
    fields: Fields,
    now: &str,
) -> Result<CheckedRegistration, Vec<String>> {
    let register = Register::built_in();
    let procedure = register.procedure(procedure).unwrap();
    let application = Application {
        offers: chosen.iter().map(OfferId::new).collect(),
        fields,
        consents: true,
    };
    checked(
        procedure,
        procedure.entry_rules().unwrap(),
        &offers(),
        application,
        at(now),
    )
    .map_err(|faults| {
        faults
            .iter()
            .map(|it| format!("{} {}", it.field, it.code.name()))
            .collect()
    })
}

fn journalist() -> Fields {
    Fields::of([
        ("first_name", "Jörg"),
        ("name", "Groß"),
        ("birth_date", "1980-02-29"),
        ("birth_place", "Köln"),
        ("email", "J.Gross@example.org"),
        ("programme_items", "Rundgang"),
    ])
}

#[test]
fn a_subscription_makes_one_entry_for_each_newsletter() {
    let fields = Fields::of([("email", "Erika@Example.org")]);
    let checked = apply("newsletter", &["b", "a", "b"], fields, NOW).unwrap();
    let chosen: Vec<_> = checked.entries.iter().map(|entry| entry.offer.as_str()).collect();
    assert_eq!(chosen, ["a", "b"]);
    assert_eq!(checked.email_key, "erika@example.org");
    assert_eq!(checked.recipient.reveal(), "Erika@Example.org");
    assert_eq!(checked.entries[0].fields.text("subscriptions"), "Neues a");
    assert_eq!(checked.expires_at, at("2027-06-08T08:00:00Z"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let fields = Fields::of([("email", "nobody"), ("shoe_size", "43")]);
    let faults = apply("newsletter", &["c"], fields, NOW).unwrap_err();
    assert_eq!(
        faults,
        ["subscriptions no_offer", "email no_email", "shoe_size undeclared"]
    );
    let faults = apply("newsletter", &[], Fields::default(), NOW).unwrap_err();
    assert_eq!(faults, ["subscriptions required", "email required"]);
}

#[test]
fn an_accreditation_is_checked_against_its_event() {
    let checked = apply("media-accreditation", &["sommerfest"], journalist(), NOW).unwrap();
    assert_eq!(checked.capacities, BTreeMap::from([("Rundgang".to_owned(), 2)]));
    assert_eq!(
        checked.expires_at,
        at("2027-06-04T10:00:00Z"),
        "a day after the deadline"
    );
    let mut other = journalist();
    other.set(
        FieldId::new("programme_items"),
        Personal::new("Rundgang\nBankett"),
    );
    other.set(FieldId::new("shuttle"), Personal::new("true"));
    let faults = apply(
        "media-accreditation",
        &["sommerfest"],
        other,
        "2027-06-03T10:00:00Z",
    )
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "offer offer_closed",
            "programme_items no_option",
            "shuttle undeclared"
        ]
    );
}

#[test]
fn two_persons_of_one_editorial_office_are_two() {
    let key = |fields| {
        let checked = apply("media-accreditation", &["sommerfest"], fields, NOW).unwrap();
        checked.entries[0].person_key.clone()
    };
    let mut other = journalist();
    other.set(FieldId::new("first_name"), Personal::new("Jana"));
    assert_ne!(key(journalist()), key(other));
    let mut same = journalist();
    same.set(FieldId::new("name"), Personal::new("GROSS"));
    same.set(FieldId::new("email"), Personal::new("j.gross@example.ORG"));
    same.set(FieldId::new("phone"), Personal::new("0221 4710"));
    assert_eq!(key(same.clone()).lines().next(), key(journalist()).lines().next());
}

#[test]
fn a_link_is_good_for_its_purpose_and_id_alone() {
    let key = LinkKey::new(IdentityKey::new([7; 32]));
    let id = "0123456789abcdef0123456789abcdef";
    let token = key.token(LinkPurpose::Confirm, id);
    assert_eq!(key.read(LinkPurpose::Confirm, &token), Some(id));
    assert_eq!(key.read(LinkPurpose::End, &token), None);
    let other = LinkKey::new(IdentityKey::new([8; 32]));
    assert_eq!(other.read(LinkPurpose::Confirm, &token), None);
    for wrong in [
        "",
        "T-0000-0000",
        &token[1..],
        &format!("f{}", &token[1..]),
        "ä".repeat(32).as_str(),
    ] {
        assert_eq!(key.read(LinkPurpose::Confirm, wrong), None, "{wrong}");
    }
}
