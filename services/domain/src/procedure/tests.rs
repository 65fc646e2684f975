use super::*;
use crate::personal::Personal;

fn register() -> Register {
    Register::built_in()
}

fn faults(procedure: &str, fields: &[(&str, &str)]) -> Vec<FieldFault> {
    let register = register();
    let procedure = register.procedure(procedure).unwrap();
    match procedure.checked(Fields::of(fields.iter().copied())) {
        Ok(_) => Vec::new(),
        Err(faults) => faults,
    }
}

fn faulty(procedure: &str, fields: &[(&str, &str)]) -> Vec<String> {
    let faults = faults(procedure, fields);
    faults.into_iter().map(|fault| fault.field).collect()
}

/// Faults of a callback request that would be sound without this field.
fn faulty_callback(field: &str, text: &str) -> Vec<String> {
    let mut fields = vec![("concern", "Frage zum Bescheid")];
    fields.extend([("phone", "0221 1234567")].iter().filter(|(id, _)| *id != field));
    fields.retain(|(id, _)| *id != field);
    fields.push((field, text));
    faulty("callback", &fields)
}

const ORDER: [(&str, &str); 5] = [
    ("brochures", "1 × Landesplan"),
    ("name", "Mustermann"),
    ("street", "Domkloster"),
    ("postal_code", "50667"),
    ("town", "Köln"),
];

fn faulty_order(further: &[(&str, &str)]) -> Vec<String> {
    faulty("brochure-order", &[&ORDER, further].concat())
}

#[test]
fn a_concern_and_a_way_to_answer_are_enough_for_a_callback() {
    assert_eq!(faulty_callback("phone", "0221 1234567"), [""; 0]);
    assert_eq!(
        faulty(
            "callback",
            &[("concern", "Frage"), ("email", "erika@example.org")]
        ),
        [""; 0]
    );
}

#[test]
fn every_fault_is_named_at_once() {
    let long = "x".repeat(101);
    let fields = [
        ("email", "erika"),
        ("postal_code", "5066"),
        ("phone", "zwei"),
        ("concern", "  "),
        ("name", &long),
        ("shoe_size", "43"),
    ];
    assert_eq!(
        faulty("callback", &fields),
        ["name", "email", "postal_code", "phone", "concern", "shoe_size"]
    );
}

#[test]
fn without_a_way_to_answer_the_first_one_is_asked_for() {
    let faults = faults("callback", &[("concern", "Frage")]);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].field, "phone");
    assert!(faults[0].remedy.contains("`email`"), "{}", faults[0].remedy);
}

#[test]
fn phones_as_people_write_them() {
    for good in [
        "115",
        "0221 1234567",
        "+49 (0)221 / 123-45 67",
        "(+49) 221 1",
        "0049221123456",
    ] {
        assert_eq!(faulty_callback("phone", good), [""; 0], "{good}");
    }
    for bad in [
        "11",
        "0221+12345",
        "++49 221 123",
        "0221 x 12345",
        "123456789012345678901",
        "()-/",
    ] {
        assert_eq!(faulty_callback("phone", bad), ["phone"], "{bad}");
    }
}

#[test]
fn email_addresses_by_their_shape() {
    for good in ["a@b.de", "vor.nach+x@sub.example.org", "info@köln.de"] {
        assert_eq!(faulty_callback("email", good), [""; 0], "{good}");
    }
    for bad in [
        "a@b",
        "@b.de",
        "a b@c.de",
        "a@b..de",
        "a@@b.de",
        "a@-b.de",
        ".a@b.de",
        "a<b>@c.de",
    ] {
        assert_eq!(faulty_callback("email", bad), ["email"], "{bad}");
    }
}

#[test]
fn control_characters_are_refused_but_lines_of_a_text_are_not() {
    assert_eq!(faulty_callback("concern", "eins\nzwei"), [""; 0]);
    assert_eq!(faulty_callback("concern", "a\0b"), ["concern"]);
    assert_eq!(faulty_callback("town", "Köln\nDeutz"), ["town"]);
}

#[test]
fn an_account_is_checked_and_comes_with_its_holder() {
    let holder = ("account_holder", "Erika Mustermann");
    for good in [
        "DE89370400440532013000",
        "de89 3704 0044 0532 0130 00",
        "AT611904300234573201",
    ] {
        assert_eq!(faulty_order(&[("iban", good), holder]), [""; 0], "{good}");
    }
    for bad in [
        "DE88370400440532013000",
        "DE8937040044053201300",
        "XX89370400440532013000",
        "DE",
    ] {
        assert_eq!(faulty_order(&[("iban", bad), holder]), ["iban"], "{bad}");
    }
    assert_eq!(
        faulty_order(&[("iban", "DE89370400440532013000")]),
        ["account_holder"]
    );
    assert_eq!(faulty_order(&[holder]), ["account_holder"]);
    assert_eq!(
        faulty_order(&[("bic", "COBADEFF"), ("bank", "Commerzbank")]),
        ["bic", "bank"]
    );
    assert_eq!(faulty_callback("iban", "DE89370400440532013000"), ["iban"]);
}

