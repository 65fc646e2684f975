//! Mails about entries and a server that takes them.

use std::sync::Arc;

use access::testing::MemoryAudit;
use chrono::TimeDelta;
use domain::ids::{EntryId, IdentityKey, OfferId, RegistrationId};
use domain::personal::Personal;
use domain::procedure::{Fields, ProcedureId};
use domain::registration::{CheckedEntry, LinkKey};
use store::entries::{EntryStore, NewRegistration};
use store::former_events::FormerEvents;
use store::sqlite::SqliteTickets;

use super::desk::{at, desk};
use super::mail::{id, sending, server};
use crate::entries::{self, EntryParts};
use crate::mail::entry::Writing;
use crate::supervisor::HandoverParts;

fn registration() -> NewRegistration {
    let entry = CheckedEntry {
        offer: OfferId::new("presse"),
        person_key: "erika@example.org".to_owned(),
        fields: Fields::of([("email", "erika@example.org")]),
    };
    NewRegistration {
        id: RegistrationId::new("1".repeat(32)),
        procedure: ProcedureId::new("newsletter"),
        entries: vec![(EntryId::new("2".repeat(32)), entry)],
        recipient: Personal::new("erika@example.org"),
        email_key: "erika@example.org".to_owned(),
        consented_at: at(0),
        expires_at: at(0) + TimeDelta::days(7),
        quiet_since: at(0) - TimeDelta::minutes(10),
        capacities: Default::default(),
        most: 10,
    }
}

#[tokio::test]
async fn a_mail_that_goes_out_again_has_the_same_id_and_news_have_another() {
    let desk = desk().await;
    let (taken, port) = server().await;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteTickets::open(&folder.path().join("entries.db")).unwrap();
    let store = Arc::new(store);
    let rules = Arc::clone(&store) as _;
    let store: Arc<dyn EntryStore> = store;
    let parts = Arc::new(HandoverParts {
        entries: Some(EntryParts {
            store: Arc::clone(&store),
            links: LinkKey::new(IdentityKey::new([7; 32])),
            public_url: Some("https://example.org".to_owned()),
            former: Arc::new(FormerEvents::new(rules)),
            audit: MemoryAudit::trail(),
            event_entries_kept: TimeDelta::days(14),
        }),
        ..(*sending(&desk.parts, port)).clone()
    });
    let new = registration();
    store.register(new.clone()).await.unwrap();
    let written = async |minute| {
        let mails = store.pending_entry_mails(at(minute), 10).await.unwrap();
        let [mail] = &mails[..] else { panic!("one mail") };
        let rules = (parts.rules)();
        let entries = parts.entries.as_ref().unwrap();
        let writing = Writing {
            settings: parts.mail.as_ref().unwrap(),
            rules: &rules,
            links: &entries.links,
            url: "https://example.org",
            kept: entries.event_entries_kept,
            at: at(minute),
        };
        String::from_utf8(writing.letter(mail).unwrap().content).unwrap()
    };
    // As after a crash between acceptance and removal.
    let before = written(0).await;
    desk.set_clock(5);
    entries::step(&parts).await.unwrap();
    entries::step(&parts).await.unwrap();
    let sent = taken.lock().unwrap().clone();
    assert_eq!(sent.len(), 1, "taken once, it is gone");
    assert_eq!(id(&sent[0]), id(&before));
    for header in [
        "List-Unsubscribe: <https://example.org/eintrag/beenden/",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ] {
        let unfolded = sent[0].replace("\r\n ", " ").replace("\n ", " ");
        assert!(unfolded.contains(header), "{header} in {unfolded}");
    }
    store.confirm(&new.id, at(6)).await.unwrap();
    desk.set_clock(6);
    entries::step(&parts).await.unwrap();
    let sent = taken.lock().unwrap().clone();
    assert_eq!(sent.len(), 2);
    assert_ne!(id(&sent[1]), id(&sent[0]));
}
