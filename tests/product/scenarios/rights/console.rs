//! Rights on the pages of the console: an erasure is planned, ordered and told of; a department confirms what it was told.

use serde_json::Value;
use testkit::{Backend, Builder, TestNode};

use super::log;

/// Where callbacks of the hotline go.
const DEPARTMENT: &str = "finanzamt-koeln";
const CITIZEN: [&str; 6] = [
    "--phone",
    "0221 4783119",
    "--name",
    "Zwetschgenbaum",
    "--postal-code",
    "50667",
];

fn token(name: &str, role: &str, department: Option<&str>) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(name.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let department = department.map(|id| format!(", department = \"{id}\""));
    let department = department.unwrap_or_default();
    format!("{{ name = \"{name}\", sha256 = \"{hash}\", roles = [\"{role}\"]{department} }}")
}

/// A node that knows data protection and two departments.
fn builder(backend: Backend) -> Builder {
    let tokens = [
        token("dora", "data_protection", None),
        token("dieter", "data_protection", None),
        token("koeln", "department", Some(DEPARTMENT)),
        token("schule", "department", Some("ministerium-schule")),
    ];
    Builder::on(backend)
        .set("token", &format!("[{}]", tokens.join(", ")))
        .set("privacy.erasure_bound_s", "10")
}

async fn page(node: &TestNode, by: &str, path: &str, form: Option<&str>) -> (u16, String) {
    let answer = node.page(path, Some(by), form).await;
    (answer.status, answer.body)
}

/// Where an act leads.
async fn led_to(node: &TestNode, by: &str, path: &str, form: &str) -> String {
    let answer = node.page(path, Some(by), Some(form)).await;
    assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    answer.header("location").expect("a place").to_owned()
}