#[test]
fn every_kind_of_field_has_its_form() {
    for (kind, good, bad) in [
        (FieldKind::Bic, "COBADEFFXXX", "cobadeff"),
        (FieldKind::Boolean, "true", "ja"),
        (FieldKind::Number, "12", "-1"),
        (FieldKind::Date, "2026-12-23", "23.12.2026"),
        (
            FieldKind::Timestamp,
            "2026-12-23T16:30:00+01:00",
            "2026-12-23T16:30",
        ),
        (FieldKind::IpAddress, "2001:db8::1", "1.2.3"),
        (FieldKind::Choice(vec!["a".to_owned()]), "a", "b"),
    ] {
        let mut faults = Vec::new();
        checks::check("f", &kind, good, &mut faults);
        assert_eq!(faults, [], "{kind:?} {good}");
        checks::check("f", &kind, bad, &mut faults);
        assert_eq!(faults.len(), 1, "{kind:?} {bad}");
    }
}

#[test]
fn what_the_system_adds_is_not_taken_from_a_client() {
    assert_eq!(
        faulty_order(&[("timestamp", "2026-12-23T16:30:00Z"), ("user", "anna")]),
        ["timestamp", "user"]
    );
    let register = register();
    let order = register.procedure("brochure-order").unwrap();
    let known = Circumstances {
        at: "2026-12-23T15:30:00Z".parse().unwrap(),
        user: Some(Personal::new("anna")),
        address: None,
        video_link: Some(Personal::new("https://meet.example.org/x")),
    };
    let completed = order.completed(order.checked(Fields::of(ORDER)).unwrap(), &known);
    let fields = completed.fields();
    assert_eq!(
        (fields.text("timestamp"), fields.text("user")),
        ("2026-12-23T15:30:00.000Z", "anna")
    );
    assert_eq!(fields.get("ip_address"), None);
}

#[test]
fn a_fault_repeats_nothing_of_what_was_entered() {
    let entered = [
        ("email", "Geheim"),
        ("Geheim", "Geheim"),
        ("iban", "Geheim"),
        ("phone", "Geheim"),
    ];
    let faults = faults("brochure-order", &entered);
    assert!(faults.iter().any(|fault| fault.field == "fields"));
    assert!(!format!("{faults:?}").contains("Geheim"));
}

#[test]
fn the_concern_is_what_the_register_names() {
    let register = register();
    let form = register.procedure("contact-form").unwrap();
    let fields = Fields::of([("message", "Wann?"), ("subject", "Frist"), ("phone", "115")]);
    assert_eq!(form.concern(&fields).reveal(), "Frist\nWann?");
}

#[test]
fn the_built_in_register_has_every_procedure_of_the_hotline() {
    let register = register();
    let tickets = register.ticket_procedures();
    assert_eq!(
        tickets,
        "callback, contact-form, email, letter, brochure-order, appointment"
    );
    assert_eq!(register.procedure("call-records").unwrap().fields.len(), 24);
    let ten: Vec<String> = register
        .procedure(CALLBACK)
        .unwrap()
        .fields
        .iter()
        .map(|it| it.id.to_string())
        .collect();
    assert_eq!(
        ten,
        [
            "salutation",
            "name",
            "first_name",
            "email",
            "street",
            "house_number",
            "postal_code",
            "town",
            "phone",
            "concern"
        ]
    );
    let counted: Vec<&Procedure> = register
        .procedures()
        .iter()
        .filter(|it| it.ticket_rules().is_some_and(|rules| rules.counts_as_callback))
        .collect();
    assert_eq!(counted.len(), 1);
}

const MINIMAL: &str = r#"
    id = "lost-property"
    title = "Fundsache"
    kind = "ticket"
    purpose = "Rückgabe"
    legal_basis = ["Art. 6 Abs. 1 Buchst. e DSGVO"]
    recipients = ["Fundbüro"]
    concern = ["thing"]
    retention = { after = "last_handled", months = 6, text = "Sechs Monate." }
    [[field]]
    id = "thing"
    title = "Gegenstand"
    type = "line"
    required = true
"#;

fn file(name: &str, text: impl Into<String>) -> RegisterFile {
    RegisterFile {
        name: name.to_owned(),
        text: text.into(),
    }
}

#[test]
fn a_file_adds_a_procedure_or_replaces_a_built_in_one() {
    let before = register().procedures().len();
    let added = Register::with(&[file("a.toml", MINIMAL)]).unwrap();
    assert_eq!(added.procedures().len(), before + 1);
    let thing = &added.procedure("lost-property").unwrap().fields[0];
    assert_eq!((thing.kind.clone(), thing.required), (FieldKind::Line(200), true));

    let replaced = MINIMAL.replace("lost-property", "letter");
    let replaced = Register::with(&[file("a.toml", replaced)]).unwrap();
    assert_eq!(replaced.procedures().len(), before);
    assert_eq!(replaced.procedure("letter").unwrap().title, "Fundsache");
}

