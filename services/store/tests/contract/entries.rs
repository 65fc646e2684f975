//! What every [`EntryStore`] must do.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::ids::{EntryId, OfferId, RegistrationId};
use domain::personal::Personal;
use domain::privacy::MarkKind;
use domain::procedure::{Fields, ProcedureId, name_key};
use domain::registration::{CheckedEntry, EntryState};
use store::entries::{
    EndedBy, EntryFilter, EntryMailSubject, EntryStore, NewRegistration, PendingEntryMail, Registered,
};
use store::persons::{MarkedEntries, PersonEntries, WaitingMails};
use store::postgres::{Database, PostgresTickets};
use store::scrub::{Scrub, Touched};
use store::sqlite::SqliteTickets;
use store::tickets::SetAside;

use crate::postgres::{execute, on_a_database, on_an_empty_database};
use crate::tickets::at;

/// A store with both views of entries, and what is owed for those that are gone.
trait Both: EntryStore + PersonEntries + Scrub {}

impl<S: EntryStore + PersonEntries + Scrub> Both for S {}

type Kept = Arc<dyn Both>;

/// A registration of somebody for offers, with a number that makes it and its entries.
fn registration(number: u32, email: &str, offers: &[&str], minute: i64) -> NewRegistration {
    let entry = |offer: &&str| CheckedEntry {
        offer: OfferId::new(offer),
        person_key: email.to_lowercase(),
        fields: Fields::of([("email", email), ("programme_items", "Rundgang")]),
    };
    let id = |kind: u32, place: usize| format!("{kind:04x}{place:012x}{number:016x}");
    NewRegistration {
        id: RegistrationId::new(id(1, 0)),
        procedure: ProcedureId::new("newsletter"),
        entries: offers
            .iter()
            .enumerate()
            .map(|(place, offer)| (EntryId::new(id(2, place)), entry(offer)))
            .collect(),
        recipient: Personal::new(email),
        email_key: email.to_lowercase(),
        consented_at: at(minute),
        expires_at: at(minute) + TimeDelta::days(7),
        quiet_since: at(minute) - TimeDelta::minutes(10),
        capacities: BTreeMap::new(),
        most: 100,
    }
}

async fn mails(store: &Kept, minute: i64) -> Vec<PendingEntryMail> {
    store.pending_entry_mails(at(minute), 10).await.unwrap()
}

/// What a mail tells of: each offer, and whether it holds.
fn told(mail: &PendingEntryMail) -> Vec<(String, bool)> {
    match &mail.about {
        EntryMailSubject::Registration { entries, .. } => entries
            .iter()
            .map(|entry| (entry.offer.to_string(), entry.state == EntryState::Confirmed))
            .collect(),
        EntryMailSubject::Reminder { .. } => panic!("no reminder"),
    }
}

fn newsletter() -> ProcedureId {
    ProcedureId::new("newsletter")
}

async fn counts(store: &Kept, offer: &str) -> (u32, u32) {
    let states = store.offer_states(&newsletter()).await.unwrap();
    let state = states.get(&OfferId::new(offer)).cloned().unwrap_or_default();
    (state.pending, state.confirmed)
}

/// How many entries whoever registered ends.
async fn ended(store: &Kept, id: &str, minute: i64) -> u32 {
    let ended = store.end_entries(id, EndedBy::Person, at(minute));
    ended.await.unwrap()
}

