use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use store::audit::{AuditFilter, AuditStore as _};
use store::sqlite::SqliteAccess;
use tonic::Code;
use wire::access::WithinProcess;
use wire::v1::access::sessions_server::Sessions as _;
use wire::v1::access::users_server::Users as _;

use super::*;
use crate::{FirstUsers, Gate, OpenSessions, UsersParts, UsersService, add_first_users};

const WHO_AM_I: &str = "/nrwdirekt.access.v1.Sessions/WhoAmI";
const TICKETS: &str = "/nrwdirekt.tickets.v1.Ticketing/FindTickets";

/// Services on a store of their own, by a clock that stands.
struct Bench {
    store: Arc<SqliteAccess>,
    sessions: SessionsService,
    users: UsersService,
    gate: Gate,
    now: Arc<Mutex<DateTime<Utc>>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new(first: FirstUsers) -> (Self, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteAccess::open(&folder.path().join("access.db")).unwrap());
        let now = Arc::new(Mutex::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap()));
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || *now.lock().unwrap())
        };
        let password = add_first_users(store.as_ref(), first, clock()).await.unwrap();
        let limits = SessionLimits::default();
        let passwords = Passwords::new();
        let bench = Self {
            sessions: SessionsService::new(SessionsParts {
                store: Arc::clone(&store) as _,
                trail: AuditTrail::new(Arc::clone(&store) as _, clock.clone()),
                passwords: passwords.clone(),
                settings: SignInSettings {
                    limits,
                    password: true,
                    demo: first == FirstUsers::Demo,
                },
                openid: None,
                clock: clock.clone(),
            }),
            users: UsersService::new(UsersParts {
                store: Arc::clone(&store) as _,
                passwords,
                limits,
                is_department: Arc::new(|department| department.as_str() == "umwelt"),
                clock: clock.clone(),
            }),
            gate: Gate::new(
                Vec::new(),
                OpenSessions::new(Arc::clone(&store) as _, limits, clock),
            ),
            store,
            now,
            _folder: folder,
        };
        (bench, password)
    }

    fn later(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }

    async fn sign_in(&self, name: &str, password: &str) -> Result<proto::SignInResponse, Status> {
        self.sign_in_from(name, password, "192.0.2.1").await
    }

    async fn sign_in_from(
        &self,
        name: &str,
        password: &str,
        client: &str,
    ) -> Result<proto::SignInResponse, Status> {
        let mut request = Request::new(proto::SignInRequest {
            name: name.to_owned(),
            password: password.to_owned(),
            client: client.to_owned(),
        });
        request.extensions_mut().insert(WithinProcess);
        self.sessions.sign_in(request).await.map(Response::into_inner)
    }

    async fn admit(&self, method: &str, token: &str) -> Result<Caller, Code> {
        let admitted = self.gate.admit(method, Some(&format!("Bearer {token}"))).await;
        admitted.map(Option::unwrap).map_err(|status| status.code())
    }

    /// A request as the gate lets it through.
    async fn by<T>(&self, token: &str, message: T) -> Request<T> {
        let caller = self.admit(WHO_AM_I, token).await.unwrap();
        let mut request = Request::new(message);
        request.extensions_mut().insert(caller.principal.clone());
        request.extensions_mut().insert(caller);
        request
    }

    async fn change_password(&self, token: &str, old: &str, new: &str) -> Result<(), Status> {
        let change = proto::ChangePasswordRequest {
            old_password: old.to_owned(),
            new_password: new.to_owned(),
        };
        let changed = self.sessions.change_password(self.by(token, change).await).await;
        changed.map(|_| ())
    }

    async fn change_user(&self, change: proto::ChangeUserRequest) -> Result<proto::User, Status> {
        let request = wire::access::by(Principal::operator(), change);
        self.users.change_user(request).await.map(Response::into_inner)
    }

    async fn noted(&self) -> Vec<(String, String)> {
        let all = AuditFilter {
            most: 100,
            ..AuditFilter::default()
        };
        let entries = self.store.entries(all).await.unwrap();
        entries
            .into_iter()
            .rev()
            .map(|entry| (entry.actor, entry.action))
            .collect()
    }
}