async fn waiting(node: &TestNode) -> Vec<Value> {
    let list = ["privacy", "recipients", "--waiting", "--json"];
    node.run(&list).await.exits(0).json_lines()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_planned_ordered_once_and_told_of() {
    Backend::each(|backend| async move {
        let node = builder(backend).start().await;
        let ticket = log(&node, &CITIZEN).await;
        let of = format!("vorgang={ticket}&kennung=k1");
        let (status, body) = page(&node, "dora", "/betroffene/loeschung", Some(&of)).await;
        assert_eq!(status, 422);
        assert!(body.contains("Grund"), "{body}");
        let asked = format!("{of}&grund=Art.+17+DSGVO");
        let (status, body) = page(&node, "dora", "/betroffene/loeschung", Some(&asked)).await;
        assert_eq!(status, 200, "{body}");
        for said in [
            &ticket[..],
            "Nachrichten an Fachstellen",
            "spätestens",
            "Sicherungen",
            "§ 10 DSG NRW",
            "§ 12 DSG NRW",
            "Finanzämter Köln",
        ] {
            assert!(body.contains(said), "{said} in {body}");
        }
        assert!(!body.contains("the ticket without"), "{body}");
        let (status, body) = page(&node, "dora", "/betroffene/loeschen", Some(&asked)).await;
        assert_eq!(status, 422);
        assert!(body.contains("Häkchen"), "{body}");
        let shown = node.run(&["ticket", "show", &ticket, "--json"]).await;
        assert_eq!(
            shown.exits(0).json()["fields"]["name"],
            "Zwetschgenbaum",
            "only planned"
        );

        let sure = format!("{asked}&bestaetigt=ja");
        let order = led_to(&node, "dora", "/betroffene/loeschen", &sure).await;
        assert!(order.starts_with("/loeschungen/E-"), "{order}");
        assert_eq!(led_to(&node, "dora", "/betroffene/loeschen", &sure).await, order);
        let (_, body) = page(&node, "dora", &order, None).await;
        assert!(
            body.contains("Vorgänge mit Verlauf") && body.contains("Was bleibt"),
            "{body}"
        );
        assert!(!body.contains("Zwetschgenbaum"), "{body}");
        let (_, body) = page(&node, "dora", "/loeschungen", None).await;
        assert_eq!(body.matches("href=\"/loeschungen/E-").count(), 1, "{body}");
        let (status, body) = page(&node, "dora", "/betroffene/loeschung", Some(&asked)).await;
        assert_eq!(status, 422);
        assert!(body.contains("nichts mehr gespeichert"), "{body}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_two_must_agree_the_plan_says_what_is_missing() {
    Backend::first(|backend| async move {
        let node = builder(backend).set("privacy.two_persons", "true").start().await;
        let ticket = log(&node, &CITIZEN).await;
        let asked = format!("vorgang={ticket}&kennung=k1&grund=Art.+17&bestaetigt=ja");
        let (status, body) = page(&node, "dora", "/betroffene/loeschung", Some(&asked)).await;
        assert_eq!(status, 200);
        assert!(body.contains("den zwei Datenschutzbeauftragte"), "{body}");
        assert!(!body.contains("Endgültig löschen"), "{body}");
        let (status, body) = page(&node, "dora", "/betroffene/loeschen", Some(&asked)).await;
        assert_eq!(status, 422);
        assert!(body.contains("den zwei Datenschutzbeauftragte"), "{body}");
        let plan = ["privacy", "erase", "--person-of", &ticket, "--reason", "Art. 17"];
        let planned = node
            .run(&[&plan[..], &["--dry-run", "--json"]].concat())
            .await
            .exits(0)
            .json();
        assert_eq!(
            (&planned["order"], &planned["tickets"][0]),
            (&Value::Null, &ticket.clone().into())
        );
        assert!(
            planned["missing"]
                .to_string()
                .contains("two data protection officers")
        );

        let erase = ["privacy", "erase", "--ticket", &ticket, "--reason", "Art. 17"];
        let open = ["privacy", "case", "open", "--kind", "erasure", "--json"];
        for of in [&[] as &[&str], &["--about", &ticket]] {
            let opened = node.run(&[&open[..], of].concat()).await.exits(0).json();
            let number = opened["number"].to_string();
            let check = ["privacy", "case", "check", &number, "--how", "Personalausweis"];
            node.run(&check).await.exits(0);
            for by in ["dora", "dieter"] {
                let approve = format!("/antraege/{number}/freigeben");
                led_to(&node, by, &approve, &format!("kennung={by}")).await;
            }
            let asked = node.run(&[&erase[..], &["--case", &number]].concat()).await;
            match of.is_empty() {
                true => asked.fails_with("case_number: case 1 does not say about whom"),
                false => asked.exits(0),
            };
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_confirms_on_its_page_what_it_was_told() {
    Backend::each(|backend| async move {
        let node = builder(backend).start().await;
        let rectified = log(&node, &CITIZEN).await;
        let restricted = log(
            &node,
            &[
                "--phone",
                "0221 1",
                "--name",
                "Kleinlich",
                "--postal-code",
                "50667",
            ],
        )
        .await;
        let erased = log(
            &node,
            &["--phone", "0221 2", "--name", "Weg", "--postal-code", "50667"],
        )
        .await;
        let so = ["--reason", "so"];
        for act in [
            &["privacy", "rectify", &rectified, "--field", "name=Pflaume"][..],
            &["privacy", "restrict", "--ticket", &restricted],
            &["ticket", "erase", &erased],
        ] {
            node.run(&[act, &so].concat()).await.exits(0);
        }
        let (_, body) = page(&node, "koeln", "/eingang", None).await;
        assert!(body.contains("3 Mitteilungen"), "{body}");
        let list = "/eingang/mitteilungen";
        let (_, body) = page(&node, "koeln", list, None).await;
        for said in [
            &rectified[..],
            &restricted,
            &erased,
            "Pflaume",
            "Einschränkung",
            "Löschung",
        ] {
            assert!(body.contains(said), "{said} in {body}");
        }
        assert!(!body.contains("Kleinlich") && !body.contains("0221"), "{body}");
        let (_, body) = page(&node, "schule", list, None).await;
        assert!(body.contains("nichts zu bestätigen"), "{body}");

        let confirm = |ticket: &str, of: &str| format!("kennung=console-{of}&vorgang={ticket}&wovon={of}");
        let foreign = confirm(&restricted, "restricted");
        let (status, body) = page(&node, "schule", list, Some(&foreign)).await;
        assert_eq!(status, 409, "{body}");
        assert_eq!(waiting(&node).await.len(), 3);
        for (ticket, of, said) in [
            (&rectified, "rectified", "berichtigung"),
            (&restricted, "restricted", "einschraenkung"),
            (&erased, "erased", "loeschung"),
        ] {
            let form = confirm(ticket, of);
            for _ in 0..2 {
                let place = led_to(&node, "koeln", list, &form).await;
                assert_eq!(place, format!("{list}?getan={said}"));
            }
        }
        assert_eq!(waiting(&node).await, Vec::<Value>::new());
        let (_, body) = page(&node, "koeln", list, None).await;
        assert!(body.contains("nichts zu bestätigen"), "{body}");
        let noted = ["privacy", "audit", "list", "--json", "--actor", "koeln"];
        let noted = node.run(&noted).await.exits(0).json_lines();
        let of = |action: &str| noted.iter().filter(|entry| entry["action"] == action).count();
        assert_eq!(
            (of("department_read"), of("department_replied")),
            (1, 3),
            "{noted:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_put_right_on_its_page_and_only_what_was_changed() {
    Backend::each(|backend| async move {
        let node = builder(backend).start().await;
        let ticket = log(&node, &CITIZEN).await;
        let path = format!("/betroffene/berichtigung/{ticket}");
        let (status, body) = page(&node, "dora", &path, None).await;
        assert_eq!(status, 200);
        assert!(body.contains("Zwetschgenbaum"), "{body}");
        let of = |name: &str, code: &str| {
            format!(
                "kennung=k1&grund=so&vorher.name=Zwetschgenbaum&feld.name={name}&vorher.postal_code=50667&feld.postal_code={code}"
            )
        };
        for (form, said) in [
            (of("Zwetschgenbaum", "50667"), "sagt das alles schon"),
            (of("Zwetschgenbaum", "K"), "Postleitzahl: "),
        ] {
            let (status, body) = page(&node, "dora", &path, Some(&form)).await;
            assert_eq!(status, 422, "{body}");
            assert!(body.contains(said), "{said} in {body}");
        }
        let right = of("Pflaumenbaum", "50667");
        for _ in 0..2 {
            let place = led_to(&node, "dora", &path, &right).await;
            assert_eq!(place, format!("{path}?getan=ja"));
        }
        let shown = node.run(&["ticket", "show", &ticket, "--json"]).await.exits(0).json();
        assert_eq!(shown["fields"]["name"], "Pflaumenbaum");
        assert_eq!(shown["fields"]["phone"], "0221 4783119");
        let told = waiting(&node).await;
        assert_eq!((told.len(), &told[0]["told_of"]), (1, &"rectified".into()));
    })
    .await;
}
