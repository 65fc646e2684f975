use super::*;

const SAMPLE: &str = include_str!("../../../../schemas/sample/routing.toml");

/// Departments a, b, c and clearing; hotlines Eins and Zwei; and the given rules.
fn config(rules: &str) -> RoutingConfig {
    let head = r#"
        clearing = "clearing"
        department = [
            { id = "clearing", name = "Klärungsstelle" },
            { id = "a", name = "A" }, { id = "b", name = "B" }, { id = "c", name = "C" },
        ]
        hotline = [{ name = "Eins" }, { name = "Zwei" }]
    "#;
    toml::from_str(&format!("{head}\n{rules}")).unwrap()
}

fn table(rules: &str) -> RoutingTable {
    RoutingTable::new(config(rules)).unwrap()
}

fn faults(rules: &str) -> Vec<String> {
    RoutingTable::new(config(rules))
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn route(table: &RoutingTable, hotline: &str, category: &str, postal_code: &str) -> RoutingDecision {
    table.route(
        &request(hotline, category, postal_code),
        &ServiceCalendar::default(),
    )
}

/// On a Friday morning, in service time.
fn request(hotline: &str, category: &str, postal_code: &str) -> RoutingRequest {
    RoutingRequest {
        hotline: HotlineName::new(hotline),
        category: Some(category.to_owned()),
        postal_code: Some(postal_code.to_owned()),
        concern: Personal::default(),
        at: "2026-11-20T09:00:00Z".parse().unwrap(),
    }
}

/// Routes a concern that came in on the first hotline; gives department and reason.
fn route_concern(table: &RoutingTable, concern: &str, at: &str) -> (String, String) {
    let request = RoutingRequest {
        concern: Personal::new(concern),
        at: at.parse().unwrap(),
        ..request("Eins", "", "")
    };
    let decision = table.route(&request, &ServiceCalendar::default());
    (decision.department.to_string(), decision.because)
}

fn check(table: &RoutingTable, given: (&str, &str, &str), department: &str, because: &str) {
    let decision = route(table, given.0, given.1, given.2);
    assert_eq!(
        (decision.department.as_str(), decision.because.as_str()),
        (department, because),
        "{given:?}"
    );
}

#[test]
fn the_sample_has_no_faults_and_is_read_back_as_written() {
    let config: RoutingConfig = toml::from_str(SAMPLE).unwrap();
    let written = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<RoutingConfig>(&written).unwrap(), config);
    let table = RoutingTable::new(config).unwrap();
    assert_eq!(table.clearing().name, "Klärungsstelle");
    assert_eq!(
        table
            .department(&DepartmentId::new("finanzamt-koeln"))
            .unwrap()
            .name,
        "Finanzämter Köln"
    );
    assert_eq!((table.departments().len(), table.hotlines().len()), (12, 8));
}

#[rustfmt::skip]
#[test]
fn the_sample_routes_and_says_why() {
    let table = RoutingTable::new(toml::from_str(SAMPLE).unwrap()).unwrap();
    check(&table, ("Steuern und Finanzen", "", "50667"), "finanzamt-koeln",
        "Regel „steuern-finanzamt“: Hotline „Steuern und Finanzen“, \
         Postleitzahl 50667 gehört zu Köln (Regierungsbezirk Köln).");
    check(&table, ("Steuern und Finanzen", "", "53721"), "ministerium-finanzen",
        "Regel „steuern“: Hotline „Steuern und Finanzen“.");
    check(&table, ("  steuern UND finanzen ", "", " 50667 "), "finanzamt-koeln",
        "Regel „steuern-finanzamt“: Hotline „Steuern und Finanzen“, \
         Postleitzahl 50667 gehört zu Köln (Regierungsbezirk Köln).");
    check(&table, ("Schule und Bildung", "", "53721"), "bezreg-koeln",
        "Regel „schule-aufsicht“: Hotline „Schule und Bildung“, \
         Postleitzahl 53721 gehört zu Siegburg (Rhein-Sieg-Kreis, Regierungsbezirk Köln).");
    check(&table, ("Schule und Bildung", "abitur", "53721"), "ministerium-schule",
        "Regel „schule-landesweit“: Hotline „Schule und Bildung“, Kategorie „abitur“.");
    check(&table, ("Bürgertelefon", "Steuern", "50667"), "finanzamt-koeln",
        "Regel „allgemein-steuern-koeln“: Hotline „Bürgertelefon“, Kategorie „Steuern“, \
         Postleitzahl 50667 gehört zu Köln (Regierungsbezirk Köln).");
    check(&table, ("Bürgertelefon", "", "50667"), "clearing", "Keine Regel trifft zu, daher an „Klärungsstelle“.");
}