#[tokio::test]
async fn the_first_administrator_changes_the_password_before_anything_else() {
    let (bench, password) = Bench::new(FirstUsers::Administrator).await;
    let password = password.unwrap();
    let signed_in = bench.sign_in("Admin ", &password).await.unwrap();
    let told = signed_in.principal.unwrap();
    assert!(told.must_change_password && !told.demo);
    assert_eq!(
        told.session_until_unix_ms,
        Some((1_800_000_000 + 12 * 3_600) * 1_000)
    );
    let token = &signed_in.token;
    assert!(bench.admit(WHO_AM_I, token).await.is_ok());
    let list = "/nrwdirekt.access.v1.Users/ListUsers";
    assert_eq!(bench.admit(list, token).await.err(), Some(Code::PermissionDenied));
    for (old, new, fault) in [
        (password.as_str(), "zu kurz", "new_password: use 12"),
        (
            &password,
            "administrator-1",
            "new_password: it is or contains the name",
        ),
        (&password, &password, "new_password: it is the old one"),
        ("falsch", "korrekt pferd batterie", "old_password: it is not"),
    ] {
        let refused = bench.change_password(token, old, new).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(fault), "{refused}");
    }
    let other = bench.sign_in("admin", &password).await.unwrap().token;
    bench
        .change_password(token, &password, "korrekt pferd batterie")
        .await
        .unwrap();
    assert!(bench.admit(list, token).await.is_ok(), "the own session goes on");
    assert_eq!(
        bench.admit(WHO_AM_I, &other).await.err(),
        Some(Code::Unauthenticated)
    );
    assert!(bench.sign_in("admin", &password).await.is_err());
    let again = bench.sign_in("admin", "korrekt pferd batterie").await.unwrap();
    assert!(!again.principal.unwrap().must_change_password);
}

#[tokio::test]
async fn a_session_ends_after_idleness_at_its_limit_and_when_it_is_signed_out() {
    let (bench, _) = Bench::new(FirstUsers::Demo).await;
    let token = bench.sign_in("anna", "anna").await.unwrap().token;
    for _ in 0..3 {
        bench.later(TimeDelta::minutes(29));
        assert!(
            bench.admit(TICKETS, &token).await.is_ok(),
            "being used keeps it open"
        );
    }
    bench.later(TimeDelta::minutes(30));
    assert_eq!(
        bench.admit(TICKETS, &token).await.err(),
        Some(Code::Unauthenticated)
    );
    let token = bench.sign_in("anna", "anna").await.unwrap().token;
    for _ in 0..12 * 3 - 1 {
        bench.later(TimeDelta::minutes(20));
        assert!(bench.admit(TICKETS, &token).await.is_ok());
    }
    bench.later(TimeDelta::minutes(20));
    assert_eq!(
        bench.admit(TICKETS, &token).await.err(),
        Some(Code::Unauthenticated)
    );
    let token = bench.sign_in("anna", "anna").await.unwrap().token;
    let out = bench.by(&token, proto::SignOutRequest {}).await;
    bench.sessions.sign_out(out).await.unwrap();
    assert_eq!(
        bench.admit(TICKETS, &token).await.err(),
        Some(Code::Unauthenticated)
    );
}

#[tokio::test]
async fn whoever_is_changed_disabled_or_reset_is_signed_out_at_once() {
    let (bench, _) = Bench::new(FirstUsers::Demo).await;
    let change = |change: proto::ChangeUserRequest| proto::ChangeUserRequest {
        name: "anna".to_owned(),
        ..change
    };
    let token = bench.sign_in("anna", "anna").await.unwrap().token;
    let only_shown = change(proto::ChangeUserRequest {
        shown_name: Some("Anna A.".to_owned()),
        ..Default::default()
    });
    assert_eq!(bench.change_user(only_shown).await.unwrap().sessions, 1);
    assert!(bench.admit(TICKETS, &token).await.is_ok());
    let roles = change(proto::ChangeUserRequest {
        roles: Some(proto::RoleList {
            roles: vec!["supervisor".to_owned()],
        }),
        ..Default::default()
    });
    assert_eq!(bench.change_user(roles).await.unwrap().sessions, 0);
    assert_eq!(
        bench.admit(WHO_AM_I, &token).await.err(),
        Some(Code::Unauthenticated)
    );

    let token = bench.sign_in("anna", "anna").await.unwrap().token;
    let disabled = |disabled| proto::ChangeUserRequest {
        disabled: Some(disabled),
        ..Default::default()
    };
    bench.change_user(change(disabled(true))).await.unwrap();
    assert_eq!(
        bench.admit(WHO_AM_I, &token).await.err(),
        Some(Code::Unauthenticated)
    );
    assert_eq!(
        bench.sign_in("anna", "anna").await.unwrap_err().code(),
        Code::Unauthenticated
    );
    bench.change_user(change(disabled(false))).await.unwrap();

    let token = bench.sign_in("anna", "anna").await.unwrap().token;
    let reset = proto::ResetPasswordRequest {
        name: "anna".to_owned(),
        password: String::new(),
    };
    let reset = bench
        .users
        .reset_password(wire::access::by(Principal::operator(), reset))
        .await;
    let first = reset.unwrap().into_inner().first_password;
    assert_eq!(
        bench.admit(WHO_AM_I, &token).await.err(),
        Some(Code::Unauthenticated)
    );
    assert!(
        bench
            .sign_in("anna", &first)
            .await
            .unwrap()
            .principal
            .unwrap()
            .must_change_password
    );
}

