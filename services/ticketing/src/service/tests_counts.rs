//! Counts, and whose tickets they are of.

use domain::access::{Principal, Role};
use proto::ticketing_server::Ticketing;
use tonic::Code;

use super::tests::{desk_with, log, request};
use super::*;

fn user(role: Role, department: Option<&str>) -> Principal {
    Principal {
        name: "jemand".to_owned(),
        shown_name: "Jemand".to_owned(),
        roles: [role].into(),
        department: department.map(DepartmentId::new),
        agent: None,
        is_user: true,
    }
}

#[tokio::test]
async fn a_supervisor_counts_all_tickets_and_a_department_only_its_own() {
    let desk = desk_with(|_| {});
    for key in ["one", "two"] {
        log(&desk, request(key)).await.unwrap();
    }
    let count = async |principal: Principal, department: &str| {
        let asked = proto::CountTicketsRequest {
            department: department.to_owned(),
        };
        let counted = desk
            .service
            .count_tickets(wire::access::by(principal, asked))
            .await;
        counted.map(Response::into_inner)
    };
    let all = count(user(Role::Supervisor, None), "").await.unwrap();
    assert_eq!((all.owed, all.waiting, all.clearing), (2, 2, Some(2)));
    assert_eq!(
        (all.due_soon, all.overdue, all.escalated, all.returned),
        (0, 0, 0, 0)
    );
    assert_eq!(
        (all.clearing_department.as_str(), all.counted_up_to),
        ("clearing", 500)
    );

    let a = || user(Role::Department, Some("a"));
    let own = count(a(), "").await.unwrap();
    assert_eq!((own.owed, own.waiting, own.clearing), (0, 0, None));
    assert_eq!(count(a(), "clearing").await.unwrap_err().code(), Code::NotFound);
    let clearing = count(user(Role::Department, Some("clearing")), "").await.unwrap();
    assert_eq!(clearing.owed, 2);

    let none = count(user(Role::Administrator, None), "").await;
    assert_eq!(none.unwrap_err().code(), Code::PermissionDenied);
}