#[test]
fn every_fault_of_every_file_is_named_with_a_remedy() {
    let broken = r#"
        id = "Lost Property"
        kind = "tickets"
        colour = "red"
        retention = { after = "never", days = 1, months = 6 }
        [[field]]
        id = "thing"
        title = "Gegenstand"
        type = "liine"
        requires = ["colour"]
        [[field]]
        id = "thing"
        title = "Gegenstand"
        type = "line"
        options = ["a"]
        longest = 0
        [[field]]
        id = "phone"
        title = "Telefon"
        type = "line"
        from_system = true
        [[field]]
        id = "Straße"
        [[field]]
        id = "kind"
        title = "Art"
        type = "choice"
        only_with = "kind"
        hint = "?"
    "#;
    let faults = Register::with(&[
        file("one.toml", broken),
        file("two.toml", "id ="),
        file("three.toml", MINIMAL),
        file("four.toml", MINIMAL),
    ])
    .unwrap_err();
    let keys: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.file, fault.key))
        .collect();
    assert_eq!(
        keys,
        [
            "one.toml colour",
            "one.toml id",
            "one.toml title",
            "one.toml purpose",
            "one.toml legal_basis",
            "one.toml recipients",
            "one.toml field thing.type",
            "one.toml field thing",
            "one.toml field thing.longest",
            "one.toml field thing.options",
            "one.toml field phone.type",
            "one.toml field phone.from_system",
            "one.toml field 4.id",
            "one.toml field kind.hint",
            "one.toml field kind.options",
            "one.toml field kind.only_with",
            "one.toml kind",
            "one.toml retention.after",
            "one.toml retention",
            "one.toml retention.text",
            "two.toml TOML",
            "four.toml id",
        ],
        "{faults:#?}"
    );
    assert!(faults.iter().all(|fault| !fault.remedy.is_empty()));
}

#[test]
fn relations_must_hold() {
    for (old, new, key) in [
        ("concern = [\"thing\"]", "concern = [\"colour\"]", "concern"),
        ("concern = [\"thing\"]", "", "concern"),
        (
            "concern = [\"thing\"]",
            "concern = [\"thing\"]\nreachable_by = [\"phone\"]",
            "reachable_by",
        ),
        (
            "concern = [\"thing\"]",
            "concern = [\"thing\"]\ncounts_as_callback = true",
            "counts_as_callback",
        ),
        (
            "required = true",
            "requires = [\"colour\"]",
            "field thing.requires",
        ),
        (
            "required = true",
            "only_with = \"colour\"",
            "field thing.only_with",
        ),
        ("\"ticket\"", "\"record\"", "concern"),
        ("retention =", "# retention =", "retention"),
    ] {
        let text = MINIMAL.replacen(old, new, 1);
        let faults = Register::with(&[file("a.toml", text)]).unwrap_err();
        assert!(faults.iter().any(|fault| fault.key == key), "{new}: {faults:?}");
    }
}

#[test]
fn the_schema_of_a_request_says_what_the_register_says() {
    let register = register();
    let schema = request_schema(register.procedure("brochure-order").unwrap());
    assert_eq!(schema["dependentRequired"]["iban"][0], "account_holder");
    assert_eq!(schema["dependentRequired"]["bic"][0], "iban");
    assert_eq!(schema["properties"]["bookseller"]["enum"][0], "true");
    let callback = request_schema(register.procedure(CALLBACK).unwrap());
    assert_eq!(callback["required"], serde_json::json!(["concern"]));
    assert_eq!(callback["anyOf"].as_array().unwrap().len(), 2);
}

#[test]
fn what_was_not_given_is_absent() {
    let fields: Fields = serde_json::from_str(r#"{"phone":"","concern":"Frage"}"#).unwrap();
    assert_eq!(serde_json::to_string(&fields).unwrap(), r#"{"concern":"Frage"}"#);
    assert!(!format!("{fields:?}").contains("Frage"));
}

#[test]
fn a_room_is_given_to_appointments_that_wish_one_alone() {
    let register = register();
    let appointment = register.procedure("appointment").unwrap();
    let known = Circumstances {
        at: "2026-12-23T15:30:00Z".parse().unwrap(),
        user: None,
        address: None,
        video_link: Some(Personal::new("https://meet.example.org/x")),
    };
    let link = |video: Option<&str>| {
        let mut fields = vec![
            ("service", "Beratung"),
            ("slots", "2027-01-11T10:00"),
            ("first_name", "Erika"),
            ("name", "Mustermann"),
            ("email", "erika@example.org"),
        ];
        fields.extend(video.map(|video| ("video", video)));
        let fields = Fields::of(fields);
        let completed = appointment.completed(appointment.checked(fields).unwrap(), &known);
        completed
            .fields()
            .get("video_link")
            .map(|link| link.reveal().to_owned())
    };
    assert_eq!(link(Some("true")).as_deref(), Some("https://meet.example.org/x"));
    assert_eq!(link(Some("false")), None);
    assert_eq!(link(None), None);
    let given = Fields::of([("video_link", "https://elsewhere.example")]);
    let faults = appointment.checked(given).unwrap_err();
    assert!(
        faults.iter().any(|fault| fault.field == "video_link"),
        "{faults:?}"
    );
}
