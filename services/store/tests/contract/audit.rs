//! The audit trail.

use domain::access::{Principal, Role};
use domain::audit::{AuditAction, AuditSubject, CHAIN_BEGIN, NewAuditEntry};
use futures::future::join_all;
use store::audit::{AuditEntry, AuditFilter};

use crate::tickets::at;
use crate::users::{Access, on_every_store};

fn entry(number: i64) -> NewAuditEntry {
    let who = Principal {
        name: if number % 2 == 0 { "anna" } else { "ben" }.to_owned(),
        ..Principal::operator()
    };
    let subject = AuditSubject::new("ticket", format!("T-{}", number % 3));
    let action = [AuditAction::TicketRead, AuditAction::TicketActed][usize::from(number > 6)];
    NewAuditEntry::of(&who, action, subject, at(number)).of_items(usize::try_from(number).unwrap())
}

async fn is_whole(store: &Access) -> Vec<AuditEntry> {
    let entries = store.audit.chain(0, 10_000).await.unwrap();
    let mut before = (0, CHAIN_BEGIN);
    for entry in &entries {
        assert!(entry.follows(before.0, &before.1), "{entry:?}");
        before = (entry.number, entry.hash);
    }
    entries
}

async fn entries_are_chained_in_their_order([store, _]: [Access; 2]) {
    store.audit.append(vec![entry(1), entry(2)]).await.unwrap();
    store.audit.append(Vec::new()).await.unwrap();
    let mut odd = entry(3).because("Grund\0mit Null");
    odd.roles = vec![Role::Agent, Role::Supervisor];
    store.audit.append(vec![odd]).await.unwrap();
    let entries = is_whole(&store).await;
    assert_eq!(
        entries.iter().map(|entry| entry.number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let last = &entries[2];
    assert_eq!((last.at, last.actor.as_str(), last.items), (at(3), "ben", 3));
    assert_eq!(
        (last.roles.as_str(), last.action.as_str()),
        ("agent,supervisor", "ticket_read")
    );
    assert_eq!(
        (last.subject_kind.as_str(), last.subject.as_str()),
        ("ticket", "T-0")
    );
    assert_eq!(last.reason, "Grund\u{fffd}mit Null");
    assert_eq!(store.audit.chain(1, 1).await.unwrap(), entries[1..2]);
}

async fn entries_are_found_by_what_they_say([store, _]: [Access; 2]) {
    store.audit.append((1..=9).map(entry).collect()).await.unwrap();
    let found = |filter: AuditFilter| {
        let audit = store.audit.clone();
        async move {
            let most = if filter.most == 0 { 100 } else { filter.most };
            let entries = audit.entries(AuditFilter { most, ..filter }).await.unwrap();
            entries.iter().map(|entry| entry.number).collect::<Vec<_>>()
        }
    };
    let all = AuditFilter::default();
    let text = |text: &str| Some(text.to_owned());
    for (filter, numbers) in [
        (all.clone(), vec![9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (
            AuditFilter {
                actor: text("anna"),
                ..all.clone()
            },
            vec![8, 6, 4, 2],
        ),
        (
            AuditFilter {
                subject: text("T-0"),
                ..all.clone()
            },
            vec![9, 6, 3],
        ),
        (
            AuditFilter {
                action: text("ticket_acted"),
                ..all.clone()
            },
            vec![9, 8, 7],
        ),
        (
            AuditFilter {
                from: Some(at(3)),
                to: Some(at(5)),
                ..all.clone()
            },
            vec![4, 3],
        ),
        (
            AuditFilter {
                before: Some(8),
                most: 2,
                ..all.clone()
            },
            vec![7, 6],
        ),
        (
            AuditFilter {
                actor: text("anna"),
                subject: text("T-0"),
                ..all.clone()
            },
            vec![6],
        ),
        (
            AuditFilter {
                actor: text("an\0na"),
                ..all.clone()
            },
            vec![],
        ),
    ] {
        assert_eq!(found(filter.clone()).await, numbers, "{filter:?}");
    }
}

async fn many_append_at_once_and_no_number_is_missing([one, other]: [Access; 2]) {
    let appends = (0..40).map(|turn: i64| {
        let store = if turn % 2 == 0 { &one } else { &other };
        store
            .audit
            .append((0..=turn % 3).map(|part| entry(turn + part)).collect())
    });
    let appended = join_all(appends).await;
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
    assert_eq!(is_whole(&one).await.len(), 79);
}

#[tokio::test]
async fn entries_are_chained_in_their_order_on_every_store() {
    on_every_store(entries_are_chained_in_their_order).await;
}

#[tokio::test]
async fn entries_are_found_by_what_they_say_on_every_store() {
    on_every_store(entries_are_found_by_what_they_say).await;
}

#[tokio::test]
async fn many_append_at_once_and_no_number_is_missing_on_every_store() {
    on_every_store(many_append_at_once_and_no_number_is_missing).await;
}
