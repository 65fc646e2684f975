use domain::access::Principal;
use store::sqlite::SqliteAccess;
use tonic::Code;
use wire::v1::access::users_server::Users as _;

use super::*;
use crate::{FirstUsers, add_first_users};

async fn service() -> (UsersService, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteAccess::open(&folder.path().join("access.db")).unwrap());
    let clock: Clock = Arc::new(|| chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    add_first_users(store.as_ref(), FirstUsers::Administrator, clock())
        .await
        .unwrap();
    let service = UsersService::new(UsersParts {
        store,
        passwords: Passwords::new(),
        limits: SessionLimits::default(),
        is_department: Arc::new(|department| department.as_str() == "umwelt"),
        clock,
    });
    (service, folder)
}

fn by_operator<T>(message: T) -> Request<T> {
    wire::access::by(Principal::operator(), message)
}

fn anna() -> proto::AddUserRequest {
    proto::AddUserRequest {
        name: "anna".to_owned(),
        roles: vec!["agent".to_owned()],
        ..proto::AddUserRequest::default()
    }
}

async fn add(service: &UsersService, user: proto::AddUserRequest) -> Result<proto::AddUserResponse, Status> {
    service
        .add_user(by_operator(user))
        .await
        .map(Response::into_inner)
}

#[tokio::test]
async fn what_is_wrong_with_a_user_names_the_field_and_the_remedy() {
    let (service, _folder) = service().await;
    let text = str::to_owned;
    for (user, code, fault) in [
        (
            proto::AddUserRequest {
                name: text("Anna"),
                ..anna()
            },
            Code::InvalidArgument,
            "name: use",
        ),
        (
            proto::AddUserRequest {
                roles: vec![],
                ..anna()
            },
            Code::InvalidArgument,
            "roles: give at least",
        ),
        (
            proto::AddUserRequest {
                roles: vec![text("agnet")],
                ..anna()
            },
            Code::InvalidArgument,
            "roles: there is no \"agnet\"; use agent",
        ),
        (
            proto::AddUserRequest {
                roles: vec![text("operator")],
                ..anna()
            },
            Code::InvalidArgument,
            "roles: operator is for programs",
        ),
        (
            proto::AddUserRequest {
                roles: vec![text("department")],
                ..anna()
            },
            Code::InvalidArgument,
            "department: say whose",
        ),
        (
            proto::AddUserRequest {
                department: text("umwelt"),
                ..anna()
            },
            Code::InvalidArgument,
            "department: only with the role",
        ),
        (
            proto::AddUserRequest {
                roles: vec![text("department")],
                department: text("xyz"),
                ..anna()
            },
            Code::InvalidArgument,
            "department: there is no xyz",
        ),
        (
            proto::AddUserRequest {
                password: text("kurz"),
                ..anna()
            },
            Code::InvalidArgument,
            "password: use 12 to 200",
        ),
        (
            proto::AddUserRequest {
                password: text("korrekt pferd"),
                openid_subject: text("1"),
                ..anna()
            },
            Code::InvalidArgument,
            "password: who signs in with the provider",
        ),
        (
            proto::AddUserRequest {
                name: text("admin"),
                ..anna()
            },
            Code::AlreadyExists,
            "name: there is a user admin",
        ),
    ] {
        let refused = add(&service, user.clone()).await.unwrap_err();
        assert_eq!(refused.code(), code, "{user:?}");
        assert!(refused.message().starts_with(fault), "{refused}");
    }
}

#[tokio::test]
async fn a_made_password_is_told_once_and_a_given_one_not_at_all() {
    let (service, _folder) = service().await;
    let added = add(&service, anna()).await.unwrap();
    assert_eq!(added.first_password.len(), 19);
    let user = added.user.unwrap();
    assert!(user.must_change_password);
    assert_eq!(user.shown_name, "anna");
    let given = proto::AddUserRequest {
        name: "ben".to_owned(),
        password: "korrekt pferd batterie".to_owned(),
        ..anna()
    };
    assert_eq!(add(&service, given).await.unwrap().first_password, "");
    let provider = proto::AddUserRequest {
        name: "carl".to_owned(),
        openid_subject: "sub-1".to_owned(),
        ..anna()
    };
    let added = add(&service, provider.clone()).await.unwrap();
    assert_eq!(added.first_password, "");
    assert!(!added.user.unwrap().must_change_password);
    let same = proto::AddUserRequest {
        name: "dora".to_owned(),
        ..provider
    };
    let refused = add(&service, same).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert!(refused.message().starts_with("openid_subject"), "{refused}");
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let (service, _folder) = service().await;
    for name in ["zoe", "anna", "ben"] {
        let user = proto::AddUserRequest {
            name: name.to_owned(),
            openid_subject: name.to_owned(),
            ..anna()
        };
        add(&service, user).await.unwrap();
    }
    let page = |page_token: String, page_size| {
        let request = by_operator(proto::ListUsersRequest {
            page_size,
            page_token,
        });
        let service = service.clone();
        async move {
            let page = service.list_users(request).await.unwrap().into_inner();
            let names: Vec<_> = page.users.into_iter().map(|user| user.name).collect();
            (names, page.next_page_token)
        }
    };
    let (names, next) = page(String::new(), 3).await;
    assert_eq!(
        (names, next.as_str()),
        (["admin", "anna", "ben"].map(str::to_owned).to_vec(), "ben")
    );
    assert_eq!(page(next, 3).await, (vec!["zoe".to_owned()], String::new()));
    assert_eq!(page(String::new(), 4).await.1, "");
    let refused = service.list_users(by_operator(proto::ListUsersRequest {
        page_size: 501,
        page_token: String::new(),
    }));
    assert_eq!(refused.await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_last_administrator_cannot_be_locked_out() {
    let (service, _folder) = service().await;
    let disable = proto::ChangeUserRequest {
        name: "admin".to_owned(),
        disabled: Some(true),
        ..proto::ChangeUserRequest::default()
    };
    let refused = service
        .change_user(by_operator(disable.clone()))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("make somebody else one first"),
        "{refused}"
    );
    let boss = proto::AddUserRequest {
        roles: vec!["administrator".to_owned()],
        ..anna()
    };
    add(&service, boss).await.unwrap();
    assert!(
        service
            .change_user(by_operator(disable))
            .await
            .unwrap()
            .into_inner()
            .disabled
    );
}

#[tokio::test]
async fn a_user_of_the_provider_gets_a_password_and_back() {
    let (service, _folder) = service().await;
    add(&service, anna()).await.unwrap();
    let subject = |subject: &str| proto::ChangeUserRequest {
        name: "anna".to_owned(),
        openid_subject: Some(subject.to_owned()),
        ..proto::ChangeUserRequest::default()
    };
    let user = service
        .change_user(by_operator(subject("sub-9")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(user.openid_subject, "sub-9");
    let refused = service.change_user(by_operator(subject(""))).await.unwrap_err();
    assert!(refused.message().contains("ResetPassword"), "{refused}");
    let reset = proto::ResetPasswordRequest {
        name: "anna".to_owned(),
        password: String::new(),
    };
    assert!(
        !service
            .reset_password(by_operator(reset))
            .await
            .unwrap()
            .into_inner()
            .first_password
            .is_empty()
    );
    let user = service
        .change_user(by_operator(subject("")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (user.openid_subject.as_str(), user.must_change_password),
        ("", true)
    );
    let nobody = proto::EndSessionsRequest {
        name: "nobody".to_owned(),
    };
    assert_eq!(
        service
            .end_sessions(by_operator(nobody))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
}
