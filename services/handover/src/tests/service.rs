use std::time::Duration;

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
        bus: desk.parts.bus.clone(),
        rules: desk.parts.rules.clone(),
        clock: desk.parts.clock.clone(),
        shutdown: shutdown.clone(),
    })
}

fn subscribe(department: &str, follow: bool) -> Request<proto::SubscribeRequest> {
    Request::new(proto::SubscribeRequest {
        department: department.to_owned(),
        follow,
    })
}

fn reply(department: &str, id: &str, payload: &str) -> Request<proto::ReplyRequest> {
    Request::new(proto::ReplyRequest {
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
