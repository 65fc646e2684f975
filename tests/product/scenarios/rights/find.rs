//! Finding a person.

use serde_json::{Value, json};
use testkit::{Backend, TestNode};

use super::{find, log, tickets};

const CALLS: &str = "\
Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Eingangsthema (angerufene Hotline);Verbindungsstatus
03.03.2025 09:00:12;Anruf eingehend;0221 4710123;Bürgertelefon;Verbunden
04.03.2025 09:03:40;Anruf eingehend;+492214710123;Steuern und Finanzen;Abbruch Warteschlange
04.03.2025 09:04:40;Anruf eingehend;0211 8371001;Steuern und Finanzen;Verbunden
gestern;Anruf eingehend;(0221) 471 0123;Steuern und Finanzen;Verbunden
";

async fn import(node: &TestNode) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("calls.csv");
    std::fs::write(&file, CALLS).expect("a file");
    let file = file.to_str().expect("a path");
    node.run(&["import", "--format", "hotline-export", "--wait", file])
        .await
        .exits(3);
}

#[tokio::test]
async fn a_person_is_found_wherever_something_is_kept() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node).await;
        let phone = [
            "--phone",
            "0221/4710123",
            "--name",
            "Groß",
            "--first-name",
            "Erika",
        ];
        let first = log(&node, &phone).await;
        let second = log(&node, &["--email", "Erika@Example.org", "--name", "GROSS"]).await;
        let close = [
            "ticket", "close", &first, "--reason", "erledigt", "--agent", "anna",
        ];
        node.run(&close).await.exits(0);

        let found = find(&node, &["--phone", "0049 221 47 10-123"]).await;
        assert_eq!(tickets(&found), [[first.as_str()]]);
        assert_eq!(found["persons"][0]["name"], "Groß");
        assert_eq!(found["persons"][0]["tickets"][0]["state"], "closed");
        assert_eq!(found["calls_total"], 2);
        assert_eq!(found["calls"][0]["hotline"], "Steuern und Finanzen");
        assert_eq!(
            (&found["calls"][0]["person"], &found["calls"][0]["shared"]),
            (&json!(1), &json!(false))
        );
        assert_eq!(found["rejected_items"].as_array().map(Vec::len), Some(1));

        let by_email = find(&node, &["--email", " erika@example.org"]).await;
        assert_eq!(tickets(&by_email), [[second.as_str()]]);
        // Nothing but the name connects them: they may be two.
        let by_name = find(&node, &["--name", "groß"]).await;
        let mut apart = tickets(&by_name);
        apart.sort_unstable();
        let mut expected = [[first.as_str()], [second.as_str()]];
        expected.sort_unstable();
        assert_eq!(apart, expected);
        let by_ticket = find(&node, &["--ticket", &first]).await;
        assert_eq!(
            (tickets(&by_ticket), &by_ticket["calls_total"]),
            (vec![vec![first.as_str()]], &json!(2))
        );
        let nobody = find(&node, &["--phone", "0221 4710199"]).await;
        assert_eq!(
            (&nobody["persons"], &nobody["calls_total"]),
            (&json!([]), &json!(0))
        );

        let audit = node
            .run(&["privacy", "audit", "list", "--json"])
            .await
            .exits(0)
            .json_lines();
        let searched: Vec<&Value> = audit
            .iter()
            .filter(|entry| entry["action"] == "person_searched")
            .collect();
        // One for each search, and one for each ticket that was shown.
        assert_eq!(searched.len(), 5 + 5);
        assert!(!format!("{searched:?}").contains("4710123"));
        let of_ticket = ["--ticket", &first, "--reason", "Antrag", "--case", "1"];
        let refused = node
            .run(&[&["privacy", "find"], &of_ticket[..]].concat())
            .await
            .exits(2);
        assert!(
            refused.stderr.contains("there is no case 1"),
            "{}",
            refused.stderr
        );
        find(&node, &of_ticket[..4]).await;
        let looked = ["privacy", "audit", "list", "--subject", &first, "--json"];
        let looked = node.run(&looked).await.exits(0).json_lines();
        let search = |entry: &&Value| entry["action"] == "person_searched" && entry["reason"] == "Antrag";
        assert_eq!(looked.iter().filter(search).count(), 1, "{looked:?}");
    })
    .await;
}

