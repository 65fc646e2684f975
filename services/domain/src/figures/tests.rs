use super::*;

const DOCUMENT: &str = r#"
default_policy = "vertrag"
[[policy]]
name = "vertrag"
version = 2
variant = "abandons_within_met"
threshold_s = 20
short_abandon_s = 10
[[hotline]]
name = "Bürgertelefon Englisch"
threshold_s = 60
[[group]]
name = "Bürgertelefone"
hotlines = ["Bürgertelefon", "Bürgertelefon Englisch"]
[[target]]
group = "Bürgertelefone"
service_level = 0.8
within_s = 20
policy = "of-answered"
[[target]]
hotline = "Umwelt"
first_contact = 0.65
[[target]]
all = true
answers = 0.9
"#;

#[test]
fn the_built_in_document_promises_what_the_service_centre_does() {
    let rules = FiguresRules::default();
    let [target] = rules.targets() else {
        panic!("one target: {rules:?}")
    };
    assert_eq!(target.scope, TargetScope::All);
    let level = target.service_level.as_ref().expect("a service level");
    assert_eq!((level.share, level.within_seconds), (0.75, Some(30)));
    assert_eq!((target.first_contact, target.answers), (Some(0.65), Some(0.9)));
    let base = ServiceLevelPolicy::default();
    assert_eq!(rules.policy(None, &base), Ok(base));
}

#[test]
fn a_document_is_read_whole() {
    let rules = FiguresRules::read(DOCUMENT).expect("sound");
    let base = ServiceLevelPolicy::default().within(40);
    let own = rules.policy(None, &base).expect("the default");
    assert_eq!(
        (own.name.as_str(), own.version, own.threshold_seconds),
        ("vertrag", 2, 20)
    );
    let built_in = rules.policy(Some("of-answered"), &base).expect("built in");
    assert_eq!((built_in.version, built_in.threshold_seconds), (1, 40));
    let names = rules.policy(Some("of-asked"), &base).expect_err("unknown");
    assert_eq!(names.len(), 6, "{names:?}");
    let english = HotlineName::new("Bürgertelefon Englisch");
    assert_eq!(rules.thresholds()[&english], 60);
    assert_eq!(rules.group_of(&english).expect("a group").name, "Bürgertelefone");
    assert_eq!(
        rules.hotlines_of(&rules.targets()[0].scope).expect("two").len(),
        2
    );
    assert_eq!(rules.hotlines_of(&TargetScope::All), None);
    assert_eq!(rules.named_hotlines().count(), 4);
}

#[test]
fn every_fault_is_named_with_its_remedy() {
    let faults = FiguresRules::read(
        r#"
default_policy = "nobody"
[[policy]]
name = "of-offered"
version = 0
variant = "of_offered"
threshold_s = 31
short_abandon_s = 125
[[policy]]
name = "Große"
version = 1
variant = "of_answered"
threshold_s = 30
short_abandon_s = 5
[[hotline]]
name = "A"
threshold_s = 3601
[[hotline]]
name = "A"
threshold_s = 30
[[group]]
name = "G"
hotlines = []
[[group]]
name = "H"
hotlines = ["A", "B"]
[[group]]
name = "A"
hotlines = ["B"]
[[target]]
service_level = 0.75
[[target]]
hotline = "A"
group = "H"
[[target]]
hotline = "A"
service_level = 75
policy = "nobody"
within_s = 121
[[target]]
group = "H"
first_contact = 0.65
[[target]]
group = "I"
within_s = 30
"#,
    )
    .expect_err("faults");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for named in [
        "default_policy: there is no policy `nobody`; use of-offered",
        "policy `of-offered`: name: a built-in policy has it",
        "policy `of-offered`: version: use 1",
        "policy `of-offered`: short_abandon_s: use 0 to 120",
        "policy `Große`: name: use lower-case",
        "hotline `A`: threshold_s",
        "hotline `A`: is given twice",
        "group `G`: hotlines: name at least one",
        "group `A`: hotlines: `B` is in a group already",
        "group `A`: name: a hotline has it",
        "target 1: give one of",
        "target 2: give one of",
        "target of `A`: service_level: use a share",
        "target of `A`: policy: there is no policy",
        "target of `A`: within_s: use 0 to 120",
        "target of `H`: `A` has a target already",
        "target of `I`: group: there is no such group",
        "target of `I`: promises nothing",
        "target of `I`: within_s and policy belong",
    ] {
        assert!(
            told.iter().any(|fault| fault.starts_with(named)),
            "{named} in {told:#?}"
        );
    }
    assert_eq!(told.len(), 19, "{told:#?}");
}

#[test]
fn unknown_keys_are_refused() {
    let faults = FiguresRules::read("polcy = \"x\"").expect_err("a fault");
    assert!(faults[0].to_string().contains("polcy"), "{faults:?}");
}