#[rustfmt::skip]
#[test]
fn what_is_unknown_goes_on_to_the_fallback_and_is_said() {
    let table = RoutingTable::new(toml::from_str(SAMPLE).unwrap()).unwrap();
    check(&table, ("Gibt es nicht", "", "50667"), "clearing",
        "Hotline „Gibt es nicht“ ist nicht bekannt. Keine Regel trifft zu, daher an „Klärungsstelle“.");
    check(&table, ("Bürgertelefon", "", "10115"), "clearing",
        "Postleitzahl 10115 gehört zu keiner Gemeinde in Nordrhein-Westfalen. \
         Keine Regel trifft zu, daher an „Klärungsstelle“.");
    check(&table, ("Bürgertelefon", "", "D-5066"), "clearing",
        "Die Postleitzahl ist ungültig (fünf Ziffern erwartet). Keine Regel trifft zu, daher an „Klärungsstelle“.");
    check(&table, ("Steuern und Finanzen", "", "10115"), "ministerium-finanzen",
        "Regel „steuern“: Hotline „Steuern und Finanzen“. \
         Postleitzahl 10115 gehört zu keiner Gemeinde in Nordrhein-Westfalen.");
    let only_by_place = self::table(r#"rule = [{ id = "r", hotline = "Eins", districts = ["Köln"], department = "a" }]"#);
    check(&only_by_place, ("Eins", "", ""), "clearing",
        "Eine Postleitzahl ist nicht angegeben. Keine Regel trifft zu, daher an „Klärungsstelle“.");
}

#[test]
fn municipalities_are_those_of_the_postal_code_whatever_rule_wins() {
    let table = RoutingTable::new(toml::from_str(SAMPLE).unwrap()).unwrap();
    for (hotline, category) in [
        ("Umwelt", ""),
        ("Gibt es nicht", ""),
        ("Schule und Bildung", "Abitur"),
    ] {
        let decision = route(&table, hotline, category, "51467");
        let keys: Vec<_> = decision.municipalities.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(keys, ["05315000", "05378004"], "{hotline}");
        assert!(decision.ambiguous);
    }
    let decision = route(&table, "Umwelt", "", "50667");
    assert!(!decision.ambiguous);
    assert_eq!(
        serde_json::to_value(&decision).unwrap()["municipalities"],
        serde_json::json!([{"key": "05315000", "name": "Köln", "district": "Köln", "government": "Köln"}])
    );
    assert_eq!(route(&table, "Umwelt", "", "10115").municipalities, []);
}

#[rustfmt::skip]
#[test]
fn a_postal_code_of_several_municipalities_decides_only_where_they_agree() {
    let sample = RoutingTable::new(toml::from_str(SAMPLE).unwrap()).unwrap();
    // Köln and Bergisch Gladbach: different tax offices, one district government.
    check(&sample, ("Steuern und Finanzen", "", "51467"), "ministerium-finanzen",
        "Regel „steuern“: Hotline „Steuern und Finanzen“. Postleitzahl 51467 gehört zu mehreren Gemeinden \
         (Köln, Bergisch Gladbach); Regel „steuern-finanzamt“ ist dafür nicht eindeutig.");
    check(&sample, ("Schule und Bildung", "", "51467"), "bezreg-koeln",
        "Regel „schule-aufsicht“: Hotline „Schule und Bildung“, Postleitzahl 51467 gehört zu \
         Köln (Regierungsbezirk Köln) und zu Bergisch Gladbach (Rheinisch-Bergischer Kreis, Regierungsbezirk Köln).");
    check(&sample, ("Bürgertelefon", "", "51467"), "clearing",
        "Postleitzahl 51467 gehört zu mehreren Gemeinden (Köln, Bergisch Gladbach). \
         Keine Regel trifft zu, daher an „Klärungsstelle“.");

    let split = table(r#"rule = [
        { id = "stadt", hotline = "Eins", municipalities = ["Köln"], department = "a" },
        { id = "kreis", hotline = "Eins", districts = ["05378"], department = "b" },
    ]"#);
    check(&split, ("Eins", "", "51467"), "clearing",
        "Postleitzahl 51467 gehört zu mehreren Gemeinden (Köln, Bergisch Gladbach); die Regeln „stadt“, „kreis“ \
         sind dafür nicht eindeutig. Keine Regel trifft zu, daher an „Klärungsstelle“.");
}

#[test]
fn several_rules_may_together_agree_on_a_department() {
    let table = table(
        r#"rule = [
            { id = "stadt", hotline = "Eins", municipalities = ["Köln"], department = "a" },
            { id = "kreis", hotline = "Eins", districts = ["05378"], department = "a" },
            { id = "rest", hotline = "Eins", department = "b" },
        ]"#,
    );
    let decision = route(&table, "Eins", "", "51467");
    assert_eq!(
        (decision.department.as_str(), decision.rule),
        ("a", Some(RuleId::new("kreis")))
    );
    assert!(!decision.because.contains("eindeutig"), "{}", decision.because);
}

