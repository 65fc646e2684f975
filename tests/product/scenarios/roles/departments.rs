//! Two departments beside each other: neither sees anything of the other's tickets, whatever it calls.

use serde_json::Value;
use testkit::{Backend, TestNode, eventually};
use tonic::{Code, Status};
use wire::v1::tickets as proto;
use wire::v1::tickets::handover_client::HandoverClient;
use wire::v1::tickets::ticketing_client::TicketingClient;

use super::methods::EXPECTED;
use super::{CHANCELLERY, SCHOOLS, by, node};

/// Methods that a department may call and that could show a ticket: each is tried below.
const TRIED: [&str; 7] = [
    "/nrwdirekt.tickets.v1.Ticketing/GetTicket",
    "/nrwdirekt.tickets.v1.Ticketing/ListTickets",
    "/nrwdirekt.tickets.v1.Ticketing/CountTickets",
    "/nrwdirekt.tickets.v1.Handover/WatchInbox",
    "/nrwdirekt.tickets.v1.Handover/ListTold",
    "/nrwdirekt.tickets.v1.Handover/Subscribe",
    "/nrwdirekt.tickets.v1.Handover/Reply",
];
/// Those that show who has registered: tried in `registrations.rs`.
const OF_OFFERS: [&str; 4] = [
    "/nrwdirekt.tickets.v1.Registrations/ListOfferStates",
    "/nrwdirekt.tickets.v1.Registrations/ListEntries",
    "/nrwdirekt.tickets.v1.Registrations/ExportEntries",
    "/nrwdirekt.tickets.v1.Registrations/ClearOffer",
];
/// Those that show rules, free seats and the own name: no ticket.
const HARMLESS: [&str; 8] = [
    "/nrwdirekt.access.v1.Sessions/WhoAmI",
    "/nrwdirekt.access.v1.Sessions/SignOut",
    "/nrwdirekt.access.v1.Sessions/ChangePassword",
    "/nrwdirekt.tickets.v1.Ticketing/ExplainRoute",
    "/nrwdirekt.tickets.v1.Ticketing/DescribeRouting",
    "/nrwdirekt.tickets.v1.Ticketing/ListSlots",
    "/nrwdirekt.tickets.v1.Ticketing/ListProcedures",
    "/nrwdirekt.tickets.v1.Ticketing/GetProcedure",
];

#[test]
fn every_method_of_departments_is_tried_or_shows_no_ticket() {
    let of_departments = EXPECTED.iter().filter(|(_, roles)| roles.contains('D'));
    for (method, _) in of_departments {
        let is_known = TRIED.contains(method)
            || OF_OFFERS.contains(method)
            || HARMLESS.contains(method)
            || method.contains("reflection");
        assert!(is_known, "{method}: does it show tickets? Try it here");
    }
}

