//! Rules that leave out what people have registered for.

use testkit::{Backend, eventually};

use super::{HOUR_S, Office, application, routing, subscription};

/// The rules without a newsletter, and with another id of the event.
fn other_routing() -> String {
    let newsletter = "{ id = \"termine\", title = \"Termine\", department = \"presse\" },";
    let other = routing()
        .replace("sommerfest", "sommerfest-27")
        .replace(newsletter, "");
    assert!(!other.contains("\"termine\""), "{other}");
    other
}

async fn what_is_registered_for_is_not_lost_with_a_change_of_the_rules(backend: Backend) {
    let Some(mut office) = Office::on(backend).await else {
        return;
    };
    for (path, form) in [
        ("/akkreditierung/sommerfest", application("erika", "Rede")),
        ("/newsletter", subscription("max@example.org", &["termine"])),
    ] {
        office.form(path, &form, 200, "Postfach").await;
    }
    for address in ["erika@", "max@"] {
        let link = office.links(address, "bestaetigen").await.remove(0);
        office.form(&link, "", 200, "Bestätigt").await;
    }
    let file = office.node.file("other.toml", other_routing().as_bytes());
    let apply = ["config", "apply", "--json", "--routing", &file];
    for further in [&["--dry-run"][..], &[]] {
        let refused = office.node.run(&[&apply[..], further].concat()).await;
        for says in [
            "event sommerfest would be unknown and still has 1 entries",
            "newsletter termine would be unknown and still has 1 entries",
            "--discard-entries",
        ] {
            assert!(refused.stderr.contains(says), "{}", refused.stderr);
        }
    }
    let entries_of = async |office: &Office, email: &str| {
        let find = ["privacy", "find", "--json", "--email", email];
        let found = office.node.run(&find).await.exits(0).json();
        let persons = found["persons"].as_array().expect("persons").iter();
        persons
            .filter_map(|it| it["entries"].as_array())
            .flatten()
            .count()
    };
    let erased = async |office: &Office, reason: &str| {
        let list = ["privacy", "audit", "list", "--json"];
        let entries = office.node.run(&list).await.exits(0).json_lines();
        let mut subjects: Vec<String> = entries
            .iter()
            .filter(|it| it["action"] == "entries_erased" && it["reason"] == reason)
            .map(|it| format!("{} {}", it["subject"].as_str().unwrap_or_default(), it["items"]))
            .collect();
        subjects.sort_unstable();
        subjects.join(", ")
    };
    let discard = [&apply[..], &["--discard-entries"]].concat();
    let dry = office.node.run(&[&discard[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry.exits(0).json()["discarded_entries"], 2);

    // Whoever starts a node with such rules is not asked: the entries wait for the deadline that there was.
    std::fs::write(office.folder.path().join("routing.toml"), other_routing()).expect("a file");
    office.after(0).await;
    let rules = office
        .node
        .run(&["config", "history", "--json"])
        .await
        .exits(0)
        .json();
    assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
    office.after(13 * 24 * HOUR_S).await;
    assert_eq!(entries_of(&office, "erika@example.org").await, 1);
    office.after(15 * 24 * HOUR_S).await;
    eventually("the entry to be erased", async || {
        (entries_of(&office, "erika@example.org").await == 0).then_some(())
    })
    .await;
    assert_eq!(erased(&office, "its time is over").await, "sommerfest 1");

    // What is left of a newsletter goes when that is said, and the trail says so.
    assert_eq!(entries_of(&office, "max@example.org").await, 1);
    let discarded = office.node.run(&discard).await.exits(0).json();
    assert_eq!(discarded["discarded_entries"], 1, "{discarded}");
    assert_eq!(entries_of(&office, "max@example.org").await, 0);
    let reason = "the rules know it no longer";
    assert_eq!(erased(&office, reason).await, "termine 1");
}

cases! {
    what_is_registered_for_is_not_lost_with_a_change_of_the_rules,
}