#[test]
fn a_rule_without_hotline_holds_for_an_unknown_one() {
    let table = table(r#"rule = [{ id = "geld", category = "Geld", department = "a" }]"#);
    check(
        &table,
        ("Drei", "Geld", ""),
        "a",
        "Regel „geld“: Kategorie „Geld“. Hotline „Drei“ ist nicht bekannt.",
    );
}

#[test]
fn names_that_do_not_exist_are_faults() {
    assert_eq!(
        faults(
            r#"rule = [
                { id = "r1", hotline = "Drei", department = "d" },
                { id = "r2", districts = ["Atlantis"], department = "a" },
                { id = "r3", department_by = "government", departments = { "05315" = "a" } },
            ]"#
        ),
        [
            "rule `r1`: there is no hotline `Drei`",
            "rule `r1`: there is no department `d`",
            "rule `r2`: `Atlantis` is no district of North Rhine-Westphalia, neither by key nor by name",
            "rule `r3`: `05315` is no district government of North Rhine-Westphalia, neither by key nor by name",
        ]
    );
}

#[test]
fn contradictions_within_a_rule_are_faults() {
    assert_eq!(
        faults(
            r#"rule = [
                { id = "none", hotline = "Eins" },
                { id = "empty", hotline = "Eins", department_by = "district" },
                { id = "both", hotline = "Eins", department = "a", department_by = "district", departments = { "Köln" = "a" } },
                { id = "lists", districts = ["Köln"], department_by = "district", departments = { "Köln" = "a" } },
                { id = "twice", department_by = "district", departments = { "05315" = "a", "Köln" = "b" } },
                { id = "all", department = "a" },
            ]"#
        ),
        [
            "rule `none`: give `department`, or `department_by` with `departments`",
            "rule `empty`: give `department`, or `department_by` with `departments`",
            "rule `both`: `department_by` with `departments` stands for `department`, `municipalities`, `districts` \
             and `governments`; give one or the other",
            "rule `lists`: `department_by` with `departments` stands for `department`, `municipalities`, `districts` \
             and `governments`; give one or the other",
            "rule `twice`: `Köln` is given twice in `departments`",
            "rule `all` has no condition; what no rule decides goes to `clearing`",
        ]
    );
}

#[test]
fn what_is_given_twice_is_a_fault() {
    let twice: RoutingConfig = toml::from_str(
        r#"
        clearing = "nowhere"
        department = [{ id = "a", name = "A" }, { id = "a", name = "A" }, { id = "B b", name = "B" }]
        hotline = [{ name = "Eins" }, { name = "EINS" }]
        rule = [
            { id = "r", hotline = "Eins", department = "a" },
            { id = "r", hotline = "Eins", department = "a" },
            { id = " ", hotline = "Eins", department = "a" },
        ]"#,
    )
    .unwrap();
    let found: Vec<String> = RoutingTable::new(twice)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            "department `a` is given twice",
            "department `B b`: an id has lower-case letters, digits and hyphens only",
            "hotline `EINS` is given twice",
            "rule `r` is given twice",
            "a rule has an empty id",
            "clearing: there is no department `nowhere`",
            "rule `` can never decide: all its cases go to `r`",
        ]
    );
}

