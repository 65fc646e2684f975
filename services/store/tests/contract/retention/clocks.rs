//! What ends by a clock of its own is told before it goes, and counted once by the run that comes after.

use std::future::Future;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::agents::{AcceptedAgentReport, AgentState};
use domain::ids::{EntryId, OfferId, RegistrationId};
use domain::personal::Personal;
use domain::privacy::{Case, CaseDecision, CaseKind, CaseOutcome, Stamp};
use domain::procedure::{Fields, ProcedureId};
use domain::registration::CheckedEntry;
use store::access_log::AccessLogStore;
use store::cases::{CaseStore, KeptCase, NewCase, OpenedCase};
use store::clocks::{AccessClocks, CallClocks, EntryClocks};
use store::entries::{EndedBy, EntryStore, NewRegistration};
use store::postgres::{PostgresAccess, PostgresTickets};
use store::retention::{RunStore, Step, Tally, TicketRetention};
use store::sqlite::{SqliteAccess, SqliteTickets};

use crate::postgres::on_a_database;
use crate::tickets::at;

/// What was counted, in the order of names.
fn told(tallies: Vec<Tally>) -> Vec<(String, u64)> {
    tallies
        .into_iter()
        .map(|tally| (tally.what, tally.items))
        .collect()
}

fn pairs(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected
        .iter()
        .map(|(what, items)| ((*what).to_owned(), *items))
        .collect()
}

trait Tickets: EntryStore + EntryClocks + TicketRetention {}
impl<S: EntryStore + EntryClocks + TicketRetention> Tickets for S {}

async fn on_every_ticket_store<F: Future<Output = ()>>(case: impl Fn(Arc<dyn Tickets>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(Arc::new(
        SqliteTickets::open(&folder.path().join("tickets.db")).unwrap(),
    ))
    .await;
    on_a_database(|database| async move {
        case(Arc::new(PostgresTickets::connect(&database).await.unwrap())).await;
    })
    .await;
}

/// Somebody registers for an offer at a minute, and has an hour to confirm it.
fn registration(number: u32, procedure: &str, minute: i64) -> NewRegistration {
    let email = format!("person{number}@example.org");
    let entry = CheckedEntry {
        offer: OfferId::new("a"),
        person_key: email.clone(),
        fields: Fields::of([("email", email.as_str())]),
    };
    NewRegistration {
        id: RegistrationId::new(format!("{number:032x}")),
        procedure: ProcedureId::new(procedure),
        entries: vec![(EntryId::new(format!("{:032x}", number + 1000)), entry)],
        recipient: Personal::new(&email),
        email_key: email,
        consented_at: at(minute),
        expires_at: at(minute) + TimeDelta::hours(1),
        quiet_since: at(minute),
        capacities: std::collections::BTreeMap::new(),
        most: 100,
    }
}

#[tokio::test]
async fn entries_are_counted_by_procedure_however_they_were_ended() {
    on_every_ticket_store(|store| async move {
        let (newsletter, event) = (ProcedureId::new("newsletter"), ProcedureId::new("media"));
        for (number, procedure, confirms) in [
            (1, "newsletter", false),
            (2, "newsletter", true),
            (3, "newsletter", true),
            (4, "media", true),
            (5, "media", false),
        ] {
            let new = registration(number, procedure, i64::from(number));
            store.register(new.clone()).await.unwrap();
            if confirms {
                assert_eq!(store.confirm(&new.id, new.consented_at).await.unwrap(), 1);
            }
        }
        let expired = at(1) + TimeDelta::hours(1);
        let early = expired - TimeDelta::milliseconds(1);
        let past = async |procedure: &ProcedureId, at| {
            let past = store.past_unconfirmed(procedure, at).await.unwrap();
            (past.items, past.oldest)
        };
        assert_eq!(past(&newsletter, early).await, (0, None));
        assert_eq!(past(&newsletter, expired).await, (1, Some(at(1))));
        assert_eq!(past(&event, expired).await, (0, None));
        assert_eq!(store.expire_entries(expired).await.unwrap(), 1);
        assert_eq!(past(&newsletter, expired).await, (0, None));
        // One is ended, or undeliverable; an event is over.
        let ended = async |number: u32| {
            let id = format!("{number:032x}");
            let ended = store.end_entries(&id, EndedBy::Person, at(900)).await;
            ended.unwrap()
        };
        assert_eq!(ended(2).await, 1);
        assert_eq!(ended(2).await, 0);
        let offer = OfferId::new("a");
        let cleared = store.clear_offer(&event, &offer, at(900), at(900));
        assert_eq!(cleared.await.unwrap(), 2);

        assert_eq!(store.ticket_tallies(7).await.unwrap(), []);
        store.take_over_tickets(7).await.unwrap();
        let counted = pairs(&[
            ("entries/media", 2),
            ("entries/newsletter", 1),
            ("entries_unconfirmed/newsletter", 1),
        ]);
        assert_eq!(told(store.ticket_tallies(7).await.unwrap()), counted);
        // Once; and what comes while a run goes on is added to it.
        store.take_over_tickets(8).await.unwrap();
        assert_eq!(store.ticket_tallies(8).await.unwrap(), []);
        assert_eq!(ended(3).await, 1);
        store.take_over_tickets(7).await.unwrap();
        assert_eq!(told(store.ticket_tallies(7).await.unwrap())[1].1, 2);
    })
    .await;
}

#[tokio::test]
async fn reports_of_agents_and_confirmed_calls_are_told_before_they_go_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(store::sqlite::SqliteCalls::open(&folder.path().join("calls.db")).unwrap());
    states_go(&*sqlite).await;
    on_a_database(|database| async move {
        let postgres = store::postgres::PostgresCalls::connect(&database).await.unwrap();
        states_go(&postgres).await;
    })
    .await;
}

