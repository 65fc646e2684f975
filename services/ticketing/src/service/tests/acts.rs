//! What people do with a ticket.

use super::*;

fn act(ticket: &str, key: &str) -> proto::ActOnTicketRequest {
    proto::ActOnTicketRequest {
        idempotency_key: key.to_owned(),
        ticket_id: ticket.to_owned(),
        reason: "weil es so ist".to_owned(),
        agent: "berta".to_owned(),
    }
}

fn reopening(ticket: &str, key: &str, call: &str) -> proto::ReopenTicketRequest {
    proto::ReopenTicketRequest {
        idempotency_key: key.to_owned(),
        ticket_id: ticket.to_owned(),
        reason: "fragt noch einmal".to_owned(),
        agent: "berta".to_owned(),
        call: call.to_owned(),
    }
}

async fn logged(desk: &Desk) -> String {
    log(desk, request("k1")).await.unwrap().ticket.unwrap().ticket_id
}

async fn withdraw(desk: &Desk, ticket: &str, key: &str) -> Result<proto::ActOnTicketResponse, Status> {
    let answer = desk.service.withdraw_ticket(by_operator(act(ticket, key))).await;
    answer.map(Response::into_inner)
}

#[tokio::test]
async fn an_act_is_done_once_for_each_key() {
    let desk = desk();
    let id = logged(&desk).await;
    let first = withdraw(&desk, &id, "w1").await.unwrap();
    let second = withdraw(&desk, &id, "w1").await.unwrap();
    assert!(!first.repeated && second.repeated);
    assert_eq!(first.ticket, second.ticket);
    let ticket = first.ticket.unwrap();
    assert_eq!((ticket.state.as_str(), ticket.version), ("withdrawn", 2));
    let entry = ticket.history.last().unwrap();
    assert_eq!(
        (entry.actor.as_str(), entry.action.as_str(), entry.note.as_str()),
        ("agent berta", "withdrawn", "weil es so ist")
    );
    let again = withdraw(&desk, &id, "w2").await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    let other = proto::ActOnTicketRequest {
        agent: "anna".to_owned(),
        ..act(&id, "w1")
    };
    let taken = desk
        .service
        .withdraw_ticket(by_operator(other))
        .await
        .unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_reopened_ticket_is_due_anew_and_belongs_to_the_call() {
    let desk = desk();
    let id = logged(&desk).await;
    let early = reopening(&id, "r0", "");
    let refused = desk.service.reopen_ticket(by_operator(early)).await.unwrap_err();
    assert!(refused.message().contains("still owed"), "{refused}");
    withdraw(&desk, &id, "w1").await.unwrap();
    let recent = log(&desk, request("k2")).await.unwrap();
    assert_eq!(recent.recent_tickets[0].ticket_id, id);
    assert!(recent.open_tickets.is_empty());

    let request = reopening(&id, "r1", "telephone/4712");
    let reopened = desk.service.reopen_ticket(by_operator(request)).await.unwrap();
    let ticket = reopened.into_inner().ticket.unwrap();
    assert_eq!((ticket.state.as_str(), ticket.further_calls.len()), ("open", 1));
    assert_eq!(ticket.added[0].concern, "fragt noch einmal");
    let notices = desk.store.call_notices(10).await.unwrap();
    let of_ticket = notices.iter().filter(|notice| notice.ticket.as_str() == id);
    assert_eq!(of_ticket.count(), 2);
}

#[tokio::test]
async fn a_ticket_goes_where_people_say() {
    let desk = desk();
    let id = logged(&desk).await;
    let to = |department: &str| proto::RerouteTicketRequest {
        idempotency_key: format!("to-{department}"),
        ticket_id: id.clone(),
        reason: "gehört dorthin".to_owned(),
        agent: "berta".to_owned(),
        department: department.to_owned(),
    };
    let unknown = desk
        .service
        .reroute_ticket(by_operator(to("nowhere")))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);
    assert!(unknown.message().starts_with("department: "));
    let ticket = desk.service.reroute_ticket(by_operator(to("a"))).await.unwrap();
    let ticket = ticket.into_inner().ticket.unwrap();
    assert_eq!(
        (ticket.department.as_str(), ticket.returned_because.as_str()),
        ("a", "gehört dorthin")
    );
}

#[tokio::test]
async fn every_faulty_field_of_an_act_is_named() {
    let faulty = proto::RerouteTicketRequest::default();
    let status = desk()
        .service
        .reroute_ticket(by_operator(faulty))
        .await
        .unwrap_err();
    let fields = status.metadata().get("fields").unwrap().to_str().unwrap();
    assert_eq!(fields, "department,ticket_id,reason,idempotency_key");
    let unknown = act("T-0000-0000", "k1");
    let status = desk()
        .service
        .close_ticket(by_operator(unknown))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn a_later_call_is_told_once_however_often_a_concern_is_added() {
    let desk = desk();
    let id = logged(&desk).await;
    for (key, call) in [
        ("k2", "telephone/4712"),
        ("k3", "telephone/4712"),
        ("k4", "telephone/4711"),
        ("k5", ""),
    ] {
        let mut more = request(key);
        more.add_to = id.clone();
        more.call = call.to_owned();
        log(&desk, more).await.unwrap();
    }
    let notices = desk.store.call_notices(10).await.unwrap();
    assert_eq!(notices.len(), 2, "the first call and the one later call");
    assert!(notices.iter().all(|notice| notice.ticket.as_str() == id));
}

#[tokio::test]
async fn an_erased_ticket_cannot_be_acted_on() {
    let desk = desk();
    let id = logged(&desk).await;
    let erased = desk
        .service
        .erase_ticket(by_operator(act(&id, "e1")))
        .await
        .unwrap();
    let ticket = erased.into_inner().ticket.unwrap();
    assert_eq!((ticket.state.as_str(), ticket.fields.len()), ("erased", 0));
    let refused = withdraw(&desk, &id, "w1").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}