/// Logs a callback that goes to a department; gives its number.
async fn log(node: &TestNode, department: &str, name: &str) -> String {
    let command = [
        "callback",
        "log",
        "--json",
        "--hotline",
        "Bürgertelefon",
        "--phone",
        "0221 4710123",
    ];
    let chosen = [
        "--department",
        department,
        "--department-reason",
        "kennt den Fall",
    ];
    let about = [
        "--name",
        name,
        "--concern",
        "Frage zum Bescheid",
        "--agent",
        "anna",
    ];
    let logged = node
        .run(&[&command[..], &chosen, &about].concat())
        .await
        .exits(0)
        .json();
    assert_eq!(logged["department"], department);
    assert_eq!(logged["because"], "Von anna gewählt: kennt den Fall");
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

async fn get(node: &TestNode, token: &str, ticket: &str) -> Result<proto::Ticket, Status> {
    let mut client = TicketingClient::new(by(node, token));
    let ticket_id = ticket.to_owned();
    let answer = client.get_ticket(proto::GetTicketRequest { ticket_id }).await;
    answer.map(tonic::Response::into_inner)
}

async fn list(node: &TestNode, token: &str, asked: proto::ListTicketsRequest) -> Vec<proto::Ticket> {
    let mut client = TicketingClient::new(by(node, token));
    let page = client.list_tickets(asked).await.expect("a list").into_inner();
    assert_eq!(page.next_page_token, "");
    page.tickets
}

/// The messages of a department, as somebody gets them.
async fn subscribe(
    node: &TestNode,
    token: &str,
    department: &str,
) -> Result<Vec<proto::TicketMessage>, Status> {
    let mut client = HandoverClient::new(by(node, token));
    let asked = proto::SubscribeRequest {
        department: department.to_owned(),
        follow: false,
    };
    let mut stream = client.subscribe(asked).await?.into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await? {
        messages.push(message);
    }
    Ok(messages)
}

/// How many tickets of a department are owed an answer.
async fn counted(node: &TestNode, token: &str, department: &str) -> Result<u32, Status> {
    let mut client = TicketingClient::new(by(node, token));
    let department = department.to_owned();
    let asked = proto::CountTicketsRequest { department };
    client
        .count_tickets(asked)
        .await
        .map(|answer| answer.into_inner().owed)
}

/// How many are told of to somebody who has the inbox of a department open.
async fn inbox(node: &TestNode, token: &str, department: &str) -> Result<u32, Status> {
    let mut client = HandoverClient::new(by(node, token));
    let department = department.to_owned();
    let watched = client
        .watch_inbox(proto::WatchInboxRequest { department })
        .await?;
    let moment = watched.into_inner().message().await?;
    Ok(moment.expect("a moment").owed)
}

/// What a department was told by right of citizens.
async fn told(node: &TestNode, token: &str, department: &str) -> Result<proto::ListToldResponse, Status> {
    let mut client = HandoverClient::new(by(node, token));
    let asked = proto::ListToldRequest {
        department: department.to_owned(),
        ..proto::ListToldRequest::default()
    };
    client.list_told(asked).await.map(tonic::Response::into_inner)
}

async fn reply(
    node: &TestNode,
    token: &str,
    department: &str,
    ticket: &str,
) -> Result<proto::ReplyResponse, Status> {
    let payload = serde_json::json!({ "ticket_id": ticket, "type": "accepted" });
    let sent = proto::ReplyRequest {
        department: department.to_owned(),
        payload: payload.to_string(),
        reply_id: format!("{token}-{department}-{ticket}"),
    };
    let mut client = HandoverClient::new(by(node, token));
    client.reply(sent).await.map(tonic::Response::into_inner)
}

/// Every filter of a list, alone and with the names of both departments.
fn filters() -> Vec<proto::ListTicketsRequest> {
    let plain = proto::ListTicketsRequest::default;
    let mut filters = vec![
        plain(),
        proto::ListTicketsRequest {
            states: vec!["open".into(), "handed_over".into(), "accepted".into()],
            ..plain()
        },
        proto::ListTicketsRequest {
            procedure: "callback".into(),
            ..plain()
        },
        proto::ListTicketsRequest {
            due_before_unix_ms: Some(4_000_000_000_000),
            ..plain()
        },
        proto::ListTicketsRequest {
            urgency: proto::Urgency::DueSoon.into(),
            ..plain()
        },
        proto::ListTicketsRequest {
            urgency: proto::Urgency::Overdue.into(),
            ..plain()
        },
        proto::ListTicketsRequest {
            urgency: proto::Urgency::Escalated.into(),
            ..plain()
        },
        proto::ListTicketsRequest {
            owed: true,
            ..plain()
        },
        proto::ListTicketsRequest {
            returned: true,
            ..plain()
        },
        proto::ListTicketsRequest {
            page_token: "4000000000000.T-ZZZZ-ZZZZ".into(),
            ..plain()
        },
    ];
    let alone = filters.len();
    for department in [SCHOOLS, CHANCELLERY, "clearing", "gibt-es-nicht"] {
        let of_department = |filter: &proto::ListTicketsRequest| proto::ListTicketsRequest {
            department: department.into(),
            ..filter.clone()
        };
        filters.extend(filters[..alone].iter().map(of_department).collect::<Vec<_>>());
    }
    filters
}

/// Nothing that a department gets says anything about a ticket of another one.
async fn sees_nothing_of(node: &TestNode, token: &str, own: &str, foreign: &str, name: &str) {
    let mut told = String::new();
    for filter in filters() {
        for ticket in list(node, token, filter).await {
            assert!(!ticket.masked);
            told.push_str(&format!("{ticket:?}"));
        }
    }
    for message in subscribe(node, token, token).await.expect("the own messages") {
        told.push_str(&format!("{message:?}"));
    }
    assert!(told.contains(own), "{told}");
    assert!(!told.contains(foreign) && !told.contains(name), "{told}");

    let hidden = get(node, token, foreign).await.expect_err("hidden");
    let missing = get(node, token, "T-0000-0000").await.expect_err("missing");
    let code_and_words =
        |status: &Status, number: &str| (status.code(), status.message().replace(number, "…"));
    assert_eq!(
        code_and_words(&hidden, foreign),
        code_and_words(&missing, "T-0000-0000")
    );

    for department in ["", token] {
        assert_eq!(counted(node, token, department).await.expect("a count"), 1);
    }
    assert_eq!(inbox(node, token, token).await.expect("a count"), 1);

    let unknown = reply(node, token, token, foreign).await.expect("an answer");
    assert_eq!(
        (unknown.applied, unknown.code.as_str()),
        (false, "unknown_ticket")
    );
}

/// Acts are not for departments, whoever's ticket it is.
async fn cannot_act(node: &TestNode, token: &str, ticket: &str) {
    let mut client = TicketingClient::new(by(node, token));
    let act = proto::ActOnTicketRequest {
        idempotency_key: "k".to_owned(),
        ticket_id: ticket.to_owned(),
        reason: "so".to_owned(),
        ..proto::ActOnTicketRequest::default()
    };
    let reroute = proto::RerouteTicketRequest {
        idempotency_key: "k".to_owned(),
        ticket_id: ticket.to_owned(),
        reason: "so".to_owned(),
        department: token.to_owned(),
        ..proto::RerouteTicketRequest::default()
    };
    let codes = [
        client.withdraw_ticket(act.clone()).await.map(drop),
        client.close_ticket(act.clone()).await.map(drop),
        client.erase_ticket(act).await.map(drop),
        client.reroute_ticket(reroute).await.map(drop),
        client
            .reopen_ticket(proto::ReopenTicketRequest::default())
            .await
            .map(drop),
        client
            .rebook_ticket(proto::RebookTicketRequest::default())
            .await
            .map(drop),
        client
            .find_tickets(proto::FindTicketsRequest::default())
            .await
            .map(drop),
        client
            .log_callback(proto::LogCallbackRequest::default())
            .await
            .map(drop),
    ];
    for answer in codes {
        assert_eq!(answer.expect_err("a refusal").code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn two_departments_cannot_see_each_others_tickets_by_any_method() {
    Backend::each(|backend| async move {
        let node = node(backend).await;
        let of_schools = log(&node, SCHOOLS, "Schulze").await;
        let of_chancellery = log(&node, CHANCELLERY, "Kanzler").await;
        for department in [SCHOOLS, CHANCELLERY] {
            eventually(&format!("{department} has its ticket"), async || {
                let messages = subscribe(&node, department, department).await.ok()?;
                (!messages.is_empty()).then_some(())
            })
            .await;
        }
        sees_nothing_of(&node, SCHOOLS, &of_schools, &of_chancellery, "Kanzler").await;
        sees_nothing_of(&node, CHANCELLERY, &of_chancellery, &of_schools, "Schulze").await;
        cannot_act(&node, SCHOOLS, &of_chancellery).await;
        cannot_act(&node, SCHOOLS, &of_schools).await;
        for elsewhere in [CHANCELLERY, "gibt-es-nicht"] {
            let not_counted = counted(&node, SCHOOLS, elsewhere).await.expect_err("a refusal");
            let not_watched = inbox(&node, SCHOOLS, elsewhere).await.expect_err("a refusal");
            let refused = subscribe(&node, SCHOOLS, elsewhere).await.expect_err("a refusal");
            let not_told = told(&node, SCHOOLS, elsewhere).await.expect_err("a refusal");
            let not_sent = reply(&node, SCHOOLS, elsewhere, &of_chancellery)
                .await
                .expect_err("a refusal");
            for status in [refused, not_sent, not_counted, not_watched, not_told] {
                let told = (status.code(), status.message());
                assert_eq!(
                    told,
                    (Code::NotFound, "department: there is no department with this id")
                );
            }
        }
        for (ticket, name) in [(&of_schools, "name=Schulte"), (&of_chancellery, "name=Canzler")] {
            let rectify = ["privacy", "rectify", ticket, "--field", name, "--reason", "so"];
            node.run(&rectify).await.exits(0);
        }
        for (department, ticket) in [(SCHOOLS, &of_schools), (CHANCELLERY, &of_chancellery)] {
            let told = told(&node, department, department).await.expect("a list").items;
            let tickets: Vec<&String> = told.iter().map(|it| &it.ticket_id).collect();
            assert_eq!(tickets, [ticket]);
        }
        let own = reply(&node, SCHOOLS, SCHOOLS, &of_schools)
            .await
            .expect("an answer");
        assert!(own.applied, "{own:?}");

        // What went to another department is there, and no longer here.
        let reroute = [
            "ticket",
            "reroute",
            &of_schools,
            "--department",
            CHANCELLERY,
            "--reason",
            "gehört dorthin",
        ];
        node.run(&reroute).await.exits(0);
        let gone = get(&node, SCHOOLS, &of_schools).await.expect_err("hidden");
        assert_eq!(gone.code(), Code::NotFound);
        assert_eq!(
            get(&node, CHANCELLERY, &of_schools)
                .await
                .expect("a ticket")
                .fields["name"],
            "Schulte"
        );
        for filter in filters() {
            assert_eq!(list(&node, SCHOOLS, filter).await, []);
        }
    })
    .await;
}

#[tokio::test]
async fn a_supervisor_sees_every_ticket_and_no_citizen() {
    let node = node(Backend::Embedded).await;
    let ticket = log(&node, SCHOOLS, "Schulze").await;
    let seen = get(&node, "supervisor", &ticket).await.expect("a ticket");
    let listed = list(&node, "supervisor", proto::ListTicketsRequest::default()).await;
    assert!(seen.masked && listed.iter().all(|ticket| ticket.masked));
    let text = format!("{seen:?} {listed:?}");
    for personal in ["Schulze", "4710123", "Bescheid", "kennt den Fall"] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
    let of = ["privacy", "audit", "list", "--json", "--actor", "supervisor"];
    let noted: Vec<Value> = node.run(&of).await.exits(0).json_lines();
    assert_eq!(noted, Vec::<Value>::new());
}
