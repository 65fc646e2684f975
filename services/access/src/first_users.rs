//! The users of an installation that has none: an administrator, and on a simulated day the people who work on it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::access::{Principal, Role, SignsIn, User};
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::ids::{AgentName, DepartmentId, UserName};
use store::StoreError;
use store::users::UserStore;

use crate::passwords::{fresh_password, hashed};

/// The administrator of the first start.
const ADMINISTRATOR: &str = "admin";

/// Who works on a simulated day: name, name for people, role, department, agent. The password is the name.
pub const DEMO_USERS: [(&str, &str, Role, Option<&str>, Option<&str>); 6] = [
    (
        "anna",
        "Anna Arndt (Agentin)",
        Role::Agent,
        None,
        Some("service-001"),
    ),
    ("ben", "Ben Becker (Agent)", Role::Agent, None, Some("tax-001")),
    (
        "sabine",
        "Sabine Sommer (Supervision)",
        Role::Supervisor,
        None,
        None,
    ),
    (
        "fk-koeln",
        "Finanzamt Köln (Fachstelle)",
        Role::Department,
        Some("finanzamt-koeln"),
        None,
    ),
    (
        "dora",
        "Dora Dietz (Datenschutz)",
        Role::DataProtection,
        None,
        None,
    ),
    (
        ADMINISTRATOR,
        "Administration (Vorführung)",
        Role::Administrator,
        None,
        None,
    ),
];

/// Which users an installation begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstUsers {
    /// An administrator with a password that is made.
    Administrator,
    /// Those of [`DEMO_USERS`].
    Demo,
}

/// Adds the first users where there are none; gives the administrator's password if one was made.
///
/// # Errors
/// [`StoreError`]; nothing was written then.
pub async fn add_first_users(
    store: &dyn UserStore,
    which: FirstUsers,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let moment = store::users::Open {
        now,
        idle: chrono::TimeDelta::zero(),
    };
    // Hashing takes a while: not at every start.
    if !store.users(None, 1, moment).await?.is_empty() {
        return Ok(None);
    }
    let made = tokio::task::spawn_blocking(move || people(which, now)).await;
    let (users, password) = made
        .ok()
        .flatten()
        .ok_or_else(|| StoreError::Unavailable("no password could be made".to_owned()))?;
    let noted = users.iter().map(|user| {
        let subject = AuditSubject::new("user", user.name.as_str());
        NewAuditEntry::of(&Principal::operator(), AuditAction::UserAdded, subject, now)
            .because("first start of the installation")
    });
    let noted = noted.collect();
    let added = store.add_first_users(users, noted).await?;
    Ok(password.filter(|_| added))
}

/// The users, and the password of the administrator if one was made.
fn people(which: FirstUsers, now: DateTime<Utc>) -> Option<(Vec<User>, Option<String>)> {
    let at = chrono::SubsecRound::trunc_subsecs(now, 3);
    let user = |name: &str, shown_name: &str, role, password: &str, is_first| {
        Some(User {
            name: UserName::new(name),
            shown_name: shown_name.to_owned(),
            roles: BTreeSet::from([role]),
            department: None,
            agent: None,
            disabled: false,
            signs_in: SignsIn::Password {
                hash: hashed(password)?,
                is_first,
            },
            created_at: at,
            last_sign_in_at: None,
            revision: 1,
        })
    };
    match which {
        FirstUsers::Administrator => {
            let password = fresh_password().ok()?;
            let admin = user(
                ADMINISTRATOR,
                "Administration",
                Role::Administrator,
                &password,
                true,
            )?;
            Some((vec![admin], Some(password)))
        }
        FirstUsers::Demo => {
            let people = DEMO_USERS.iter().map(|(name, shown, role, department, agent)| {
                Some(User {
                    department: department.map(DepartmentId::new),
                    agent: agent.map(AgentName::new),
                    ..user(name, shown, *role, name, false)?
                })
            });
            Some((people.collect::<Option<_>>()?, None))
        }
    }
}
