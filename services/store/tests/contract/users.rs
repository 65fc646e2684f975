//! Users, sessions, and attempts to sign in.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{AttemptKey, PasswordHash, Principal, Role, SignsIn, TokenHash, User};
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::ids::{AgentName, DepartmentId, UserName};
use futures::future::join_all;
use store::StoreError;
use store::audit::{AuditFilter, AuditStore};
use store::postgres::PostgresAccess;
use store::sqlite::SqliteAccess;
use store::users::{Added, Changed, Ends, NewSession, Open, UserChange, UserStore};

use crate::postgres::on_a_database;

fn at(second: i64) -> DateTime<Utc> {
    crate::tickets::at(0) + TimeDelta::seconds(second)
}

/// Both sides of the unit of storage.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) audit: Arc<dyn AuditStore>,
}

impl Access {
    fn of<S: UserStore + AuditStore>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            users: Arc::clone(&store) as _,
            audit: store,
        }
    }

    pub(crate) async fn noted(&self) -> Vec<String> {
        let all = AuditFilter {
            most: 1000,
            ..AuditFilter::default()
        };
        let entries = self.audit.entries(all).await.unwrap();
        entries.into_iter().rev().map(|entry| entry.action).collect()
    }
}

/// Runs a case on each store; PostgreSQL gives two instances.
pub(crate) async fn on_every_store<F: Future<Output = ()>>(case: impl Fn([Access; 2]) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Access::of(SqliteAccess::open(&folder.path().join("access.db")).unwrap());
    case([sqlite.clone(), sqlite]).await;
    on_a_database(|database| async move {
        let connect = || async { Access::of(PostgresAccess::connect(&database).await.unwrap()) };
        case([connect().await, connect().await]).await;
    })
    .await;
}

pub(crate) fn noted(action: AuditAction) -> NewAuditEntry {
    NewAuditEntry::of(
        &Principal::operator(),
        action,
        AuditSubject::new("user", "x"),
        at(0),
    )
}

fn name(name: &str) -> UserName {
    UserName::new(name)
}

fn user(name: &str, roles: &[Role]) -> User {
    User {
        name: UserName::new(name),
        shown_name: format!("Jörg {name}"),
        roles: roles.iter().copied().collect(),
        department: roles
            .contains(&Role::Department)
            .then(|| DepartmentId::new("umwelt")),
        agent: roles.contains(&Role::Agent).then(|| AgentName::new("4711")),
        disabled: false,
        signs_in: SignsIn::Password {
            hash: PasswordHash("$argon2id$v=19$…".to_owned()),
            is_first: true,
        },
        created_at: at(1),
        last_sign_in_at: None,
        revision: 1,
    }
}

fn by_provider(name: &str, subject: &str) -> User {
    let signs_in = SignsIn::Provider {
        subject: subject.to_owned(),
    };
    User {
        signs_in,
        ..user(name, &[Role::Agent])
    }
}

fn open(seconds: i64) -> Open {
    Open {
        now: at(seconds),
        idle: TimeDelta::seconds(60),
    }
}

fn token(text: &str) -> TokenHash {
    TokenHash::of(text)
}

fn session(user: &User, text: &str, seconds: i64) -> NewSession {
    NewSession {
        token: token(text),
        user: user.name.clone(),
        revision: user.revision,
        at: at(seconds),
        ends_at: at(seconds + 200),
        attempt: Vec::new(),
        noted: noted(AuditAction::SignedIn),
    }
}

fn change(user: &User, ends: Ends) -> UserChange {
    UserChange {
        user: user.clone(),
        ends,
        noted: noted(AuditAction::UserChanged),
    }
}

async fn add(store: &Access, user: &User) {
    let added = store
        .users
        .add_user(user.clone(), noted(AuditAction::UserAdded))
        .await;
    assert_eq!(added.unwrap(), Added::New);
}

async fn read(store: &Access, user: &str) -> User {
    store.users.user(&name(user)).await.unwrap().unwrap()
}