#[tokio::test]
async fn two_names_on_one_number_are_two_persons() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node).await;
        let of = |name| ["--phone", "0221 4710123", "--name", name];
        let erika = log(&node, &of("Groß")).await;
        let max = log(&node, &of("Klein")).await;
        let found = find(&node, &["--phone", "0221 4710123"]).await;
        assert_eq!(tickets(&found), [[erika.as_str()], [max.as_str()]]);
        assert_eq!(
            (&found["calls"][0]["person"], &found["calls"][0]["shared"]),
            (&Value::Null, &json!(true))
        );
        let found = find(&node, &of("gross")).await;
        assert_eq!(tickets(&found), [[erika.as_str()]]);
        assert_eq!(found["calls"][0]["shared"], true);
        // Once the other is erased the calls are nobody's still.
        let erase = ["privacy", "erase", "--reason", "Art. 17", "--json"];
        let erased = node
            .run(&[&erase[..], &of("Klein")[..]].concat())
            .await
            .exits(0)
            .json();
        assert_eq!((&erased["tickets"], &erased["calls"]), (&json!([max]), &json!(0)));
        let found = find(&node, &of("gross")).await;
        assert_eq!(
            (&found["calls"][0]["person"], &found["calls"][0]["shared"]),
            (&Value::Null, &json!(true))
        );
    })
    .await;
}

const OF_OTHERS_TOO: &str = "\
Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Eingangsthema (angerufene Hotline);Verbindungsstatus
gestern;Anruf eingehend;0221 990055;Bürgertelefon;Verbunden
gestern;Anruf eingehend;0221 88101234;Bürgertelefon;Verbunden
gestern;E-Mail;nora.ada@example.org;Bürgertelefon;Verbunden
";

#[tokio::test]
async fn what_one_number_leads_to_leads_on_and_a_longer_number_is_another_s() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("calls.csv");
        std::fs::write(&file, OF_OTHERS_TOO).expect("a file");
        let file = file.to_str().expect("a path");
        node.run(&["import", "--format", "hotline-export", "--wait", file])
            .await
            .exits(3);
        let ada = |phone| ["--phone", phone, "--email", "ada@example.org", "--name", "Amsel"];
        let first = log(&node, &ada("0221 8810123")).await;
        let second = log(&node, &ada("0221 990055")).await;
        let mut both = [first.as_str(), second.as_str()];
        both.sort_unstable();
        for marks in [
            ["--phone", "0221 8810123"],
            ["--phone", "0221 990055"],
            ["--ticket", &first],
            ["--name", "Amsel"],
        ] {
            let found = find(&node, &marks).await;
            let mut tickets = tickets(&found).concat();
            tickets.sort_unstable();
            assert_eq!(tickets, both, "{marks:?}");
            assert_eq!(
                found["rejected_items"].as_array().map(Vec::len),
                Some(1),
                "{marks:?}"
            );
        }
        let erase = [
            "privacy",
            "erase",
            "--person-of",
            &first,
            "--reason",
            "Art. 17",
            "--json",
        ];
        let erased = node.run(&erase).await.exits(0).json();
        assert_eq!(erased["tickets"].as_array().map(Vec::len), Some(2), "{erased}");
        assert_eq!(erased["rejected_items"], 1, "{erased}");
        let list = node
            .run(&["rejected", "list", "--json"])
            .await
            .exits(0)
            .json_lines();
        assert_eq!(list.len(), 2, "those of others stay: {list:?}");
    })
    .await;
}

const MAILED: &str = "\
Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Eingangsthema (angerufene Hotline);Verbindungsstatus
03.03.2025 10:00:12;E-Mail;Erika@Example.org;Bürgertelefon;Verbunden
03.03.2025 11:00:12;Anruf eingehend;sip:+492214710123@tk.example;Bürgertelefon;Verbunden
";

