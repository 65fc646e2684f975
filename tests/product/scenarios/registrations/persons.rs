//! What data protection finds, tells and erases of what somebody has registered for.

use serde_json::Value;
use testkit::{Backend, TestNode};

use super::super::rights::follows_the_schema;
use super::{Office, application, subscription};
use crate::backups::Safe;

async fn data_protection_finds_tells_and_erases_what_somebody_has_registered_for(backend: Backend) {
    let Some(office) = Office::on(backend).await else {
        return;
    };
    office
        .form(
            "/newsletter",
            &subscription("erika@example.org", &["presse"]),
            200,
            "Postfach",
        )
        .await;
    let link = office.links("erika@", "bestaetigen").await.remove(0);
    office.form(&link, "", 200, "Bestätigt").await;
    for first_name in ["erika", "max"] {
        office
            .form(
                "/akkreditierung/sommerfest",
                &application(first_name, "Rede"),
                200,
                "Postfach",
            )
            .await;
    }
    let export = ["newsletter", "export", "--list", "presse", "--json"];
    office.node.run(&export).await.exits(0);

    // By name: the other Groß is another person. By address: what names nobody is hers.
    let persons = persons(&office.node, &["--name", "gross"]).await;
    let [of_erika, of_max] = &persons[..] else {
        panic!("two persons: {persons:?}")
    };
    assert_eq!(
        (&of_erika["first_name"], &of_max["first_name"]),
        (&"erika".into(), &"max".into())
    );
    let found = self::persons(&office.node, &["--email", "ERIKA@example.org"]).await;
    let [person] = &found[..] else {
        panic!("one person: {found:?}")
    };
    assert_eq!(person["entries"].as_array().map(Vec::len), Some(2), "{person}");
    for entry in person["entries"].as_array().expect("entries") {
        assert_eq!(entry["fields"]["email"], "erika@example.org");
        assert!(
            entry["consented_at"]
                .as_str()
                .is_some_and(|at| at.starts_with("20")),
            "{entry}"
        );
    }
    let shown = office
        .node
        .page(
            "/betroffene",
            Some(&office.node.token()),
            Some("email=erika%40example.org"),
        )
        .await;
    for text in [
        "Anmeldungen von erika Groß",
        "Pressemitteilungen für Köln",
        "Sommerfest",
        "bestätigt",
    ] {
        assert!(shown.body.contains(text), "{text} in {}", shown.body);
    }

    let told = ["privacy", "portability", "--email", "erika@example.org"];
    let told = office.node.run(&told).await.exits(0).json();
    follows_the_schema(&told);
    let of = |procedure: &str| {
        let mut entries = told["entries"].as_array().expect("entries").iter();
        entries
            .find(|entry| entry["procedure"] == procedure)
            .expect("an entry")
            .clone()
    };
    assert_eq!(of("newsletter")["state"], "confirmed");
    assert_eq!(of("media-accreditation")["fields"]["birth_place"], "Köln");
    assert!(
        of("newsletter")["seen"].to_string().contains("entries_exported"),
        "{told}"
    );
    let purposes = told["purposes"].to_string();
    assert!(
        purposes.contains("\"newsletter\"") && purposes.contains("\"media-accreditation\""),
        "{purposes}"
    );
    let document = ["privacy", "access", "--email", "erika@example.org"];
    let document = office.node.run(&document).await.exits(0).stdout;
    for text in [
        "2 Anmeldungen",
        "Pressemitteilungen für Köln",
        "Eingewilligt",
        "Geburtsort",
        "Presseamt",
    ] {
        assert!(document.contains(text), "{text} is missing");
    }
    assert!(!document.contains("max@example.org"), "nobody else is told of");

    let find = ["privacy", "entries", "--email", "ERIKA@example.org"];
    let listed = office
        .node
        .run(&[&find[..], &["--json"]].concat())
        .await
        .exits(0)
        .json_lines();
    assert_eq!(
        (listed.len(), &listed[0]["fields"]["email"]),
        (2, &"erika@example.org".into())
    );
    let erase = ["--erase", "--reason", "Antrag nach Art. 17", "--json"];
    let erased = office
        .node
        .run(&[&find[..], &erase].concat())
        .await
        .exits(0)
        .json();
    assert_eq!(erased["entries"], 2);
    assert_eq!(office.node.run(&find).await.exits(0).stdout, "");
    assert_eq!(
        self::persons(&office.node, &["--name", "Groß"]).await.len(),
        1,
        "the other one stays"
    );
    let noted = [
        "privacy",
        "audit",
        "list",
        "--action",
        "erasure_ordered",
        "--json",
    ];
    let noted = office.node.run(&noted).await.exits(0).json_lines();
    assert_eq!(
        (&noted[0]["reason"], &noted[0]["items"]),
        (&"Antrag nach Art. 17".into(), &2.into())
    );
}

