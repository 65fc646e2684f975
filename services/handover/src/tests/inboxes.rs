use domain::access::{Principal, Role};
use domain::ids::DepartmentId;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};
use wire::v1::tickets as proto;
use wire::v1::tickets::handover_server::Handover;

use super::desk::desk;
use super::service::service;

fn watch(own: &str, department: &str) -> Request<proto::WatchInboxRequest> {
    let member = Principal {
        name: "jemand".to_owned(),
        shown_name: "Jemand".to_owned(),
        roles: [Role::Department].into(),
        department: Some(DepartmentId::new(own)),
        agent: None,
        is_user: true,
    };
    let asked = proto::WatchInboxRequest {
        department: department.to_owned(),
    };
    wire::access::by(member, asked)
}

#[tokio::test]
async fn whoever_has_an_inbox_open_hears_of_what_has_come_since() {
    let desk = desk().await;
    desk.log(1).await;
    let service = service(&desk, &CancellationToken::new());
    let open = async || service.watch_inbox(watch("a", "a")).await.unwrap().into_inner();
    let mut first = open().await;
    let moment = first.next().await.unwrap().unwrap();
    assert_eq!((moment.owed, moment.waiting, moment.arrived), (1, 1, 0));

    desk.log(2).await;
    let moment = first.next().await.unwrap().unwrap();
    assert_eq!((moment.owed, moment.waiting, moment.arrived), (2, 2, 1));
    // What was there when somebody came is nothing new to him or her.
    let moment = open().await.next().await.unwrap().unwrap();
    assert_eq!((moment.owed, moment.arrived), (2, 0));
}

#[tokio::test]
async fn nobody_watches_the_inbox_of_another_department() {
    let desk = desk().await;
    let service = service(&desk, &CancellationToken::new());
    for department in ["b", "clearing", "invented", ""] {
        let refused = service.watch_inbox(watch("a", department)).await;
        let code = refused.err().map(|status| status.code());
        let expected = if department.is_empty() {
            Code::InvalidArgument
        } else {
            Code::NotFound
        };
        assert_eq!(code, Some(expected), "{department}");
    }
    let nobody = Request::new(proto::WatchInboxRequest::default());
    let refused = service.watch_inbox(nobody).await;
    assert_eq!(
        refused.err().map(|status| status.code()),
        Some(Code::Unauthenticated)
    );
}

#[tokio::test]
async fn a_stopped_node_ends_its_streams() {
    let desk = desk().await;
    let shutdown = CancellationToken::new();
    let service = service(&desk, &shutdown);
    let mut moments = service.watch_inbox(watch("a", "a")).await.unwrap().into_inner();
    assert!(moments.next().await.is_some());
    shutdown.cancel();
    assert!(moments.next().await.is_none());
}