#[tokio::test]
async fn what_came_by_mail_or_from_a_sip_address_is_found_and_erased() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let file = node.file("mails.csv", MAILED.as_bytes());
        let import = ["import", "--format", "hotline-export", "--wait", &file];
        node.run(&import).await.exits(0);
        let email = ["--email", "erika@example.org"];
        assert_eq!(find(&node, &email).await["calls_total"], 1);
        assert_eq!(find(&node, &["--phone", "0221/4710123"]).await["calls_total"], 1);
        let ticket = log(
            &node,
            &["--email", "erika@example.org", "--phone", "0221 4710123"],
        )
        .await;
        let erase = ["privacy", "erase", "--reason", "Art. 17", "--json"];
        let erased = node.run(&[&erase[..], &email[..]].concat()).await.exits(0).json();
        assert_eq!(
            (&erased["tickets"], &erased["calls"]),
            (&json!([ticket]), &json!(2))
        );
        assert_eq!(find(&node, &email).await["calls_total"], 0);
        let export = ["export", "--from", "2025-03-03", "--to", "2025-03-04"];
        let exported = node.run(&export).await.exits(0).stdout;
        assert!(
            !exported.to_lowercase().contains("erika") && !exported.contains("4710123"),
            "{exported}"
        );
        // The same file again brings nobody back.
        node.run(&import).await.exits(0);
        assert_eq!(find(&node, &email).await["calls_total"], 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_or_no_mark_is_named() {
    Backend::first(|backend| async move {
        let node = TestNode::start(backend).await;
        for (marks, named) in [
            (&[][..], "say by what the person is known"),
            (&["--first-name", "Erika"][..], "give the family name too"),
            (&["--phone", "Erika"][..], "no telephone number"),
            (&["--email", "Erika"][..], "no e-mail address"),
            (&["--ticket", "T-XXXX"][..], "ticket_id"),
        ] {
            node.run(&[&["privacy", "find"][..], marks].concat())
                .await
                .fails_with(named);
        }
    })
    .await;
}

const OUTBOUND: &str = "\
Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Gewählte Adresse;Eingangsthema (angerufene Hotline);Verbindungsstatus
03.03.2025 10:00:12;Anruf ausgehend;0211 4710;0221/4710123;Bürgertelefon;Verbunden
03.03.2025 11:00:12;Rückruf;0211 4710;+49 221 4710123;Bürgertelefon;Verbunden
03.03.2025 12:00:12;Anruf eingehend;0211 8371001;0211 4710;Bürgertelefon;Verbunden
";

#[tokio::test]
async fn calls_that_the_house_made_to_a_person_are_found_told_and_erased() {
    Backend::each(|backend| async move {
        let node = testkit::Builder::on(backend)
            .set("privacy.erasure_bound_s", "10")
            .start()
            .await;
        let file = node.file("calls.csv", OUTBOUND.as_bytes());
        let import = ["import", "--format", "hotline-export", "--wait", &file];
        node.run(&import).await.exits(0);
        let phone = ["--phone", "0221 4710123"];
        let found = find(&node, &phone).await;
        assert_eq!(found["calls_total"], 2);
        assert_eq!(found["calls"][0]["outbound"], true);
        // Whoever is called is not whoever calls.
        let others = find(&node, &["--phone", "0211 8371001"]).await;
        assert_eq!(
            (&others["calls_total"], &others["calls"][0]["outbound"]),
            (&json!(1), &json!(false))
        );
        let told = node
            .run(&[&["privacy", "portability"][..], &phone].concat())
            .await
            .exits(0)
            .stdout;
        assert!(told.contains("0221/4710123"), "{told}");
        let restrict = ["privacy", "restrict", "--reason", "so", "--json"];
        let restricted = node.run(&[&restrict[..], &phone].concat()).await.exits(0).json();
        assert_eq!(restricted["calls"], 2);

        let erase = ["privacy", "erase", "--reason", "Art. 17", "--json"];
        let erased = node.run(&[&erase[..], &phone].concat()).await.exits(0).json();
        assert_eq!(erased["calls"], 2);
        testkit::eventually("the calls say nothing any more", async || {
            (find(&node, &phone).await["calls_total"] == 0).then_some(())
        })
        .await;
        // What was erased does not come back.
        let twice = OUTBOUND.replace("10:00:12", "10:00:13");
        let file = node.file("again.csv", twice.as_bytes());
        node.run(&["import", "--format", "hotline-export", "--wait", &file])
            .await
            .exits(0);
        assert_eq!(find(&node, &phone).await["calls_total"], 0);
    })
    .await;
}