async fn an_entry_waits_holds_and_is_gone(store: Kept) {
    let new = registration(1, "Erika@example.org", &["a", "b"], 0);
    assert_eq!(store.register(new.clone()).await.unwrap(), Registered::Accepted);
    let [mail] = &mails(&store, 0).await[..] else {
        panic!("one mail")
    };
    assert_eq!(told(mail), [("a".to_owned(), false), ("b".to_owned(), false)]);
    let EntryMailSubject::Registration { recipient, id, .. } = &mail.about else {
        panic!("a registration")
    };
    assert_eq!((recipient.reveal(), id), ("Erika@example.org", &new.id));
    store.entry_mail_done(mail.key).await.unwrap();

    assert_eq!(store.confirm(&new.id, at(5)).await.unwrap(), 2);
    assert_eq!(store.confirm(&new.id, at(6)).await.unwrap(), 0, "once");
    assert_eq!(counts(&store, "a").await, (0, 1));
    let [mail] = &mails(&store, 6).await[..] else {
        panic!("one mail")
    };
    assert_eq!(told(mail), [("a".to_owned(), true), ("b".to_owned(), true)]);
    let entries = store.entries_by_id(new.id.as_str(), at(6)).await.unwrap();
    assert_eq!(entries[0].confirmed_at, Some(at(5)));
    assert_eq!(
        store.entries_by_id(entries[1].id.as_str(), at(6)).await.unwrap(),
        entries[1..]
    );

    assert_eq!(ended(&store, entries[0].id.as_str(), 6).await, 1);
    assert_eq!(ended(&store, entries[0].id.as_str(), 6).await, 0);
    assert_eq!(told(&mails(&store, 6).await[0]), [("b".to_owned(), true)]);
    assert_eq!(ended(&store, new.id.as_str(), 6).await, 1);
    assert_eq!(mails(&store, 6).await, [], "nobody is written to who is gone");
}

async fn what_is_repeated_changes_nothing_and_later_replaces_what_waits(store: Kept) {
    let first = registration(1, "erika@example.org", &["a"], 0);
    store.register(first.clone()).await.unwrap();
    let again = registration(2, "ERIKA@example.org", &["a"], 5);
    store.register(again).await.unwrap();
    assert_eq!(mails(&store, 5).await.len(), 1);
    assert_eq!(store.confirm(&first.id, at(6)).await.unwrap(), 1);

    let other = registration(3, "max@example.org", &["a"], 0);
    store.register(other.clone()).await.unwrap();
    let later = registration(4, "max@example.org", &["a", "b"], 30);
    store.register(later.clone()).await.unwrap();
    assert_eq!(
        store.confirm(&other.id, at(31)).await.unwrap(),
        0,
        "it was replaced"
    );
    assert_eq!(store.confirm(&later.id, at(31)).await.unwrap(), 2);
    assert_eq!(counts(&store, "a").await, (0, 2));
}

async fn whoever_has_an_entry_is_told_and_keeps_it(store: Kept) {
    let first = registration(1, "erika@example.org", &["a"], 0);
    store.register(first.clone()).await.unwrap();
    store.confirm(&first.id, at(1)).await.unwrap();
    for mail in mails(&store, 1).await {
        store.entry_mail_done(mail.key).await.unwrap();
    }
    let mut again = registration(2, "erika@example.org", &["a"], 60);
    again.entries[0].1.fields = Fields::of([("email", "erika@example.org"), ("medium", "Fälschung")]);
    store.register(again).await.unwrap();
    assert_eq!(told(&mails(&store, 60).await[0]), [("a".to_owned(), true)]);
    let filter = EntryFilter {
        procedure: newsletter(),
        offer: OfferId::new("a"),
        state: Some(EntryState::Confirmed),
        after: 0,
        most: 10,
    };
    let entries = store.entries(filter.clone()).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].entry.fields.get("medium"), None);
    let after = EntryFilter {
        after: entries[0].number,
        ..filter
    };
    assert_eq!(store.entries(after).await.unwrap(), []);
}

/// What is found by a mark, by offer.
async fn found(store: &Kept, kind: MarkKind, key: &str) -> Vec<(String, EntryId)> {
    let search = MarkedEntries {
        keys: vec![(kind, key.to_owned())],
        after: 0,
        most: 10,
    };
    let found = store.entries_with(search).await.unwrap().into_iter();
    found
        .map(|numbered| (numbered.entry.offer.to_string(), numbered.entry.id))
        .collect()
}

async fn waiting(store: &Kept, to: Option<&str>) -> Vec<String> {
    let search = WaitingMails {
        to: to.map(|to| vec![to.to_owned()]),
        after: 0,
        most: 10,
    };
    let mails = store.waiting_entry_mails(search).await.unwrap();
    let recipients = mails.iter().map(|mail| mail.recipient.as_ref());
    recipients.flatten().map(|to| to.reveal().to_owned()).collect()
}