async fn persons(node: &TestNode, marks: &[&str]) -> Vec<Value> {
    let find = [&["privacy", "find", "--json"], marks].concat();
    let found = node.run(&find).await.exits(0).json();
    found["persons"].as_array().expect("persons").clone()
}

async fn what_names_nobody_is_told_of_nobody_where_an_address_has_several(backend: Backend) {
    let Some(office) = Office::on(backend).await else {
        return;
    };
    let address = "redaktion@example.org";
    office
        .form(
            "/newsletter",
            &subscription(address, &["presse"]),
            200,
            "Postfach",
        )
        .await;
    for first_name in ["erika", "max"] {
        let form = application(first_name, "Rede").replace(&format!("{first_name}%40"), "redaktion%40");
        office
            .form("/akkreditierung/sommerfest", &form, 200, "Postfach")
            .await;
    }
    let told = ["privacy", "portability", "--email", address];
    office
        .node
        .run(&told)
        .await
        .fails_with("3 persons are known by this");
    let one = ["--name", "Groß", "--first-name", "Max"];
    let told = office.node.run(&[&told[..], &one].concat()).await.exits(0).json();
    follows_the_schema(&told);
    assert_eq!(
        (
            told["entries"].as_array().map(Vec::len),
            &told["entries_left_out"]
        ),
        (Some(1), &1.into())
    );
    let erase = [
        "privacy", "erase", "--email", address, "--reason", "Art. 17", "--json",
    ];
    let erased = office
        .node
        .run(&[&erase[..], &one].concat())
        .await
        .exits(0)
        .json();
    assert_eq!(erased["entries"], 1, "{erased}");
    let left = ["privacy", "entries", "--email", address, "--json"];
    let left = office.node.run(&left).await.exits(0).json_lines();
    let names: Vec<&Value> = left.iter().map(|entry| &entry["fields"]["first_name"]).collect();
    assert_eq!(names, [&Value::Null, &"erika".into()]);
    // A name that nobody has with this address: it is anybody's.
    let nobody = ["privacy", "find", "--email", address, "--name", "Fremd", "--json"];
    let found = office.node.run(&nobody).await.exits(0).json();
    assert_eq!(
        (&found["persons"], &found["entries_left"]),
        (&serde_json::json!([]), &1.into())
    );
}

async fn who_has_unsubscribed_since_a_backup_stays_so_after_a_restore(backend: Backend) {
    let safe = Safe::new().await;
    let Some(mut office) = Office::of(safe.node(backend)).await else {
        return;
    };
    for person in ["erika", "max"] {
        let form = subscription(&format!("{person}@example.org"), &["presse"]);
        office.form("/newsletter", &form, 200, "Postfach").await;
        let link = office.links(&format!("{person}@"), "bestaetigen").await.remove(0);
        office.form(&link, "", 200, "Bestätigt").await;
    }
    let end = office.links("erika@", "beenden").await.remove(0);
    let backup = safe.back_up(&office.node).await;
    office.form(&end, "", 200, "gelöscht").await;
    office.node.kill().await;
    let second = office.node.successor().await;
    let restored = safe.restore(&backup, &second).await;
    assert_eq!(restored["acts_redone"]["entries"], 1, "{restored}");
    office.node = second;
    office.node.start_again().await;
    assert_eq!(office.offer("newsletter", "presse").await["confirmed"], 1);
    let exported = ["newsletter", "export", "--list", "presse", "--json"];
    let exported = office.node.run(&exported).await.exits(0).stdout;
    assert!(
        exported.contains("max@") && !exported.contains("erika@"),
        "{exported}"
    );
    assert_eq!(office.node.page(&end, None, None).await.status, 404);
}

cases! {
    data_protection_finds_tells_and_erases_what_somebody_has_registered_for,
    what_names_nobody_is_told_of_nobody_where_an_address_has_several,
    who_has_unsubscribed_since_a_backup_stays_so_after_a_restore,
}
