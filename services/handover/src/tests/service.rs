use std::time::Duration;

use access::testing::MemoryAudit;
use domain::access::{Principal, Role};
use domain::ids::DepartmentId;
use domain::ticket::TicketState;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};
use wire::v1::tickets as proto;
use wire::v1::tickets::handover_server::Handover;

use super::desk::{Desk, accepted, answered, desk};
use crate::{HandoverLoop, HandoverService, HandoverServiceParts};

pub(super) fn service(desk: &Desk, shutdown: &CancellationToken) -> HandoverService {
    HandoverService::new(HandoverServiceParts {
        store: desk.parts.store.clone(),
        recipients: desk.recipients.clone(),
        bus: desk.parts.bus.clone(),
        rules: desk.parts.rules.clone(),
        clock: desk.parts.clock.clone(),
        shutdown: shutdown.clone(),
        audit: MemoryAudit::trail(),
    })
}

/// A request of whoever runs the node.
fn by_operator<T>(message: T) -> Request<T> {
    wire::access::by(Principal::operator(), message)
}

fn subscribe(department: &str, follow: bool) -> Request<proto::SubscribeRequest> {
    by_operator(proto::SubscribeRequest {
        department: department.to_owned(),
        follow,
    })
}

fn reply(department: &str, id: &str, payload: &str) -> Request<proto::ReplyRequest> {
    by_operator(proto::ReplyRequest {
        department: department.to_owned(),
        payload: payload.to_owned(),
        reply_id: id.to_owned(),
    })
}

#[tokio::test]
async fn a_subscription_gives_what_is_there_without_heartbeats_and_ends() {
    let desk = desk().await;
    let mut outbound = desk.outbound("a").await;
    desk.set_clock(60);
    outbound.step().await.unwrap();
    desk.log(1).await;
    outbound.step().await.unwrap();
    let service = service(&desk, &CancellationToken::new());
    let messages = service
        .subscribe(subscribe("a", false))
        .await
        .unwrap()
        .into_inner();
    let messages: Vec<_> = messages.collect::<Vec<_>>().await;
    assert_eq!(messages.len(), 1);
    let message = messages.into_iter().next().unwrap().unwrap();
    assert_eq!(
        (message.key.as_str(), message.headers["ce_type"].as_str()),
        ("T-0000-0001", crate::TICKET_TYPE)
    );
    assert!(message.payload.unwrap().contains("Frage zum Bescheid"));
    let empty = service
        .subscribe(subscribe("b", false))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(empty.collect::<Vec<_>>().await.len(), 0);
}

#[tokio::test]
async fn a_following_subscription_goes_on_until_the_shutdown() {
    let desk = desk().await;
    let shutdown = CancellationToken::new();
    let mut messages = service(&desk, &shutdown)
        .subscribe(subscribe("a", true))
        .await
        .unwrap()
        .into_inner();
    desk.log(1).await;
    desk.send("a").await;
    assert!(messages.next().await.unwrap().is_ok());
    desk.log(2).await;
    desk.send("a").await;
    assert_eq!(messages.next().await.unwrap().unwrap().key, "T-0000-0002");
    shutdown.cancel();
    assert!(messages.next().await.is_none());
}

#[tokio::test]
async fn a_reply_over_grpc_takes_the_way_of_all_replies() {
    let desk = desk().await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(HandoverLoop::new((*desk.parts).clone()).run(shutdown.clone()));
    let service = service(&desk, &shutdown);
    let id = desk.log(1).await;
    let first = service
        .reply(reply("a", "r1", &accepted(&id)))
        .await
        .unwrap()
        .into_inner();
    assert!(first.applied, "{first:?}");
    assert_eq!(first.state, "accepted");
    let again = service
        .reply(reply("a", "r1", &accepted(&id)))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, first);
    let last = service
        .reply(reply("a", "r2", &answered(&id)))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(last.state, TicketState::Answered.name());
    let late = service
        .reply(reply("a", "r3", &answered(&id)))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((late.applied, late.code.as_str()), (false, "already_answered"));
    assert!(late.reason.contains("answered before"));
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(10), running)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    let desk = desk().await;
    let service = service(&desk, &CancellationToken::new());
    let code = async |request| service.reply(request).await.unwrap_err().code();
    assert_eq!(code(reply("nowhere", "r1", "{}")).await, Code::NotFound);
    assert_eq!(code(reply("", "r1", "{}")).await, Code::InvalidArgument);
    assert_eq!(code(reply("a", " ", "{}")).await, Code::InvalidArgument);
    let large = "x".repeat(bus::MESSAGE_BYTES_MAX);
    assert_eq!(code(reply("a", "r1", &large)).await, Code::ResourceExhausted);
    assert_eq!(
        service
            .subscribe(subscribe("nowhere", false))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
}

/// Somebody of department a.
fn member() -> Principal {
    Principal {
        name: "alf".to_owned(),
        roles: [Role::Department].into(),
        department: Some(DepartmentId::new("a")),
        is_user: true,
        ..Principal::operator()
    }
}

#[tokio::test]
async fn a_department_reads_and_replies_as_itself_alone_and_that_is_noted() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.send("a").await;
    let (noted, audit) = MemoryAudit::with_trail();
    let service = HandoverService::new(HandoverServiceParts {
        audit,
        store: desk.parts.store.clone(),
        recipients: desk.recipients.clone(),
        bus: desk.parts.bus.clone(),
        rules: desk.parts.rules.clone(),
        clock: desk.parts.clock.clone(),
        shutdown: CancellationToken::new(),
    });
    let as_member = |message| wire::access::by(member(), message);
    for elsewhere in ["b", "clearing", "gibt-es-nicht"] {
        let asked = as_member(subscribe(elsewhere, false).into_inner());
        let refused = service.subscribe(asked).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::NotFound, "department: there is no department with this id")
        );
        let sent = wire::access::by(member(), reply(elsewhere, "r1", &accepted(&id)).into_inner());
        assert_eq!(service.reply(sent).await.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(noted.noted(), []);
    let own = as_member(subscribe("a", false).into_inner());
    let messages = service.subscribe(own).await.unwrap().into_inner();
    assert_eq!(messages.collect::<Vec<_>>().await.len(), 1);
    let read = (domain::audit::AuditAction::DepartmentRead, "a".to_owned(), 0);
    assert_eq!(noted.noted(), [read]);
    noted.fail(true);
    let own = as_member(subscribe("a", false).into_inner());
    assert_eq!(
        service.subscribe(own).await.unwrap_err().code(),
        Code::Unavailable
    );
    let nobody = Request::new(subscribe("a", false).into_inner());
    assert_eq!(
        service.subscribe(nobody).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}