async fn users_are_kept_as_they_are([store, _]: [Access; 2]) {
    let anna = user("anna", &[Role::Agent, Role::Department]);
    let ben = by_provider("ben", "auth0|1");
    add(&store, &anna).await;
    add(&store, &ben).await;
    assert_eq!(read(&store, "anna").await, anna);
    assert_eq!(store.users.user(&name("carl")).await.unwrap(), None);
    assert_eq!(
        store.users.user_by_subject("auth0|1").await.unwrap(),
        Some(ben.clone())
    );
    assert_eq!(store.users.user_by_subject("auth0|2").await.unwrap(), None);
    let again = store.users.add_user(anna, noted(AuditAction::UserAdded)).await;
    assert_eq!(again.unwrap(), Added::NameTaken);
    let same = by_provider("carl", "auth0|1");
    let same = store.users.add_user(same, noted(AuditAction::UserAdded)).await;
    assert_eq!(same.unwrap(), Added::SubjectTaken);
    assert_eq!(
        store.noted().await,
        ["user_added", "user_added"],
        "refusals are not noted"
    );
}

async fn users_are_listed_by_name_with_their_open_sessions([store, _]: [Access; 2]) {
    for name in ["ben", "anna", "a-z", "carl"] {
        add(&store, &user(name, &[Role::Agent])).await;
    }
    let anna = read(&store, "anna").await;
    for (text, seconds) in [("1", 0), ("2", 50), ("3", 55)] {
        store
            .users
            .open_session(session(&anna, text, seconds))
            .await
            .unwrap();
    }
    let listed = |after: Option<&'static str>, most| {
        let users = Arc::clone(&store.users);
        async move {
            let after = after.map(name);
            let listed = users.users(after.as_ref(), most, open(70)).await.unwrap();
            let line = |listed: store::users::ListedUser| (listed.user.name.to_string(), listed.sessions);
            listed.into_iter().map(line).collect::<Vec<_>>()
        }
    };
    let line = |name: &str, sessions| (name.to_owned(), sessions);
    assert_eq!(listed(None, 2).await, [line("a-z", 0), line("anna", 2)]);
    assert_eq!(listed(Some("anna"), 9).await, [line("ben", 0), line("carl", 0)]);
    store
        .users
        .open_session(session(&read(&store, "ben").await, "4", 60))
        .await
        .unwrap();
    assert_eq!(store.users.open_sessions(None, open(70)).await.unwrap(), 3);
    assert_eq!(
        store
            .users
            .open_sessions(Some(&name("anna")), open(70))
            .await
            .unwrap(),
        2
    );
}

async fn the_first_users_are_added_once([one, other]: [Access; 2]) {
    let add = |store: Access, name: &'static str| async move {
        let users = vec![user(name, &[Role::Administrator])];
        let noted = vec![noted(AuditAction::UserAdded)];
        store.users.add_first_users(users, noted).await.unwrap()
    };
    let race = (0..8).map(|turn| add([&one, &other][turn % 2].clone(), ["admin", "boss"][turn % 2]));
    let added = join_all(race).await;
    assert_eq!(added.iter().filter(|added| **added).count(), 1);
    assert_eq!(one.users.users(None, 9, open(0)).await.unwrap().len(), 1);
    assert_eq!(one.noted().await, ["user_added"]);
}

async fn a_session_ends_by_idleness_and_at_its_limit([store, other]: [Access; 2]) {
    let anna = user("anna", &[Role::Agent]);
    add(&store, &anna).await;
    store.users.open_session(session(&anna, "t", 0)).await.unwrap();
    assert_eq!(read(&store, "anna").await.last_sign_in_at, Some(at(0)));
    let find = |seconds| {
        let store = other.clone();
        async move { store.users.session(token("t"), open(seconds)).await.unwrap() }
    };
    let found = find(59).await.unwrap();
    assert_eq!(
        (found.user.name, found.seen_at, found.ends_at),
        (name("anna"), at(0), at(200))
    );
    assert!(find(60).await.is_none(), "idle");
    store.users.session_seen(token("t"), at(150)).await.unwrap();
    store.users.session_seen(token("t"), at(20)).await.unwrap();
    assert_eq!(find(199).await.unwrap().seen_at, at(150), "it never goes back");
    assert!(find(200).await.is_none(), "at its limit");
    assert!(store.users.session(token("u"), open(0)).await.unwrap().is_none());
    store.users.forget_ended(open(200)).await.unwrap();
    assert!(find(199).await.is_none(), "forgotten");
}

