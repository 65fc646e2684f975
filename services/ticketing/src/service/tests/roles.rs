//! What each role sees of tickets, and what is noted of it.

use domain::access::Role;
use domain::audit::AuditAction;
use domain::ids::AgentName;
use wire::access::by;

use super::*;

fn user(name: &str, roles: &[Role], department: Option<&str>) -> Principal {
    Principal {
        name: name.to_owned(),
        shown_name: name.to_owned(),
        roles: roles.iter().copied().collect(),
        department: department.map(DepartmentId::new),
        agent: None,
        is_user: true,
    }
}

fn agent(name: &str) -> Principal {
    Principal {
        agent: Some(AgentName::new(name)),
        ..user(name, &[Role::Agent], None)
    }
}

fn member(department: &str) -> Principal {
    user("mitglied", &[Role::Department], Some(department))
}

fn supervisor() -> Principal {
    user("sabine", &[Role::Supervisor], None)
}

/// A ticket of department a, with a second concern; the trail is empty.
async fn ticket_of_a(desk: &Desk) -> String {
    let logged = proto::LogCallbackRequest {
        department: "a".to_owned(),
        department_reason: "Frau Groß sagt es".to_owned(),
        ..request("k1")
    };
    let ticket = log(desk, logged).await.unwrap().ticket.unwrap().ticket_id;
    let more = proto::LogCallbackRequest {
        add_to: ticket.clone(),
        fields: fields([("concern", "Noch eine Frage"), ("phone", "0211 8371001")]),
        ..request("k2")
    };
    log(desk, more).await.unwrap();
    desk.audit.clear();
    ticket
}

async fn get(desk: &Desk, who: Principal, ticket: &str) -> Result<proto::Ticket, Status> {
    let asked = proto::GetTicketRequest {
        ticket_id: ticket.to_owned(),
    };
    desk.service
        .get_ticket(by(who, asked))
        .await
        .map(Response::into_inner)
}

async fn list(desk: &Desk, who: Principal, asked: proto::ListTicketsRequest) -> Vec<proto::Ticket> {
    let page = desk.service.list_tickets(by(who, asked)).await.unwrap();
    page.into_inner().tickets
}

fn act(ticket: &str, key: &str) -> proto::ActOnTicketRequest {
    proto::ActOnTicketRequest {
        idempotency_key: key.to_owned(),
        ticket_id: ticket.to_owned(),
        reason: "Frau Groß hat angerufen".to_owned(),
        agent: "jemand anderes".to_owned(),
    }
}

#[tokio::test]
async fn a_ticket_of_another_department_is_not_there() {
    let desk = desk();
    let ticket = ticket_of_a(&desk).await;
    let hidden = get(&desk, member("b"), &ticket).await.unwrap_err();
    let missing = get(&desk, member("b"), "T-0000-0000").await.unwrap_err();
    assert_eq!(hidden.code(), missing.code());
    let without_number = |status: &Status| status.message().replace(&ticket, "").replace("T-0000-0000", "");
    assert_eq!(without_number(&hidden), without_number(&missing));
    assert_eq!(desk.audit.noted(), []);
    assert!(!get(&desk, member("a"), &ticket).await.unwrap().masked);
    assert_eq!(desk.audit.noted(), [(AuditAction::TicketRead, ticket, 0)]);
}

#[tokio::test]
async fn a_list_of_a_department_is_its_own_whatever_is_asked_for() {
    let desk = desk();
    let ticket = ticket_of_a(&desk).await;
    for asked in [
        proto::ListTicketsRequest::default(),
        proto::ListTicketsRequest {
            department: "a".to_owned(),
            ..Default::default()
        },
        proto::ListTicketsRequest {
            department: "clearing".to_owned(),
            ..Default::default()
        },
        proto::ListTicketsRequest {
            states: vec!["open".to_owned()],
            ..Default::default()
        },
        proto::ListTicketsRequest {
            due_before_unix_ms: Some(i64::MAX / 2_000_000),
            ..Default::default()
        },
        proto::ListTicketsRequest {
            procedure: "callback".to_owned(),
            ..Default::default()
        },
    ] {
        assert_eq!(list(&desk, member("b"), asked).await, []);
    }
    assert_eq!(desk.audit.noted(), []);
    let own = list(&desk, member("a"), proto::ListTicketsRequest::default()).await;
    assert_eq!(
        (own.len(), own[0].ticket_id.as_str(), own[0].masked),
        (1, ticket.as_str(), false)
    );
    assert_eq!(
        desk.audit.noted(),
        [(AuditAction::TicketsListed, "a".to_owned(), 1)]
    );
}

