//! Every page of the console, and who may open it.

use std::collections::BTreeMap;

use console::pages::{Verb, pages};
use testkit::{Backend, Builder, TestNode};

/// Users of each role, by a letter: Agent, Supervisor, Department, data Protection, adMinistrator.
const ROLES: [(char, &str); 5] = [
    ('A', "agent"),
    ('S', "supervisor"),
    ('D', "department"),
    ('P', "data_protection"),
    ('M', "administrator"),
];
/// Whoever comes.
const OPEN: &str = "open";
/// Whoever is signed in.
const ANYBODY: &str = "ASDPM";

/// What is expected, written by hand: method and path of each page, and for whom it is.
const EXPECTED: &[(&str, &str)] = &[
    ("GET /", ANYBODY),
    ("GET /anmelden", OPEN),
    ("POST /anmelden", OPEN),
    ("GET /anmelden/openid", OPEN),
    ("GET /anmelden/openid/zurueck", OPEN),
    ("POST /abmelden", ANYBODY),
    ("GET /kennwort", ANYBODY),
    ("POST /kennwort", ANYBODY),
    // Queues and history.
    ("GET /warteschlangen", "S"),
    ("GET /warteschlangen/strom", "S"),
    ("GET /wandtafel", "S"),
    ("GET /wandtafel/strom", "S"),
    ("GET /agenten", "S"),
    ("GET /verlauf", "S"),
    ("GET /verlauf/perzentile", "S"),
    ("GET /verlauf/zusagen", "S"),
    ("GET /verlauf/vergleich", "S"),
    ("GET /verlauf/wochenprofil", "S"),
    ("GET /verlauf/aenderungen", "S"),
    ("GET /verlauf/export", "S"),
    ("GET /verlauf/festschreibungen", "S"),
    ("POST /verlauf/festschreibungen", "S"),
    ("GET /verlauf/festschreibungen/{id}", "S"),
    ("GET /anrufe", "SP"),
    ("GET /anrufe/{identity}", "SP"),
    ("POST /anrufe/{identity}", "P"),
    ("GET /personalbedarf", "S"),
    ("GET /personalbedarf/vorhersage", "S"),
    ("GET /personalbedarf/vorhersage/export", "S"),
    // The desk.
    ("GET /platz", "A"),
    ("GET /platz/anruf", "A"),
    ("GET /platz/erfasst/{id}", "A"),
    ("GET /platz/vorgang/{id}", "A"),
    ("POST /platz", "A"),
    ("POST /platz/pruefen", "A"),
    ("POST /platz/vorgang/{id}/zurueckziehen", "A"),
    ("POST /platz/vorgang/{id}/wieder-oeffnen", "A"),
    ("POST /platz/vorgang/{id}/weiterleiten", "A"),
    ("POST /platz/vorgang/{id}/umbuchen", "A"),
    // The inbox of a department.
    ("GET /eingang", "D"),
    ("GET /eingang/neues", "D"),
    ("GET /eingang/drucken", "D"),
    ("GET /eingang/{ticket}", "D"),
    ("GET /eingang/mitteilungen", "D"),
    ("POST /eingang/mitteilungen", "D"),
    ("POST /eingang/loeschungen", "D"),
    ("POST /eingang/{ticket}/{meldung}", "D"),
    // Registrations: for whoever comes.
    ("GET /newsletter", OPEN),
    ("POST /newsletter", OPEN),
    ("GET /akkreditierung", OPEN),
    ("GET /akkreditierung/{termin}", OPEN),
    ("POST /akkreditierung/{termin}", OPEN),
    ("GET /eintrag/bestaetigen/{token}", OPEN),
    ("POST /eintrag/bestaetigen/{token}", OPEN),
    ("GET /eintrag/beenden/{token}", OPEN),
    ("POST /eintrag/beenden/{token}", OPEN),
    // Who has registered.
    ("GET /newsletters", "DM"),
    ("POST /newsletters/{liste}/export", "DM"),
    ("GET /akkreditierungen", "D"),
    ("GET /akkreditierungen/{termin}", "D"),
    ("POST /akkreditierungen/{termin}/export", "D"),
    ("POST /akkreditierungen/{termin}/loeschen", "D"),
    // Tickets.
    ("GET /vorgaenge", "SP"),
    ("GET /vorgaenge/{ticket}", "SP"),
    ("GET /vorgaenge/klaerung", "S"),
    ("POST /vorgaenge/klaerung/{ticket}", "S"),
    ("POST /vorgaenge/{ticket}/{handlung}", "S"),
    ("GET /vorgaenge/suche", "P"),
    ("POST /vorgaenge/suche", "P"),
    ("GET /vorgaenge/{ticket}/loeschen", "P"),
    ("POST /vorgaenge/{ticket}/loeschen", "P"),
    // The rights of data subjects.
    ("GET /betroffene", "P"),
    ("POST /betroffene", "P"),
    ("POST /betroffene/auskunft", "P"),
    ("POST /betroffene/einschraenken", "P"),
    ("POST /betroffene/aufheben", "P"),
    ("POST /betroffene/loeschung", "P"),
    ("POST /betroffene/loeschen", "P"),
    ("GET /betroffene/berichtigung/{ticket}", "P"),
    ("POST /betroffene/berichtigung/{ticket}", "P"),
    ("GET /loeschungen", "P"),
    ("GET /loeschungen/{order}", "P"),
    ("GET /antraege", "P"),
    ("POST /antraege", "P"),
    ("GET /antraege/{number}", "P"),
    ("POST /antraege/{number}/{handlung}", "P"),
    ("GET /empfaenger", "P"),
    ("POST /empfaenger", "P"),
    // Rejected items.
    ("GET /abgewiesen", "SPM"),
    ("GET /abgewiesen/{id}", "SPM"),
    ("POST /abgewiesen/verwerfen", "SPM"),
    ("POST /abgewiesen/{id}/anzeigen", "PM"),
    ("POST /abgewiesen/wort", "M"),
    ("POST /abgewiesen/{id}/berichtigen", "M"),
    // Administration.
    ("GET /benutzer", "M"),
    ("GET /benutzer/neu", "M"),
    ("POST /benutzer/neu", "M"),
    ("GET /benutzer/{name}/aendern", "M"),
    ("POST /benutzer/{name}/aendern", "M"),
    ("GET /benutzer/{name}/kennwort", "M"),
    ("POST /benutzer/{name}/kennwort", "M"),
    ("GET /benutzer/{name}/sitzungen", "M"),
    ("POST /benutzer/{name}/sitzungen", "M"),
    ("GET /regeln", "M"),
    ("GET /regeln/neu", "M"),
    ("GET /regeln/{version}", "M"),
    ("POST /regeln/neu", "M"),
    ("POST /regeln/{version}/wieder", "M"),
    ("GET /protokoll", "P"),
    ("POST /protokoll/pruefen", "P"),
    ("GET /verzeichnis", "PM"),
    ("GET /verzeichnis/dokument", "PM"),
    ("GET /zugriffe", "M"),
    ("GET /aufbewahrung", "P"),
];