async fn a_session_ends_once([store, _]: [Access; 2]) {
    let anna = user("anna", &[Role::Agent]);
    add(&store, &anna).await;
    store.users.open_session(session(&anna, "t", 0)).await.unwrap();
    for _ in 0..2 {
        let signed_out = noted(AuditAction::SignedOut);
        store.users.end_session(token("t"), signed_out).await.unwrap();
    }
    assert!(store.users.session(token("t"), open(1)).await.unwrap().is_none());
    assert_eq!(store.noted().await, ["user_added", "signed_in", "signed_out"]);
}

async fn a_change_ends_the_sessions_that_it_concerns([store, other]: [Access; 2]) {
    let mut anna = user("anna", &[Role::Agent]);
    let ben = user("ben", &[Role::Agent]);
    add(&store, &anna).await;
    add(&store, &ben).await;
    for text in ["1", "2", "3"] {
        store.users.open_session(session(&anna, text, 0)).await.unwrap();
    }
    store.users.open_session(session(&ben, "b", 0)).await.unwrap();
    let is_open = |text: &'static str| {
        let store = other.clone();
        async move { store.users.session(token(text), open(1)).await.unwrap().is_some() }
    };
    anna.shown_name = "Anna".to_owned();
    let changed = store.users.change_user(change(&anna, Ends::None)).await.unwrap();
    assert_eq!(changed, Changed::Done { ended: 0 });
    anna.revision = 2;
    let changed = store
        .users
        .change_user(change(&anna, Ends::AllBut(token("2"))))
        .await;
    assert_eq!(changed.unwrap(), Changed::Done { ended: 2 });
    assert_eq!(
        (is_open("1").await, is_open("2").await, is_open("3").await),
        (false, true, false)
    );
    anna.revision = 3;
    anna.disabled = true;
    let changed = store.users.change_user(change(&anna, Ends::None)).await.unwrap();
    assert_eq!(changed, Changed::Done { ended: 0 });
    assert!(!is_open("2").await, "who is disabled has no session");
    let ended = store
        .users
        .end_sessions(&name("anna"), noted(AuditAction::SessionsEnded))
        .await;
    assert_eq!(ended.unwrap(), 1);
    assert!(is_open("b").await, "others stay");
}

async fn whoever_decided_on_an_older_user_is_told([store, other]: [Access; 2]) {
    let anna = user("anna", &[Role::Agent]);
    add(&store, &anna).await;
    let changes = (0..6).map(|turn| {
        let mut anna = anna.clone();
        anna.shown_name = format!("Anna {turn}");
        let store = [&store, &other][turn % 2].clone();
        async move { store.users.change_user(change(&anna, Ends::All)).await }
    });
    let outcomes = join_all(changes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(_) | Err(StoreError::Conflict(_))))
    );
    assert_eq!(read(&store, "anna").await.revision, 2);
    // The session of somebody who was let in by the old password.
    let late = store
        .users
        .open_session(session(&anna, "t", 0))
        .await
        .unwrap_err();
    assert!(matches!(late, StoreError::Conflict(_)), "{late}");
    assert!(store.users.session(token("t"), open(1)).await.unwrap().is_none());
    assert_eq!(store.noted().await, ["user_added", "user_changed"]);
}