async fn a_person_is_found_and_erased_with_the_mails(store: Kept) {
    let mut new = registration(1, "Erika@example.org", &["a", "b"], 0);
    new.entries[1].1.fields = Fields::of([
        ("email", "Erika@example.org"),
        ("name", "Groß"),
        ("phone", "0221 4710123"),
    ]);
    store.register(new.clone()).await.unwrap();
    store.confirm(&new.id, at(1)).await.unwrap();
    store
        .register(registration(2, "max@example.org", &["a"], 0))
        .await
        .unwrap();
    let (one, other) = (new.entries[0].0.clone(), new.entries[1].0.clone());
    let both = [("a".to_owned(), one.clone()), ("b".to_owned(), other.clone())];
    assert_eq!(found(&store, MarkKind::Email, "erika@example.org").await, both);
    assert_eq!(found(&store, MarkKind::Name, &name_key("GROSS")).await, both[1..]);
    assert_eq!(found(&store, MarkKind::Phone, "+492214710123").await, both[1..]);
    let page = MarkedEntries {
        keys: vec![(MarkKind::Email, "erika@example.org".to_owned())],
        after: 0,
        most: 1,
    };
    let [first] = &store.entries_with(page.clone()).await.unwrap()[..] else {
        panic!("a page of one")
    };
    let next = MarkedEntries {
        after: first.number,
        ..page
    };
    assert_eq!(store.entries_with(next).await.unwrap()[0].entry.id, other);
    assert_eq!(
        waiting(&store, Some("erika@example.org")).await,
        ["Erika@example.org"]
    );
    assert_eq!(waiting(&store, None).await.len(), 2);

    let unknown = EntryId::new("0".repeat(32));
    let asked = vec![one.clone(), other.clone(), unknown.clone()];
    let there = store.entries_among(asked.clone()).await.unwrap();
    let there: BTreeSet<EntryId> = there.into_iter().map(|entry| entry.id).collect();
    assert_eq!(there, [one.clone(), other].into());
    assert_eq!(store.erase_entries(vec![one, unknown]).await.unwrap(), 1);
    assert_eq!(
        waiting(&store, Some("erika@example.org")).await.len(),
        1,
        "of the other entry"
    );
    assert_eq!(store.erase_entries(asked.clone()).await.unwrap(), 1);
    assert_eq!(store.erase_entries(asked).await.unwrap(), 0, "once");
    assert_eq!(found(&store, MarkKind::Name, &name_key("Groß")).await, []);
    assert_eq!(
        waiting(&store, None).await,
        ["max@example.org"],
        "that of the other person"
    );
    assert_eq!(counts(&store, "a").await, (1, 0));
}

async fn what_waits_is_found_by_what_it_says_once_it_is_sent_again(store: Kept) {
    let mut new = registration(1, "erika@example.org", &["a"], 0);
    new.entries[0].1.fields = Fields::of([("email", "erika@example.org"), ("name", "Gross")]);
    store.register(new.clone()).await.unwrap();
    let mut again = registration(2, "erika@example.org", &["a"], 30);
    again.entries[0].1.fields = Fields::of([("email", "erika@example.org"), ("name", "Klein")]);
    store.register(again).await.unwrap();
    assert_eq!(found(&store, MarkKind::Name, &name_key("Gross")).await, []);
    let id = new.entries[0].0.clone();
    assert_eq!(
        found(&store, MarkKind::Name, &name_key("Klein")).await,
        [("a".to_owned(), id)]
    );
}

async fn what_was_not_confirmed_in_time_is_gone(store: Kept) {
    let new = registration(1, "erika@example.org", &["a"], 0);
    store.register(new.clone()).await.unwrap();
    let week = 7 * 24 * 60;
    assert_eq!(store.expire_entries(at(week - 1)).await.unwrap(), 0);
    assert_eq!(store.confirm(&new.id, at(week)).await.unwrap(), 0);
    assert_eq!(store.entries_by_id(new.id.as_str(), at(week)).await.unwrap(), []);
    assert_eq!(store.expire_entries(at(week)).await.unwrap(), 1);
    assert_eq!(mails(&store, week).await, []);
    assert_eq!(counts(&store, "a").await, (0, 0));
}

