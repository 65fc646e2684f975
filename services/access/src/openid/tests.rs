use serde_json::json;

use super::*;

fn parts() -> OpenIdParts {
    OpenIdParts {
        issuer: "https://sso.example.org/realms/nrw".to_owned(),
        client_id: "nrwdirekt".to_owned(),
        client_secret: "secret".to_owned(),
        shown_name: "SSO".to_owned(),
        scopes: Vec::new(),
        roles_claim: "realm_access.roles".to_owned(),
        roles: BTreeMap::from([
            ("team".to_owned(), vec![Role::Agent]),
            ("lead".to_owned(), vec![Role::Agent, Role::Supervisor]),
            ("fk".to_owned(), vec![Role::Department]),
        ]),
        department_claim: Some("department".to_owned()),
        agent_claim: Some("agent".to_owned()),
        create_users: true,
        authorities: None,
        clock: std::sync::Arc::new(Utc::now),
    }
}

fn claimed(more: Value) -> Claimed {
    Claimed {
        subject: "sub-1".to_owned(),
        user_name: Some("Jörg.Müller@nrw.example".to_owned()),
        shown_name: Some("Jörg Müller".to_owned()),
        more: serde_json::from_value(more).unwrap(),
    }
}

#[test]
fn claims_become_a_user_by_the_map() {
    let provider = OpenIdProvider::new(parts()).unwrap();
    let user = |more| provider.new_user(&claimed(more), DateTime::UNIX_EPOCH);
    let lead = user(json!({ "realm_access": { "roles": ["lead", "other"] }, "agent": "4711" })).unwrap();
    assert_eq!(
        (lead.name.as_str(), lead.shown_name.as_str()),
        ("joerg.mueller", "Jörg Müller")
    );
    assert_eq!(lead.roles, BTreeSet::from([Role::Agent, Role::Supervisor]));
    assert_eq!(lead.agent, Some(AgentName::new("4711")));
    let fk = user(json!({ "realm_access.roles": "fk", "department": "umwelt" })).unwrap();
    assert_eq!(fk.department, Some(DepartmentId::new("umwelt")));
    assert_eq!(
        user(json!({ "realm_access": { "roles": ["fk"] } })),
        None,
        "of no department"
    );
    assert_eq!(user(json!({ "realm_access": { "roles": ["other"] } })), None);
    assert_eq!(user(json!({ "roles": ["lead"] })), None);
    let closed = OpenIdProvider::new(OpenIdParts {
        create_users: false,
        ..parts()
    })
    .unwrap();
    let lead = claimed(json!({ "realm_access": { "roles": ["lead"] } }));
    assert_eq!(closed.new_user(&lead, DateTime::UNIX_EPOCH), None);
}

#[test]
fn faults_name_the_key() {
    for (changed, key) in [
        (
            OpenIdParts {
                issuer: "sso".to_owned(),
                ..parts()
            },
            "issuer",
        ),
        (
            OpenIdParts {
                issuer: "http://sso.example.org".to_owned(),
                ..parts()
            },
            "issuer",
        ),
        (
            OpenIdParts {
                client_id: " ".to_owned(),
                ..parts()
            },
            "client_id",
        ),
        (
            OpenIdParts {
                roles: BTreeMap::new(),
                ..parts()
            },
            "roles",
        ),
        (
            OpenIdParts {
                roles: BTreeMap::from([("x".to_owned(), vec![Role::Operator])]),
                ..parts()
            },
            "roles",
        ),
        (
            OpenIdParts {
                department_claim: None,
                ..parts()
            },
            "department_claim",
        ),
        (
            OpenIdParts {
                authorities: Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec()),
                ..parts()
            },
            "ca_file",
        ),
    ] {
        assert_eq!(OpenIdProvider::new(changed).err().unwrap().key, key);
    }
    assert!(
        OpenIdProvider::new(OpenIdParts {
            issuer: "http://127.0.0.1:9".to_owned(),
            ..parts()
        })
        .is_ok()
    );
}

#[tokio::test]
async fn an_answer_that_belongs_to_another_browser_is_refused_before_anybody_is_asked() {
    // The provider is not there: whoever asked it would be told so.
    let here = OpenIdParts {
        issuer: "http://127.0.0.1:9".to_owned(),
        ..parts()
    };
    let provider = &OpenIdProvider::new(here).unwrap();
    let fits = proto::FinishOpenIdRequest {
        state: Bound::to("mine").state,
        code: "code".to_owned(),
        binding: "mine".to_owned(),
        redirect_url: "http://127.0.0.1/back".to_owned(),
        ..proto::FinishOpenIdRequest::default()
    };
    let refused =
        |sent: proto::FinishOpenIdRequest| async move { provider.finish(&sent).await.unwrap_err().code() };
    use tonic::Code::{Unauthenticated, Unavailable};
    assert_eq!(refused(fits.clone()).await, Unavailable);
    let of_another = proto::FinishOpenIdRequest {
        binding: "other".to_owned(),
        ..fits.clone()
    };
    assert_eq!(refused(of_another).await, Unauthenticated);
    let of_none = proto::FinishOpenIdRequest {
        binding: String::new(),
        state: Bound::to("").state,
        ..fits.clone()
    };
    assert_eq!(refused(of_none).await, Unauthenticated);
    let without_code = proto::FinishOpenIdRequest {
        code: String::new(),
        ..fits.clone()
    };
    assert_eq!(refused(without_code).await, Unauthenticated);
    let mixed_up = proto::FinishOpenIdRequest {
        issuer: "https://evil.example".to_owned(),
        ..fits
    };
    assert_eq!(refused(mixed_up).await, Unauthenticated);
}

#[test]
fn what_is_bound_differs_by_purpose_and_browser() {
    let (mine, other) = (Bound::to("mine"), Bound::to("other"));
    let all = [
        mine.state.as_str(),
        mine.nonce.secret(),
        mine.verifier.secret(),
        &other.state,
        other.nonce.secret(),
        other.verifier.secret(),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert!(all.iter().all(|text| text.len() == 64));
}
