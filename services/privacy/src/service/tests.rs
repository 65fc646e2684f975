use access::testing::MemoryAudit;
use domain::access::{Principal, Role};
use domain::audit::NewAuditEntry;
use proto::audit_server::Audit;
use tonic::Code;
use wire::access::by;

use super::*;

/// A trail of so many tickets that were read.
async fn trail(entries: usize) -> (Arc<MemoryAudit>, AuditService) {
    let (kept, trail) = MemoryAudit::with_trail();
    let entry = |n: usize| {
        let at = wire::time(1_700_000_000_000).unwrap();
        let subject = AuditSubject::new("ticket", format!("T-{n}"));
        NewAuditEntry::of(&Principal::operator(), AuditAction::TicketRead, subject, at)
    };
    kept.append((1..=entries).map(entry).collect()).await.unwrap();
    let service = AuditService::new(Arc::clone(&kept) as _, trail);
    (kept, service)
}

async fn verified(service: &AuditService, noted_head: &str) -> proto::VerifyResponse {
    let request = proto::VerifyRequest {
        noted_head: noted_head.to_owned(),
    };
    let answer = service.verify(by(officer(), request)).await;
    answer.unwrap().into_inner()
}

fn officer() -> Principal {
    Principal {
        name: "dora".to_owned(),
        shown_name: "Dora".to_owned(),
        roles: [Role::DataProtection].into(),
        is_user: true,
        ..Principal::operator()
    }
}

async fn listed(service: &AuditService, request: proto::ListEntriesRequest) -> proto::ListEntriesResponse {
    let answer = service.list_entries(by(officer(), request)).await;
    answer.unwrap().into_inner()
}

#[tokio::test]
async fn a_whole_trail_is_found_whole_over_many_pages() {
    let (_, service) = trail(2500).await;
    let found = verified(&service, "").await;
    assert_eq!((found.entries, found.broken_at), (2500, None));
    let again = verified(&service, &found.head).await;
    assert_eq!((again.broken_at, again.head), (None, found.head));
    let (_, empty) = trail(0).await;
    assert_eq!(verified(&empty, "").await.broken_at, None);
}

#[tokio::test]
async fn a_changed_entry_is_named() {
    let (kept, service) = trail(1200).await;
    kept.tamper(|entries| entries[1100].actor = "somebody else".to_owned());
    let found = verified(&service, "").await;
    assert_eq!((found.entries, found.broken_at), (1100, Some(1101)));
}

#[tokio::test]
async fn an_entry_that_was_taken_away_is_named() {
    let (kept, service) = trail(5).await;
    kept.tamper(|entries| drop(entries.remove(2)));
    let found = verified(&service, "").await;
    assert_eq!(found.broken_at, Some(3));
    assert!(
        found.explanation.contains("entry 3 is missing"),
        "{}",
        found.explanation
    );
    let (kept, service) = trail(5).await;
    kept.tamper(|entries| drop(entries.remove(0)));
    assert_eq!(verified(&service, "").await.broken_at, Some(1));
}

#[tokio::test]
async fn a_cut_end_is_found_by_a_head_that_was_noted() {
    let (kept, service) = trail(5).await;
    let head = verified(&service, "").await.head;
    kept.tamper(|entries| entries.truncate(4));
    assert_eq!(verified(&service, "").await.broken_at, None);
    let found = verified(&service, &head).await;
    assert_eq!((found.entries, found.broken_at), (4, Some(5)));
    let request = by(
        officer(),
        proto::VerifyRequest {
            noted_head: "ab".to_owned(),
        },
    );
    assert_eq!(
        service.verify(request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn the_trail_is_listed_newest_first_in_pages_and_that_is_noted() {
    let (kept, service) = trail(5).await;
    let mut asked = proto::ListEntriesRequest {
        page_size: 2,
        action: "ticket_read".to_owned(),
        ..proto::ListEntriesRequest::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = listed(&service, asked.clone()).await;
        seen.extend(page.entries.iter().map(|entry| entry.subject.clone()));
        if page.next_page_token.is_empty() {
            break;
        }
        asked.page_token = page.next_page_token;
    }
    assert_eq!(seen, ["T-5", "T-4", "T-3", "T-2", "T-1"]);
    let read: Vec<u32> = kept
        .noted()
        .into_iter()
        .filter(|(action, ..)| *action == AuditAction::AuditRead)
        .map(|(.., items)| items)
        .collect();
    assert_eq!(read, [2, 2, 1]);
    let by_subject = proto::ListEntriesRequest {
        subject: "T-3".to_owned(),
        ..proto::ListEntriesRequest::default()
    };
    assert_eq!(listed(&service, by_subject).await.entries.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_shown() {
    let (kept, service) = trail(1).await;
    kept.fail(true);
    let request = by(officer(), proto::ListEntriesRequest::default());
    assert_eq!(
        service.list_entries(request).await.unwrap_err().code(),
        Code::Unavailable
    );
    let nobody = Request::new(proto::ListEntriesRequest::default());
    assert_eq!(
        service.list_entries(nobody).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn what_is_asked_for_must_be_right() {
    let (_, service) = trail(1).await;
    for request in [
        proto::ListEntriesRequest {
            action: "invented".to_owned(),
            ..Default::default()
        },
        proto::ListEntriesRequest {
            from: "gestern".to_owned(),
            ..Default::default()
        },
        proto::ListEntriesRequest {
            page_token: "x".to_owned(),
            ..Default::default()
        },
    ] {
        let refused = service.list_entries(by(officer(), request)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
