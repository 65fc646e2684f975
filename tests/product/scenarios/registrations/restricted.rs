//! What somebody has registered for is restricted (Art. 18): kept, and in no list, export or mail until that is lifted.

use serde_json::json;
use testkit::Backend;
use testkit::eventually;

use super::super::rights::follows_the_schema;
use super::{HOUR_S, Office, application, subscription};
use crate::backups::Safe;

const ERIKA: [&str; 2] = ["--email", "erika@example.org"];

impl Office {
    /// Somebody who has confirmed a subscription and an accreditation.
    async fn registered(&self, person: &str) {
        let email = format!("{person}@example.org");
        self.form("/newsletter", &subscription(&email, &["presse"]), 200, "Postfach")
            .await;
        let form = application(person, "Rede");
        self.form("/akkreditierung/sommerfest", &form, 200, "Postfach")
            .await;
        let links = eventually("both links", async || {
            let links = self.links(&format!("{person}@"), "bestaetigen").await;
            (links.len() == 2).then_some(links)
        })
        .await;
        for link in links {
            self.form(&link, "", 200, "Bestätigt").await;
        }
    }

    async fn act(&self, act: &str) -> serde_json::Value {
        let command = ["privacy", act, "--reason", "Richtigkeit bestritten", "--json"];
        self.node
            .run(&[&command[..], &ERIKA].concat())
            .await
            .exits(0)
            .json()
    }

    async fn subscribers(&self) -> String {
        let export = ["newsletter", "export", "--list", "presse", "--json"];
        self.node.run(&export).await.exits(0).stdout
    }
}

async fn a_restricted_entry_is_kept_and_in_no_list_until_that_is_lifted(backend: Backend) {
    let Some(mut office) = Office::on(backend).await else {
        return;
    };
    office.registered("erika").await;
    office.registered("max").await;
    let restricted = office.act("restrict").await;
    assert_eq!(
        (&restricted["restricted"], &restricted["entries"]),
        (&json!([]), &json!(2)),
        "{restricted}"
    );
    assert_eq!(office.act("restrict").await["entries"], 0, "it is so already");

    let exported = office.subscribers().await;
    assert!(
        exported.contains("max@") && !exported.contains("erika@"),
        "{exported}"
    );
    let page = "/akkreditierungen/sommerfest";
    let listed = office.node.page(page, Some("presse"), None).await;
    assert!(
        listed.body.contains("Groß, max") && !listed.body.contains("Groß, erika"),
        "{}",
        listed.body
    );
    assert_eq!(office.offer("accreditation", "sommerfest").await["confirmed"], 1);
    let told = [&["privacy", "portability"][..], &ERIKA].concat();
    let told = office.node.run(&told).await.exits(0).json();
    follows_the_schema(&told);
    for entry in told["entries"].as_array().expect("entries") {
        assert!(entry["restricted_at"].is_string(), "{entry}");
    }
    let document = [&["privacy", "access"][..], &ERIKA].concat();
    let document = office.node.run(&document).await.exits(0).stdout;
    assert!(document.contains("Verarbeitung eingeschränkt"), "{document}");
    let shown = office
        .node
        .page(
            "/betroffene",
            Some(&office.node.token()),
            Some("email=erika%40example.org"),
        )
        .await;
    for text in ["eingeschränkt", "Einschränkung aufheben"] {
        assert!(shown.body.contains(text), "{text} in {}", shown.body);
    }

    // The end of an event does not take what is to be kept.
    office.after(15 * 24 * HOUR_S).await;
    eventually("the other entry to be erased", async || {
        (office.offer("accreditation", "sommerfest").await["erased"] == 1).then_some(())
    })
    .await;
    let lifted = office.act("lift").await;
    assert_eq!(lifted["entries"], 2, "{lifted}");
    assert!(office.subscribers().await.contains("erika@"));
    eventually("what is past its time to go", async || {
        (office.offer("accreditation", "sommerfest").await["erased"] == 2).then_some(())
    })
    .await;
}

async fn nothing_that_is_reached_is_said_and_no_success(backend: Backend) {
    let Some(office) = Office::on(backend).await else {
        return;
    };
    for act in ["restrict", "lift"] {
        let command = ["privacy", act, "--reason", "so", "--json"];
        office
            .node
            .run(&[&command[..], &ERIKA].concat())
            .await
            .fails_with("nothing is kept of such a person, so nothing was done");
    }
}

async fn what_was_restricted_since_a_backup_is_so_after_a_restore(backend: Backend) {
    let safe = Safe::new().await;
    let Some(mut office) = Office::of(safe.node(backend)).await else {
        return;
    };
    office.registered("erika").await;
    office.registered("max").await;
    let backup = safe.back_up(&office.node).await;
    assert_eq!(office.act("restrict").await["entries"], 2);
    office.node.kill().await;
    let second = office.node.successor().await;
    let restored = safe.restore(&backup, &second).await;
    assert_eq!(restored["acts_redone"]["restricted_entries"], 2, "{restored}");
    office.node = second;
    office.node.start_again().await;
    let exported = office.subscribers().await;
    assert!(
        exported.contains("max@") && !exported.contains("erika@"),
        "{exported}"
    );
}

cases! {
    a_restricted_entry_is_kept_and_in_no_list_until_that_is_lifted,
    nothing_that_is_reached_is_said_and_no_success,
    what_was_restricted_since_a_backup_is_so_after_a_restore,
}