async fn the_last_administrator_stays_one([one, other]: [Access; 2]) {
    let (admin, boss) = (
        user("admin", &[Role::Administrator]),
        user("boss", &[Role::Agent, Role::Administrator]),
    );
    add(&one, &admin).await;
    let mut gone = admin.clone();
    gone.disabled = true;
    let refused = one.users.change_user(change(&gone, Ends::All)).await.unwrap();
    assert_eq!(refused, Changed::LastAdministrator);
    let mut demoted = admin.clone();
    demoted.roles = BTreeSet::from([Role::Agent]);
    let refused = one.users.change_user(change(&demoted, Ends::All)).await.unwrap();
    assert_eq!(refused, Changed::LastAdministrator);
    assert_eq!(read(&one, "admin").await, admin);
    // Of two who give each other up at once, one stays.
    add(&one, &boss).await;
    let mut without = boss.clone();
    without.roles = BTreeSet::from([Role::Agent]);
    let (left, right) = futures::join!(
        one.users.change_user(change(&gone, Ends::All)),
        other.users.change_user(change(&without, Ends::All))
    );
    let outcomes = [left.unwrap(), right.unwrap()];
    assert!(outcomes.contains(&Changed::LastAdministrator), "{outcomes:?}");
    assert!(outcomes.contains(&Changed::Done { ended: 0 }), "{outcomes:?}");
}

async fn a_subject_belongs_to_one_user([store, _]: [Access; 2]) {
    add(&store, &by_provider("anna", "1")).await;
    add(&store, &by_provider("ben", "2")).await;
    let taken = store
        .users
        .change_user(change(&by_provider("ben", "1"), Ends::All))
        .await;
    assert_eq!(taken.unwrap(), Changed::SubjectTaken);
    let own = store
        .users
        .change_user(change(&by_provider("ben", "2"), Ends::All))
        .await;
    assert_eq!(own.unwrap(), Changed::Done { ended: 0 });
}

async fn attempts_are_counted_and_held_up([one, other]: [Access; 2]) {
    let keys = [AttemptKey::of_name("anna"), AttemptKey::of_client("192.0.2.1")];
    // All at once: no more than are free are let through.
    let attempts = (0..12).map(|turn| [&one, &other][turn % 2].users.take_attempt(&keys, at(0)));
    let outcomes: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|wait| wait.is_none()).count(), 5);
    assert!(outcomes.iter().flatten().all(|until| *until == at(1)));
    assert_eq!(one.users.take_attempt(&keys, at(1)).await.unwrap(), None);
    assert_eq!(one.users.take_attempt(&keys, at(2)).await.unwrap(), Some(at(3)));
    let another = [AttemptKey::of_name("ben"), keys[1]];
    assert_eq!(one.users.take_attempt(&another, at(2)).await.unwrap(), None);
    // Whoever is let in is free again; the client has only its own attempt back.
    let anna = user("anna", &[Role::Agent]);
    add(&one, &anna).await;
    let opened = NewSession {
        attempt: keys.to_vec(),
        ..session(&anna, "t", 3)
    };
    one.users.open_session(opened).await.unwrap();
    assert_eq!(one.users.take_attempt(&keys, at(3)).await.unwrap(), None);
    // After an hour of peace nothing is left.
    one.users.forget_ended(open(3_700)).await.unwrap();
    for _ in 0..5 {
        assert_eq!(one.users.take_attempt(&keys, at(3_700)).await.unwrap(), None);
    }
    assert!(one.users.take_attempt(&keys, at(3_700)).await.unwrap().is_some());
}

macro_rules! on_every_store {
    ($($case:ident as $test:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $test() {
                on_every_store($case).await;
            }
        )*
    };
}

on_every_store! {
    users_are_kept_as_they_are as users_are_kept_as_they_are_on_every_store,
    users_are_listed_by_name_with_their_open_sessions as users_are_listed_by_name_with_their_open_sessions_on_every_store,
    the_first_users_are_added_once as the_first_users_are_added_once_on_every_store,
    a_session_ends_by_idleness_and_at_its_limit as a_session_ends_by_idleness_and_at_its_limit_on_every_store,
    a_session_ends_once as a_session_ends_once_on_every_store,
    a_change_ends_the_sessions_that_it_concerns as a_change_ends_the_sessions_that_it_concerns_on_every_store,
    whoever_decided_on_an_older_user_is_told as whoever_decided_on_an_older_user_is_told_on_every_store,
    the_last_administrator_stays_one as the_last_administrator_stays_one_on_every_store,
    a_subject_belongs_to_one_user as a_subject_belongs_to_one_user_on_every_store,
    attempts_are_counted_and_held_up as attempts_are_counted_and_held_up_on_every_store,
}