#[test]
fn a_rule_that_earlier_ones_cover_is_unreachable() {
    assert_eq!(
        faults(
            r#"rule = [
                { id = "wide", hotlines = ["Eins", "Zwei"], department = "a" },
                { id = "narrow", hotline = "eins", category = "Geld", governments = ["053"], department = "b" },
            ]"#
        ),
        ["rule `narrow` can never decide: all its cases go to `wide`"]
    );
    assert_eq!(
        faults(
            r#"rule = [
                { id = "one", hotline = "Eins", department = "a" },
                { id = "two", hotline = "Zwei", department = "a" },
                { id = "both", hotlines = ["Eins", "Zwei"], districts = ["Köln"], department = "b" },
            ]"#
        ),
        ["rule `both` can never decide: all its cases go to `one`, `two`"]
    );
}

#[test]
fn a_rule_that_is_left_only_the_ambiguous_postal_codes_is_reachable() {
    let table = table(
        r#"rule = [
            { id = "stadt", hotline = "Eins", municipalities = ["Köln"], department = "a" },
            { id = "kreis", hotline = "Eins", districts = ["05378"], department = "b" },
            { id = "beide", hotline = "Eins", districts = ["05315", "05378"], department = "c" },
        ]"#,
    );
    assert_eq!(route(&table, "Eins", "", "51467").department.as_str(), "c");
    assert_eq!(route(&table, "Eins", "", "50667").department.as_str(), "a");
}

#[test]
fn every_place_of_the_state_gets_a_department_and_a_reason() {
    let table = RoutingTable::new(toml::from_str(SAMPLE).unwrap()).unwrap();
    for (postal_code, municipalities) in Places::nrw().postal_codes() {
        for hotline in table.hotlines() {
            let decision = route(&table, hotline.name.as_str(), "", postal_code);
            assert!(table.department(&decision.department).is_some());
            assert_eq!(
                decision.rule.is_none(),
                decision.department == table.clearing().id
            );
            assert_eq!(decision.ambiguous, decision.municipalities.len() > 1);
            assert_eq!(decision.municipalities, municipalities);
            let all_named = municipalities.iter().all(|it| decision.because.contains(it.name));
            assert!(all_named || !decision.ambiguous, "{}", decision.because);
        }
    }
}

#[test]
fn unknown_keys_are_refused() {
    for text in [
        "clearing = \"c\"\nspare = 1",
        "clearing = \"c\"\n[[rule]]\nid = \"r\"\nhotlins = \"Eins\"",
        "clearing = \"c\"\n[[department]]\nid = \"c\"\nname = \"C\"\nphone = \"1\"",
        "clearing = \"c\"\n[[hotline]]\nname = \"Eins\"\nnumber = \"1\"",
        "clearing = \"c\"\n[[rule]]\nid = \"r\"\ndepartment_by = \"county\"",
    ] {
        assert!(toml::from_str::<RoutingConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn keywords_are_found_in_the_concern_and_named_as_the_rule_has_them() {
    let table = table(
        r#"rule = [
            { id = "abitur", hotline = "Eins", keywords = ["Zentralabitur", "abi*"], department = "a" },
            { id = "rest", hotline = "Eins", department = "b" },
        ]"#,
    );
    let at = "2026-11-20T09:00:00Z";
    assert_eq!(
        route_concern(&table, "Wann sind die ABITURPRÜFUNGEN?", at),
        (
            "a".to_owned(),
            "Regel „abitur“: Hotline „Eins“, Stichwort „abi*“.".to_owned()
        )
    );
    assert_eq!(route_concern(&table, "zum Zentralabitur", at).0, "a");
    assert_eq!(route_concern(&table, "zum Fachabitur", at).0, "b");
    assert_eq!(route_concern(&table, "", at).0, "b");
}

#[test]
fn a_rule_may_hold_only_within_or_only_outside_service_time() {
    let table = table(
        r#"rule = [
            { id = "tags", hotline = "Eins", open = true, department = "a" },
            { id = "nachts", hotline = "Eins", open = false, department = "b" },
        ]"#,
    );
    let said = |at| route_concern(&table, "", at);
    let day = "Regel „tags“: Hotline „Eins“, innerhalb der Servicezeit.";
    let night = "Regel „nachts“: Hotline „Eins“, außerhalb der Servicezeit.";
    assert_eq!(said("2026-11-20T07:00:00Z"), ("a".to_owned(), day.to_owned()));
    assert_eq!(said("2026-11-20T17:00:00Z"), ("b".to_owned(), night.to_owned()));
    // Christmas is on a Friday.
    assert_eq!(said("2026-12-25T10:00:00Z").0, "b");
}

#[test]
fn keywords_and_service_time_are_conditions_like_others() {
    let table = table(
        r#"rule = [
            { id = "wort", keyword = "Steuer", department = "a" },
            { id = "zeit", open = false, department = "b" },
        ]"#,
    );
    assert_eq!(route_concern(&table, "Steuer", "2026-11-22T10:00:00Z").0, "a");
    assert_eq!(route_concern(&table, "Schule", "2026-11-22T10:00:00Z").0, "b");
    assert_eq!(
        route_concern(&table, "Schule", "2026-11-20T10:00:00Z").0,
        "clearing"
    );
}