async fn states_go<S>(store: &S)
where
    S: store::calls::CallStore + CallClocks + store::retention::CallRetention,
{
    use crate::agents::{keep, told as state};
    use crate::calls::at;
    let states = [1, 2].map(|second| AcceptedAgentReport {
        received_at: at(second),
        ..state(second, "Anna", AgentState::Paused)
    });
    keep(store, 0, states.to_vec()).await;
    let past = store.past_agent_states(at(2)).await.unwrap();
    assert_eq!((past.items, past.oldest), (1, Some(at(1))));
    assert_eq!(store.past_confirmed(at(900)).await.unwrap().items, 0);
    assert_eq!(store.forget_agent_reports(at(2)).await.unwrap(), 1);
    assert_eq!(store.past_agent_states(at(2)).await.unwrap().items, 0);
    store.take_over_calls(4).await.unwrap();
    assert_eq!(
        told(store.call_tallies(4).await.unwrap()),
        pairs(&[("agent_states", 1)])
    );
}

trait Access: CaseStore + RunStore + AccessClocks + AccessLogStore {}
impl<S: CaseStore + RunStore + AccessClocks + AccessLogStore> Access for S {}

async fn on_every_access_store<F: Future<Output = ()>>(case: impl Fn(Arc<dyn Access>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(Arc::new(
        SqliteAccess::open(&folder.path().join("access.db")).unwrap(),
    ))
    .await;
    on_a_database(|database| async move {
        case(Arc::new(PostgresAccess::connect(&database).await.unwrap())).await;
    })
    .await;
}

#[tokio::test]
async fn accesses_and_files_are_counted_by_the_run_that_comes_after() {
    on_every_access_store(|store| async move {
        let accesses = [1, 2, 3].map(|second| crate::access_log::access(second, "200", 1));
        store.note_accesses(accesses.to_vec()).await.unwrap();
        let past = store.past_accesses(at(3)).await.unwrap();
        assert_eq!((past.items, past.oldest), (2, Some(at(1))));
        assert_eq!(store.forget_accesses(at(3), 1).await.unwrap(), 1);
        assert_eq!(store.forget_accesses(at(3), 10).await.unwrap(), 1);
        store.count_ended("backups", 2).await.unwrap();
        store.count_ended("backups", 0).await.unwrap();
        store.take_over_access(5).await.unwrap();
        let counted = pairs(&[("accesses", 2), ("backups", 2)]);
        assert_eq!(told(store.access_tallies(5).await.unwrap()), counted);
    })
    .await;
}

fn stamp(minute: i64) -> Stamp {
    Stamp {
        at: at(minute),
        by: "dora".to_owned(),
    }
}

/// A case that was opened at a minute, and decided at another one.
async fn case(store: &dyn Access, opened: i64, decided: Option<i64>) -> i64 {
    let today = domain::local_time::day_of(at(opened));
    let mut case = Case::open(CaseKind::Access, today, stamp(opened)).unwrap();
    case.marks = vec![format!("mark of {opened}")];
    let new = NewCase {
        case: case.clone(),
        idempotency_key: format!("case {opened}"),
        requested: [1; 32],
    };
    let OpenedCase::New(number) = store.open_case(new).await.unwrap() else {
        panic!("not opened")
    };
    case.decision = decided.map(|minute| CaseDecision {
        stamp: stamp(minute),
        outcome: CaseOutcome::Granted,
        grounds: String::new(),
    });
    let kept = KeptCase {
        number,
        revision: 1,
        case,
    };
    store.change_case(kept).await.unwrap();
    number
}

#[tokio::test]
async fn a_case_goes_when_nobody_has_handled_it_for_its_period_and_an_open_one_never() {
    on_every_access_store(|store| async move {
        let early = case(&*store, 1, Some(2)).await;
        let later = case(&*store, 3, Some(9)).await;
        let open = case(&*store, 4, None).await;
        let noted_since = case(&*store, 5, Some(6)).await;
        let mut kept = store.case(noted_since).await.unwrap().unwrap();
        kept.case.note(stamp(20), "noch eine Frage").unwrap();
        store.change_case(kept).await.unwrap();
        let past = store.past_cases(at(10)).await.unwrap();
        assert_eq!((past.items, past.oldest), (2, Some(at(2))));
        assert_eq!(store.past_cases(at(2)).await.unwrap().items, 0);
        let purge = async |most| store.purge_cases(3, at(10), Step::of(most)).await.unwrap().items;
        assert_eq!((purge(1).await, purge(10).await, purge(10).await), (1, 1, 0));
        for (number, is_there) in [(early, false), (later, false), (open, true), (noted_since, true)] {
            assert_eq!(store.case(number).await.unwrap().is_some(), is_there, "{number}");
        }
        let by_mark = store::cases::CaseQuery {
            marks: vec!["mark of 1".to_owned()],
            most: 10,
            ..store::cases::CaseQuery::default()
        };
        assert_eq!(store.cases(by_mark).await.unwrap(), []);
        assert_eq!(
            told(store.access_tallies(3).await.unwrap()),
            pairs(&[("cases", 2)])
        );
    })
    .await;
}