/// Somebody who has confirmed an entry for an offer.
async fn confirmed(store: &Kept, number: u32, email: &str, offer: &str) -> NewRegistration {
    let new = registration(number, email, &[offer], 0);
    store.register(new.clone()).await.unwrap();
    store.confirm(&new.id, at(1)).await.unwrap();
    new
}

async fn what_ends_is_owed_until_it_is_rewritten(store: Kept) {
    let owed = async || store.owed_since().await.unwrap();
    let erika = confirmed(&store, 1, "erika@example.org", "a").await;
    confirmed(&store, 2, "max@example.org", "b").await;
    store
        .register(registration(3, "ilse@example.org", &["a"], 0))
        .await
        .unwrap();
    assert_eq!(ended(&store, "nobody", 1).await, 0);
    assert_eq!(owed().await, None, "nothing is gone");

    ended(&store, erika.id.as_str(), 2).await;
    assert_eq!(owed().await, Some(at(2)));
    let offer = OfferId::new("b");
    store
        .clear_offer(&newsletter(), &offer, at(3), at(3))
        .await
        .unwrap();
    assert_eq!(owed().await, Some(at(2)), "the first counts");
    store.scrub_owed().await.unwrap();
    assert_eq!(owed().await, None);
    store.scrub_owed().await.unwrap();

    let week = 7 * 24 * 60;
    assert_eq!(store.expire_entries(at(week)).await.unwrap(), 1);
    assert_eq!(owed().await, Some(at(week)));
    store.scrub(&Touched::default()).await.unwrap();
    assert_eq!(owed().await, None, "whoever rewrites all has rewritten that");

    store
        .register(registration(4, "ilse@example.org", &["a"], week))
        .await
        .unwrap();
    assert_eq!(owed().await, None);
    store
        .register(registration(5, "ilse@example.org", &["a"], week + 60))
        .await
        .unwrap();
    assert_eq!(
        owed().await,
        Some(at(week + 60)),
        "what it said before was replaced"
    );
}

async fn what_is_restricted_stays_and_is_in_no_list_until_that_is_lifted(store: Kept) {
    let offer = OfferId::new("a");
    let erika = confirmed(&store, 1, "erika@example.org", "a").await;
    confirmed(&store, 2, "max@example.org", "a").await;
    let waiting = registration(3, "ilse@example.org", &["a"], 0);
    store.register(waiting.clone()).await.unwrap();
    let ids = vec![erika.entries[0].0.clone(), waiting.entries[0].0.clone()];
    assert_eq!(store.restrict_entries(ids.clone(), at(2)).await.unwrap(), 2);
    assert_eq!(store.restrict_entries(ids.clone(), at(3)).await.unwrap(), 0);
    let restricted = store.restricted_entries(None, 10).await.unwrap();
    assert_eq!(
        restricted,
        ids.iter().map(|id| (id.clone(), at(2))).collect::<Vec<_>>()
    );
    let behind = store.restricted_entries(Some(ids[0].clone()), 10).await.unwrap();
    assert_eq!(behind, restricted[1..]);

    assert_eq!(counts(&store, "a").await, (0, 1));
    let listed = || EntryFilter {
        procedure: newsletter(),
        offer: offer.clone(),
        state: None,
        after: 0,
        most: 10,
    };
    assert_eq!(store.entries(listed()).await.unwrap().len(), 1);
    let taken = store.items_taken(&newsletter(), &offer).await.unwrap();
    assert_eq!(taken["Rundgang"], 3, "it keeps its place");
    assert_eq!(mails(&store, 5).await.len(), 1, "nobody is written to about it");
    let email = |text: &str| vec![(MarkKind::Email, text.to_owned())];
    let search = MarkedEntries {
        keys: email("erika@example.org"),
        after: 0,
        most: 10,
    };
    let found = store.entries_with(search).await.unwrap();
    assert_eq!(
        found[0].entry.restricted_at,
        Some(at(2)),
        "data protection sees it"
    );

    // Whatever comes of it meanwhile, it stays as it is.
    let again = registration(4, "erika@example.org", &["a"], 60);
    assert_eq!(store.register(again).await.unwrap(), Registered::Accepted);
    assert_eq!(mails(&store, 60).await.len(), 1);
    let week = 7 * 24 * 60;
    assert_eq!(store.expire_entries(at(week)).await.unwrap(), 0);
    let of_server = store.end_entries(erika.id.as_str(), EndedBy::MailServer, at(week));
    assert_eq!(of_server.await.unwrap(), 0);
    let cleared = store.clear_offer(&newsletter(), &offer, at(week), at(week)).await;
    assert_eq!(cleared.unwrap(), 1);
    assert_eq!(store.entries_among(ids.clone()).await.unwrap().len(), 2);

    assert_eq!(store.lift_entries(ids.clone()).await.unwrap(), 2);
    assert_eq!(store.lift_entries(ids.clone()).await.unwrap(), 0);
    assert_eq!(counts(&store, "a").await, (1, 1));
    assert_eq!(store.expire_entries(at(week)).await.unwrap(), 1);
    store.restrict_entries(ids, at(week)).await.unwrap();
    assert_eq!(
        ended(&store, erika.id.as_str(), week).await,
        1,
        "whoever it is of may end it"
    );
}