#[tokio::test]
async fn nobody_is_told_whether_a_user_is_there() {
    let (bench, _) = Bench::new(FirstUsers::Demo).await;
    let wrong = bench.sign_in("anna", "falsch").await.unwrap_err();
    let nobody = bench.sign_in("annika", "falsch").await.unwrap_err();
    assert_eq!((wrong.code(), wrong.message()), (nobody.code(), nobody.message()));
    assert_eq!(wrong.code(), Code::Unauthenticated);
    let noted = bench.noted().await;
    let failed = |actor: &str| (actor.to_owned(), "sign_in_failed".to_owned());
    assert_eq!(noted[noted.len() - 2..], [failed("anna"), failed("unknown")]);
    // Both have to wait after as many failures.
    for name in ["anna", "annika"] {
        for _ in 0..4 {
            bench.sign_in(name, "falsch").await.unwrap_err();
        }
        let waits = bench.sign_in(name, name).await.unwrap_err();
        assert_eq!(waits.code(), Code::ResourceExhausted);
        assert!(waits.message().contains("1 s"), "{waits}");
    }
    assert_eq!(
        bench.noted().await.len(),
        noted.len() + 8,
        "waiting is not noted each time"
    );
    bench.later(TimeDelta::seconds(1));
    assert!(bench.sign_in("anna", "anna").await.is_ok());
}

#[tokio::test]
async fn one_address_cannot_try_all_names() {
    let (bench, _) = Bench::new(FirstUsers::Demo).await;
    let (client, now) = (AttemptKey::of_client("192.0.2.1"), *bench.now.lock().unwrap());
    for _ in 0..50 {
        bench.store.take_attempt(&[client], now).await.unwrap();
    }
    assert_eq!(
        bench.sign_in("anna", "anna").await.unwrap_err().code(),
        Code::ResourceExhausted
    );
    assert!(bench.sign_in_from("anna", "anna", "192.0.2.2").await.is_ok());
}

#[tokio::test]
async fn demo_users_sign_in_only_where_the_demo_is_shown() {
    let (mut bench, _) = Bench::new(FirstUsers::Demo).await;
    let ways = bench
        .sessions
        .ways(Request::new(proto::WaysRequest {}))
        .await
        .unwrap()
        .into_inner();
    assert!(ways.demo && ways.password);
    assert_eq!(ways.demo_users.len(), DEMO_USERS.len());
    let fk = bench
        .sign_in("fk-koeln", "fk-koeln")
        .await
        .unwrap()
        .principal
        .unwrap();
    assert!(fk.demo);
    assert_eq!(
        (fk.department.as_str(), fk.roles),
        ("finanzamt-koeln", vec!["department".to_owned()])
    );
    // The same data, shown beyond this machine.
    bench.sessions.parts.settings.demo = false;
    let refused = bench.sign_in("anna", "anna").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let ways = bench
        .sessions
        .ways(Request::new(proto::WaysRequest {}))
        .await
        .unwrap()
        .into_inner();
    assert!(!ways.demo && ways.demo_users.is_empty());
}

#[tokio::test]
async fn all_of_it_is_noted() {
    let (bench, password) = Bench::new(FirstUsers::Administrator).await;
    let token = bench
        .sign_in("admin", &password.clone().unwrap())
        .await
        .unwrap()
        .token;
    bench
        .change_password(&token, &password.unwrap(), "korrekt pferd batterie")
        .await
        .unwrap();
    let out = bench.by(&token, proto::SignOutRequest {}).await;
    bench.sessions.sign_out(out).await.unwrap();
    let expected = [
        ("operator", "user_added"),
        ("admin", "signed_in"),
        ("admin", "password_changed"),
        ("admin", "signed_out"),
    ];
    assert_eq!(
        bench.noted().await,
        expected.map(|(actor, action)| (actor.to_owned(), action.to_owned()))
    );
}

#[tokio::test]
async fn open_methods_are_open_whatever_token_comes_along() {
    let (bench, _) = Bench::new(FirstUsers::Demo).await;
    let ways = "/nrwdirekt.access.v1.Sessions/Ways";
    assert!(
        bench
            .gate
            .admit(ways, Some("Bearer old"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(bench.gate.admit(ways, None).await.unwrap().is_none());
    assert_eq!(
        bench.admit(WHO_AM_I, "old").await.err(),
        Some(Code::Unauthenticated)
    );
}