#[tokio::test]
async fn a_supervisor_sees_no_citizen() {
    let desk = desk();
    let ticket = ticket_of_a(&desk).await;
    let seen = get(&desk, supervisor(), &ticket).await.unwrap();
    assert!(seen.masked && seen.fields.is_empty() && seen.history.len() == 2 && seen.added.len() == 1);
    assert_eq!(
        (seen.department.as_str(), seen.because.as_str()),
        ("a", "Von anna gewählt")
    );
    let listed = list(&desk, supervisor(), proto::ListTicketsRequest::default()).await;
    let done = desk
        .service
        .withdraw_ticket(by(supervisor(), act(&ticket, "w1")))
        .await
        .unwrap();
    let done = done.into_inner().ticket.unwrap();
    assert_eq!((done.state.as_str(), done.masked), ("withdrawn", true));
    assert_eq!(done.history.last().unwrap().actor, "agent sabine");
    let text = format!("{seen:?} {listed:?} {done:?}");
    for personal in [
        "Groß",
        "4710123",
        "8371001",
        "50667",
        "Bescheid",
        "Noch eine Frage",
    ] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
    // What says nothing about a citizen is no access to personal data; the act is one to be noted.
    assert_eq!(desk.audit.noted(), [(AuditAction::TicketActed, ticket, 0)]);
    let asked = proto::FindTicketsRequest {
        phone: "0221 4710123".to_owned(),
        ..Default::default()
    };
    let refused = desk
        .service
        .find_tickets(by(supervisor(), asked))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn who_supervises_and_belongs_to_a_department_sees_the_own_tickets_whole() {
    let desk = desk();
    let ticket = ticket_of_a(&desk).await;
    log(&desk, request("k3")).await.unwrap();
    desk.audit.clear();
    let both = || user("sam", &[Role::Supervisor, Role::Department], Some("a"));
    let seen = list(&desk, both(), proto::ListTicketsRequest::default()).await;
    let masked: Vec<(&str, bool)> = seen
        .iter()
        .map(|it| (it.department.as_str(), it.masked))
        .collect();
    assert_eq!(masked.len(), 2);
    assert!(
        masked
            .iter()
            .all(|(department, masked)| (*department == "a") != *masked)
    );
    assert_eq!(
        desk.audit.noted(),
        [(AuditAction::TicketsListed, "a".to_owned(), 1)]
    );
    // Sent elsewhere, it is masked at once.
    let reroute = proto::RerouteTicketRequest {
        idempotency_key: "r1".to_owned(),
        ticket_id: ticket.clone(),
        reason: "gehört dorthin".to_owned(),
        department: "b".to_owned(),
        ..Default::default()
    };
    let moved = desk.service.reroute_ticket(by(both(), reroute)).await.unwrap();
    assert!(moved.into_inner().ticket.unwrap().masked);
    let gone = get(&desk, member("a"), &ticket).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert!(!get(&desk, member("b"), &ticket).await.unwrap().masked);
}

#[tokio::test]
async fn a_user_acts_under_the_own_name_and_a_key_of_another_gives_nothing() {
    let desk = desk();
    let mut asked = request("same");
    asked.agent = "jemand anderes".to_owned();
    let log = async |who: Principal| {
        let answer = desk.service.log_callback(by(who, asked.clone())).await;
        answer.unwrap().into_inner()
    };
    let anna = log(agent("anna")).await;
    let first = anna.ticket.unwrap();
    assert_eq!(first.history[0].actor, "agent anna");
    let ben = log(agent("ben")).await;
    assert!(!ben.repeated);
    assert_ne!(ben.ticket.unwrap().ticket_id, first.ticket_id);
    let again = log(agent("anna")).await;
    assert!(again.repeated);
    assert_eq!(again.ticket.unwrap().ticket_id, first.ticket_id);
    let taken = desk
        .service
        .withdraw_ticket(by(agent("clara"), act(&first.ticket_id, "same")))
        .await;
    assert!(!taken.unwrap().into_inner().repeated);
}

#[tokio::test]
async fn every_access_of_an_agent_is_noted_without_saying_what_was_searched() {
    let desk = desk();
    let logged = desk
        .service
        .log_callback(by(agent("anna"), request("k1")))
        .await
        .unwrap();
    let first = logged.into_inner().ticket.unwrap().ticket_id;
    let logged = desk
        .service
        .log_callback(by(agent("anna"), request("k2")))
        .await
        .unwrap();
    let second = logged.into_inner().ticket.unwrap().ticket_id;
    let asked = proto::FindTicketsRequest {
        phone: "0221 4710123".to_owned(),
        ..Default::default()
    };
    desk.service.find_tickets(by(agent("anna"), asked)).await.unwrap();
    let nobody = proto::FindTicketsRequest {
        phone: "0221 9".to_owned(),
        ..Default::default()
    };
    desk.service
        .find_tickets(by(agent("anna"), nobody))
        .await
        .unwrap();
    get(&desk, agent("anna"), &second).await.unwrap();
    desk.service
        .close_ticket(by(agent("anna"), act(&second, "c1")))
        .await
        .unwrap();
    desk.service
        .erase_ticket(by(Principal::operator(), act(&second, "e1")))
        .await
        .unwrap();
    assert_eq!(
        desk.audit.noted(),
        [
            (AuditAction::TicketLogged, first, 0),
            (AuditAction::TicketLogged, second.clone(), 0),
            (AuditAction::CitizenSearched, String::new(), 1),
            (AuditAction::CitizenSearched, String::new(), 2),
            (AuditAction::CitizenSearched, String::new(), 0),
            (AuditAction::TicketRead, second.clone(), 0),
            (AuditAction::TicketActed, second.clone(), 0),
            (AuditAction::TicketErased, second, 0),
        ]
    );
    let mut reasons = String::new();
    desk.audit
        .tamper(|entries| reasons = entries.iter().map(|entry| entry.reason.as_str()).collect());
    assert_eq!(reasons, "closeerase");
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_shown_and_what_was_done_can_be_repeated() {
    let desk = desk();
    let ticket = ticket_of_a(&desk).await;
    desk.audit.fail(true);
    let refused = get(&desk, agent("anna"), &ticket).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(get(&desk, supervisor(), &ticket).await.is_ok());
    let asked = || by(agent("anna"), act(&ticket, "w1"));
    let refused = desk.service.withdraw_ticket(asked()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("same idempotency key"), "{refused}");
    let unlogged = || by(agent("anna"), request("k9"));
    assert_eq!(
        desk.service.log_callback(unlogged()).await.unwrap_err().code(),
        Code::Unavailable
    );
    desk.audit.fail(false);
    let done = desk.service.withdraw_ticket(asked()).await.unwrap().into_inner();
    assert!(done.repeated);
    assert_eq!(desk.audit.noted(), [(AuditAction::TicketActed, ticket, 0)]);
    assert!(
        desk.service
            .log_callback(unlogged())
            .await
            .unwrap()
            .into_inner()
            .repeated
    );
}

#[tokio::test]
async fn nobody_sees_nothing() {
    let desk = desk();
    let ticket = ticket_of_a(&desk).await;
    let service = &desk.service;
    let get = Request::new(proto::GetTicketRequest {
        ticket_id: ticket.clone(),
    });
    let codes = [
        service.get_ticket(get).await.map(drop),
        service
            .list_tickets(Request::new(Default::default()))
            .await
            .map(drop),
        service
            .find_tickets(Request::new(Default::default()))
            .await
            .map(drop),
        service.log_callback(Request::new(request("k8"))).await.map(drop),
        service
            .withdraw_ticket(Request::new(act(&ticket, "w")))
            .await
            .map(drop),
        service
            .close_ticket(Request::new(act(&ticket, "c")))
            .await
            .map(drop),
        service
            .erase_ticket(Request::new(act(&ticket, "e")))
            .await
            .map(drop),
        service
            .reopen_ticket(Request::new(Default::default()))
            .await
            .map(drop),
        service
            .reroute_ticket(Request::new(Default::default()))
            .await
            .map(drop),
        service
            .rebook_ticket(Request::new(Default::default()))
            .await
            .map(drop),
    ]
    .map(|answer| answer.unwrap_err().code());
    assert_eq!(codes, [Code::Unauthenticated; 10]);
    // An administrator has a name, and sees no tickets all the same.
    let administrator = || user("udo", &[Role::Administrator], None);
    let hidden = self::get(&desk, administrator(), &ticket).await.unwrap_err();
    assert_eq!(hidden.code(), Code::NotFound);
    let refused = service
        .list_tickets(by(administrator(), Default::default()))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