async fn places_do_not_go_twice(store: Kept) {
    let limited = |number, email: &str| {
        let mut new = registration(number, email, &["a"], 0);
        new.capacities = BTreeMap::from([("Rundgang".to_owned(), 2)]);
        new
    };
    let asked = (0..6).map(|number| {
        let (store, new) = (
            Arc::clone(&store),
            limited(number, &format!("{number}@example.org")),
        );
        tokio::spawn(async move { store.register(new).await.unwrap() })
    });
    let asked: Vec<_> = asked.collect();
    let mut accepted = 0;
    for asked in asked {
        match asked.await.unwrap() {
            Registered::Accepted => accepted += 1,
            refused => assert_eq!(refused, Registered::ItemFull("Rundgang".to_owned())),
        }
    }
    assert_eq!((accepted, counts(&store, "a").await), (2, (2, 0)));
    let taken = store
        .items_taken(&newsletter(), &OfferId::new("a"))
        .await
        .unwrap();
    assert_eq!(taken, BTreeMap::from([("Rundgang".to_owned(), 2)]));
    let mut full = registration(9, "neu@example.org", &["b", "a"], 0);
    full.most = 2;
    let refused = store.register(full).await.unwrap();
    assert_eq!(refused, Registered::OfferFull(OfferId::new("a")));
    assert_eq!(counts(&store, "b").await, (0, 0), "nothing was written of it");
}

async fn an_offer_is_cleared_but_for_what_was_confirmed_since(store: Kept) {
    let (offer, old, late) = (
        OfferId::new("a"),
        registration(1, "erika@example.org", &["a"], 0),
        registration(2, "max@example.org", &["a"], 0),
    );
    for new in [&old, &late, &registration(3, "ilse@example.org", &["a"], 0)] {
        store.register(new.clone()).await.unwrap();
    }
    store.confirm(&old.id, at(1)).await.unwrap();
    store.mark_exported(&newsletter(), &offer, at(2)).await.unwrap();
    store.confirm(&late.id, at(3)).await.unwrap();
    assert_eq!(
        store
            .clear_offer(&newsletter(), &offer, at(2), at(4))
            .await
            .unwrap(),
        2
    );
    assert_eq!(counts(&store, "a").await, (0, 1));
    assert_eq!(
        store
            .clear_offer(&newsletter(), &offer, at(5), at(5))
            .await
            .unwrap(),
        1
    );
    let state = store.offer_states(&newsletter()).await.unwrap()[&offer].clone();
    assert_eq!((state.erased, state.erased_at), (3, Some(at(5))));
    assert_eq!(state.exported_at, Some(at(2)));
    assert_eq!(mails(&store, 5).await, []);
}

