//! Whatever ends an entry, its last copies go within the bound: searched for in the bytes of all files.

use std::path::PathBuf;

use testkit::command::finish_with_input;
use testkit::{Backend, Builder, OwnServers, eventually};

use super::{HOUR_S, Office, application, subscription};
use crate::faults::erasure::files_with;

const DAY_S: i64 = 24 * HOUR_S;

/// What nobody may find: of who has ended it, whose address is refused, whose mail comes back, who never confirmed, and who
/// was accredited.
const GONE: [&str; 5] = [
    "erika@example.org",
    "unbekannt@example.org",
    "kommtzurueck@example.org",
    "ilse@example.org",
    "max@example.org",
];
const STAYS: &str = "bleibt@example.org";

async fn subscribe(office: &Office, email: &str) {
    let form = subscription(email, &["presse"]);
    office.form("/newsletter", &form, 200, "Postfach").await;
}

async fn confirm(office: &Office, address: &str) {
    let link = office.links(address, "bestaetigen").await.remove(0);
    office.form(&link, "", 200, "Bestätigt").await;
}

async fn go_to_the_last_byte(mut office: Office, folders: &[PathBuf]) {
    for email in ["erika@example.org", "ilse@example.org", STAYS] {
        subscribe(&office, email).await;
    }
    confirm(&office, "erika@").await;
    confirm(&office, "bleibt@").await;
    let form = application("max", "Rede");
    office
        .form("/akkreditierung/sommerfest", &form, 200, "Postfach")
        .await;
    confirm(&office, "max@").await;
    for text in ["erika@example.org", "ilse@example.org", "max@example.org", STAYS] {
        let is_there = |folder: &PathBuf| !files_with(folder, text).is_empty();
        assert!(
            folders.iter().any(is_there),
            "what is looked for can be found: {text}"
        );
    }

    let end = office.links("erika@", "beenden").await.remove(0);
    office
        .form(&end, "List-Unsubscribe=One-Click", 200, "gelöscht")
        .await;
    subscribe(&office, "unbekannt@example.org").await;
    subscribe(&office, "kommtzurueck@example.org").await;
    let report = office.server.mail_to("nrwdirekt+e.").await;
    let bounced = office.node.command(&["mail", "bounced"]);
    finish_with_input(bounced, &report).await.exits(0);
    // The deadline of the event and the week for confirming are over.
    office.after(8 * DAY_S).await;
    let export = tempfile::tempdir().expect("a temporary folder");
    let file = export.path().join("sommerfest.csv");
    let cleared = [
        "accreditation",
        "export",
        "--event",
        "sommerfest",
        "--format",
        "csv",
        "--clear",
        "--output",
        file.to_str().expect("a path of text"),
    ];
    office.node.run(&cleared).await.exits(0);
    for text in GONE {
        eventually(&format!("{text} to be in no file"), async || {
            let is_gone = |folder: &PathBuf| files_with(folder, text).is_empty();
            folders.iter().all(is_gone).then_some(())
        })
        .await;
    }
    let stays = |folder: &PathBuf| !files_with(folder, STAYS).is_empty();
    assert!(folders.iter().any(stays), "nobody else's data went");
    assert_eq!(office.offer("newsletter", "presse").await["confirmed"], 1);
}

fn builder() -> Builder {
    Builder::on(Backend::Embedded).set("privacy.erasure_bound_s", "10")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_an_entry_its_last_copies_go_from_the_data_folder() {
    let Some(office) = Office::of(builder()).await else {
        return;
    };
    let folders = [office.node.data()];
    go_to_the_last_byte(office, &folders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_an_entry_its_last_copies_go_from_postgresql() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let builder = builder().argument("--store").argument(&servers.store);
    let Some(office) = Office::of(builder).await else {
        return;
    };
    let [postgres, _] = servers.folders();
    let folders = [office.node.data(), postgres];
    go_to_the_last_byte(office, &folders).await;
}