/// A node that knows a token of each role.
async fn node(backend: Backend) -> TestNode {
    let tokens: Vec<String> = ROLES
        .iter()
        .map(|(_, role)| {
            let hash = sha256(role);
            let department = if *role == "department" {
                ", department = \"finanzamt-koeln\""
            } else {
                ""
            };
            format!("{{ name = \"{role}\", sha256 = \"{hash}\", roles = [\"{role}\"]{department} }}")
        })
        .collect();
    let tokens = format!("[{}]", tokens.join(", "));
    Builder::on(backend).set("token", &tokens).start().await
}

/// The hash of the token of a role, which is its name.
fn sha256(token: &str) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(token.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path that a browser would ask for: something that is not there in the place of each parameter.
fn concrete(path: &str) -> String {
    let part = |part: &str| {
        if part.starts_with('{') {
            "T-0000-0000".to_owned()
        } else {
            part.to_owned()
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_opens_for_its_roles_alone_and_a_new_one_must_be_in_the_table() {
    let expected: BTreeMap<&str, &str> = EXPECTED.iter().copied().collect();
    let mut node = node(Backend::Embedded).await;
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let (verb, form) = match page.method {
            Verb::Get => ("GET", None),
            Verb::Post => ("POST", Some("")),
        };
        let name = format!("{verb} {}", page.path);
        let Some(roles) = expected.get(name.as_str()) else {
            wrong.push(format!("{name} is not in the table of this test"));
            continue;
        };
        seen += 1;
        let path = concrete(page.path);
        let nobody = node.page(&path, None, form).await;
        let is_sent_to_sign_in = nobody.status == 303
            && nobody
                .header("location")
                .is_some_and(|to| to.starts_with("/anmelden"));
        if is_sent_to_sign_in == (*roles == OPEN) {
            wrong.push(format!("{name}: nobody got {}", nobody.status));
        }
        for (letter, token) in ROLES {
            let answer = node.page(&path, Some(token), form).await;
            let is_let_in = answer.status != 403;
            let should_be = *roles == OPEN || roles.contains(letter);
            if is_let_in != should_be || answer.status == 500 {
                wrong.push(format!("{name}: {token} got {}", answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, EXPECTED.len(), "the table names pages that are not there");
    node.stop().await;
}

/// The names of the cookies that an answer sets.
fn cookies(answer: &testkit::Answer) -> Vec<String> {
    let lines = answer.head.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .filter_map(|(_, value)| value.split_once('='))
        .map(|(name, _)| name.trim().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cookie_is_one_that_the_register_names() {
    let known = domain::privacy::inventory::Inventory::built_in().columns("elsewhere", "browser-cookies");
    assert_eq!(
        known.len(),
        2,
        "the session, and the sign-in with a provider: no other is necessary"
    );
    let node = node(Backend::Embedded).await;
    let mut set = Vec::new();
    for page in pages() {
        let form = (page.method == Verb::Post).then_some("name=admin&kennwort=falsch");
        let path = concrete(page.path);
        set.extend(cookies(&node.page(&path, None, form).await));
        for (_, token) in ROLES {
            set.extend(cookies(&node.page(&path, Some(token), form).await));
        }
    }
    assert!(
        set.contains(&"nrwdirekt".to_owned()),
        "signing out takes the session's away: {set:?}"
    );
    let others: Vec<&String> = set.iter().filter(|name| !known.contains(*name)).collect();
    assert!(
        others.is_empty(),
        "name them in schemas/register/stored/elsewhere.toml, or set none: {others:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_from_other_sites_are_refused() {
    let node = node(Backend::Embedded).await;
    let refused = node
        .foreign_form("/abmelden", "agent", "https://elsewhere.example")
        .await;
    assert_eq!(refused.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_by_itself_shows_what_other_nodes_tell() {
    Backend::on_servers(|backend| async move {
        let mut others = node(backend).await;
        let mut console = others
            .beside("console")
            .set("console.services", &others.url())
            .start()
            .await;
        let page = console.page("/verlauf", Some("supervisor"), None).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let refused = console.page("/verlauf", Some("agent"), None).await;
        assert_eq!(refused.status, 403);
        others.stop().await;
        let away = console.page("/verlauf", Some("supervisor"), None).await;
        assert_eq!(away.status, 503, "{}", away.body);
        console.stop().await;
    })
    .await;
}