#[test]
fn rules_whose_keywords_or_times_others_take_are_faults() {
    assert_eq!(
        faults(
            r#"rule = [
                { id = "weit", hotline = "Eins", keyword = "steuer*", department = "a" },
                { id = "eng", hotline = "Eins", keywords = ["Steuerbescheid", "STEUERN"], department = "b" },
                { id = "tags", hotline = "Zwei", open = true, department = "a" },
                { id = "nachts", hotline = "Zwei", open = false, department = "b" },
                { id = "nie", hotline = "Zwei", keyword = "Wald", department = "c" },
            ]"#
        ),
        [
            "rule `eng` can never decide: all its cases go to `weit`",
            "rule `nie` can never decide: all its cases go to `tags`, `nachts`",
        ]
    );
    table(
        r#"rule = [
            { id = "eng", hotline = "Eins", keywords = ["Steuerbescheid", "Steuern"], department = "b" },
            { id = "weit", hotline = "Eins", keyword = "steuer*", department = "a" },
            { id = "tags", hotline = "Eins", open = true, department = "a" },
            { id = "rest", hotline = "Eins", department = "c" },
        ]"#,
    );
}

#[test]
fn every_fault_is_told_at_once_unreachable_rules_among_them() {
    assert_eq!(
        faults(
            r#"rule = [
                { id = "", hotline = "Zwei", department = "a" },
                { id = "r", hotline = "Eins", department = "a" },
                { id = "s", hotline = "Eins", category = "Geld", department = "b" },
            ]"#
        ),
        [
            "a rule has an empty id",
            "rule `s` can never decide: all its cases go to `r`",
        ]
    );
}

#[test]
fn what_is_no_keyword_is_a_fault() {
    let said = "is no keyword; write one word or several, with * behind the last for all that begins so";
    assert_eq!(
        faults(
            r#"rule = [{ id = "r", hotline = "Eins", keywords = ["*", "Steuer", "a*b"], department = "a" }]"#
        ),
        [format!("rule `r`: `*` {said}"), format!("rule `r`: `a*b` {said}")]
    );
}

#[test]
fn a_principal_names_one_user_and_a_mail_address_one_mailbox() {
    for (key, fault) in [
        (r#"kafka_principal = "User:*""#, "kafka_principal"),
        (r#"kafka_principal = "finanzamt""#, "kafka_principal"),
        (
            r#"mail = { address = "a@b", content = "notice" }"#,
            "mail.address",
        ),
        (
            r#"mail = { address = "info@köln.de", content = "whole" }"#,
            "mail.address",
        ),
    ] {
        let text = format!("clearing = \"a\"\ndepartment = [{{ id = \"a\", name = \"A\", {key} }}]");
        let faults = RoutingTable::new(toml::from_str(&text).unwrap()).unwrap_err();
        assert!(
            faults.len() == 1 && faults[0].to_string().contains(fault),
            "{key}: {faults:?}"
        );
    }
    let department = Department::new(DepartmentId::new("finanzamt-koeln"), "Köln");
    assert_eq!(department.principal(), "User:finanzamt-koeln");
}