async fn a_department_is_reminded_once(store: Kept) {
    let offer = OfferId::new("a");
    assert!(store.remind(&newsletter(), &offer, at(0)).await.unwrap());
    assert!(!store.remind(&newsletter(), &offer, at(1)).await.unwrap());
    let [mail] = &mails(&store, 1).await[..] else {
        panic!("one mail")
    };
    assert_eq!(mail.about, EntryMailSubject::Reminder { offer });
    let aside = SetAside {
        error: "later".to_owned(),
        retry_at: at(10),
    };
    store.postpone_entry_mail(mail.key, aside).await.unwrap();
    assert_eq!(mails(&store, 9).await, []);
    assert_eq!(mails(&store, 10).await[0].attempts, 1);
    store.entry_mail_done(mail.key).await.unwrap();
    assert_eq!(mails(&store, 10).await, []);
}

async fn news_that_came_while_a_mail_was_sent_are_not_lost(store: Kept) {
    let new = registration(1, "erika@example.org", &["a"], 0);
    store.register(new.clone()).await.unwrap();
    let sent = mails(&store, 0).await[0].key;
    store.confirm(&new.id, at(1)).await.unwrap();
    store.entry_mail_done(sent).await.unwrap();
    let newer = &mails(&store, 1).await[0];
    assert_eq!(
        (newer.key.number, newer.key.edition),
        (sent.number, sent.edition + 1)
    );
}

/// Somebody whose entry says who it is.
async fn named(store: &impl EntryStore) {
    let mut new = registration(1, "erika@example.org", &["a"], 0);
    new.entries[0].1.fields = Fields::of([("email", "erika@example.org"), ("name", "Groß")]);
    store.register(new).await.unwrap();
}

#[tokio::test]
async fn entries_from_before_the_marks_are_found_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    named(&SqliteTickets::open(&path).unwrap()).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("UPDATE entries SET name_key = NULL; INSERT INTO backfills VALUES ('entry_marks')")
        .unwrap();
    drop(connection);
    let store: Kept = Arc::new(SqliteTickets::open(&path).unwrap());
    assert_eq!(found(&store, MarkKind::Name, &name_key("Groß")).await.len(), 1);
}

#[tokio::test]
async fn entries_from_before_the_marks_are_found_in_postgres() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = PostgresTickets::connect(&database).await.unwrap();
        named(&store).await;
        let old = "UPDATE entries SET name_key = NULL; INSERT INTO ticket_backfills VALUES ('entry_marks')";
        execute(&url, old).await;
        let store: Kept = Arc::new(store);
        assert_eq!(found(&store, MarkKind::Name, &name_key("Groß")).await, []);
        database.migrate().await.unwrap();
        assert_eq!(found(&store, MarkKind::Name, &name_key("Groß")).await.len(), 1);
    })
    .await;
}

/// Runs a case on a fresh store of each kind.
async fn on_every_store<F: Future<Output = ()>>(case: impl Fn(Kept) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteTickets::open(&folder.path().join("tickets.db")).unwrap();
    case(Arc::new(sqlite)).await;
    on_a_database(|database| async move {
        case(Arc::new(PostgresTickets::connect(&database).await.unwrap())).await;
    })
    .await;
}

macro_rules! cases {
    ($($case:ident,)+) => {
        mod on_every_store {
            $(#[tokio::test]
            async fn $case() {
                super::on_every_store(super::$case).await;
            })+
        }
    };
}

cases! {
    an_entry_waits_holds_and_is_gone,
    what_is_repeated_changes_nothing_and_later_replaces_what_waits,
    whoever_has_an_entry_is_told_and_keeps_it,
    a_person_is_found_and_erased_with_the_mails,
    what_waits_is_found_by_what_it_says_once_it_is_sent_again,
    what_was_not_confirmed_in_time_is_gone,
    what_ends_is_owed_until_it_is_rewritten,
    what_is_restricted_stays_and_is_in_no_list_until_that_is_lifted,
    places_do_not_go_twice,
    an_offer_is_cleared_but_for_what_was_confirmed_since,
    a_department_is_reminded_once,
    news_that_came_while_a_mail_was_sent_are_not_lost,
}
