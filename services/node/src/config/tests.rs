use super::*;

fn source(set: &[&str]) -> ConfigSource {
    ConfigSource {
        config: None,
        set: set.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_sample_is_valid_and_says_the_defaults() {
    let config = read(&source(&[])).unwrap();
    assert_eq!(DEFAULT_URL, format!("http://{}", config.listen));
    assert_eq!(config.policy, ServiceLevelPolicy::default());
    assert_eq!(config.ledger.horizon, ledger::LedgerSettings::default().horizon);
    assert_eq!(
        (config.store, config.bus),
        (StoreChoice::Sqlite, BusChoice::Embedded)
    );
}

#[test]
fn a_setting_overrides_the_file() {
    let config = read(&source(&["ledger.horizon_s=60", "store.url=postgres://a@b/c"])).unwrap();
    assert_eq!(config.ledger.horizon, Duration::from_secs(60));
    assert_eq!(config.store, StoreChoice::Postgres("postgres://a@b/c".to_owned()));
    let property = "bus.kafka.\"security.protocol\"=SASL_SSL";
    assert_eq!(
        read(&source(&[property])).unwrap().kafka["security.protocol"],
        "SASL_SSL"
    );
    let environment = [("NRWDIREKT_SET_LEDGER__HORIZON_S", "61"), ("OTHER", "1")];
    let environment = environment
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter();
    assert_eq!(
        layers::from_environment(environment),
        [("ledger.horizon_s".to_owned(), "61".to_owned())]
    );
}

#[test]
fn faults_name_the_key_and_the_remedy() {
    for (setting, named) in [
        ("ledger.horizn_s=60", "horizn_s"),
        ("service_level.threshold_s=31.5", "service_level"),
        ("service_level.threshold_s=125", "use 0 to 120"),
        ("bus.url=rabbit", "bus.url: use embedded"),
        ("ledger.batch=0", "ledger.batch: use 1 to 100000"),
        ("ledger", "write KEY=VALUE"),
        ("sign_in.idle_minutes=0", "sign_in.idle_minutes: use 1 to 1440"),
        (
            "sign_in.absolute_hours=169",
            "sign_in.absolute_hours: use 1 to 168",
        ),
        ("sign_in.password=false", "configure [sign_in.openid]"),
        (
            "sign_in.openid={ issuer = \"http://sso.example.org\", client_id = \"n\" }",
            "sign_in.openid.issuer: use https",
        ),
        (
            "sign_in.openid={ issuer = \"https://sso.example.org\" }",
            "client_id",
        ),
        (
            "token=[{ name = \"acd\", sha256 = \"5c308c8a8b8be31832c3ea4da9b0e4f34d80e4982a5c2e8fbe03e4607209dd20\" }]",
            "roles says what it is for",
        ),
        ("mail.tls=ssl", "wrapped`, `starttls`, `none"),
        ("mail.server=mail.example.org", "mail.from: give the address"),
    ] {
        let error = match read(&source(&[setting])) {
            Ok(_) => panic!("{setting} is accepted"),
            Err(error) => format!("{error:#}"),
        };
        assert!(
            error.contains(named) || setting == "service_level.threshold_s=31.5",
            "{setting}: {error}"
        );
    }
}

#[test]
fn mails_go_beyond_this_machine_with_tls_alone() {
    let from = "mail.from=nrwdirekt@example.org";
    let set = |server| source(&[from, "mail.tls=none", server]);
    assert!(read(&set("mail.server=127.0.0.1")).unwrap().mail.is_some());
    let error = read(&set("mail.server=mail.example.org")).err().unwrap();
    assert!(error.to_string().contains("mail.tls"), "{error}");
    let half = read(&source(&[from, "mail.server=localhost", "mail.user=a"]))
        .err()
        .unwrap();
    assert!(half.to_string().contains("mail.password_file"), "{half}");
}

#[test]
fn a_department_that_takes_mail_needs_a_mail_server() {
    let folder = tempfile::tempdir().unwrap();
    let routing = folder.path().join("routing.toml");
    let mail = r#"mail = { address = "a@example.org", content = "notice" }"#;
    let text = format!("clearing = \"a\"\n[[department]]\nid = \"a\"\nname = \"A\"\n{mail}\n");
    std::fs::write(&routing, text).unwrap();
    let setting = format!("routing.file={}", routing.display());
    let error = read(&source(&[&setting])).err().unwrap();
    assert!(error.to_string().contains("mail.server: department a"), "{error}");
}

#[test]
fn intervals_are_published_where_others_can_read_them_unless_said() {
    let kafka = "bus.url=kafka://k:1";
    for (settings, publishes) in [
        (&[][..], false),
        (&[kafka], true),
        (&["intervals.publish=true"], true),
        (&[kafka, "intervals.publish=false"], false),
    ] {
        let config = read(&source(settings)).unwrap();
        assert_eq!(config.publishes_intervals(), publishes, "{settings:?}");
    }
}

#[test]
fn the_provider_of_the_sample_is_read_as_it_is_written() {
    let commented = SAMPLE.split("# [sign_in.openid]\n").nth(1).unwrap();
    let commented = commented.split("\n\n").next().unwrap();
    let keys: String = commented
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = ") && !line.contains("_file"))
        .fold(String::from("[sign_in.openid]\n"), |text, line| {
            let table = line
                .starts_with("\"hotline-team\"")
                .then_some("[sign_in.openid.roles]\n");
            text + table.unwrap_or_default() + line + "\n"
        });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nrwdirekt.toml");
    std::fs::write(&file, keys).unwrap();
    let read = read(&ConfigSource {
        config: Some(file),
        set: Vec::new(),
    });
    assert!(read.unwrap().sign_in.openid.is_some());
}
