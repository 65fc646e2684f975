//! Users, their sessions, and attempts to sign in. What changes users or sessions is noted in the audit trail in the same
//! unit of work.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{AttemptKey, PasswordHash, Role, SignsIn, TokenHash, User};
use domain::audit::NewAuditEntry;
use domain::ids::UserName;

use crate::StoreError;
use crate::ticket_columns::unreadable;

/// Keeps users and their sessions.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// A user.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError>;

    /// The user that the provider knows as this subject.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn user_by_subject(&self, subject: &str) -> Result<Option<User>, StoreError>;

    /// Users by name, after `after`, at most `most`, each with the number of sessions that are open.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn users(
        &self,
        after: Option<&UserName>,
        most: usize,
        open: Open,
    ) -> Result<Vec<ListedUser>, StoreError>;

    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    async fn add_user(&self, user: User, noted: NewAuditEntry) -> Result<Added, StoreError>;

    /// Adds users to an installation that has none, all or none of them; tells whether it did.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    async fn add_first_users(&self, users: Vec<User>, noted: Vec<NewAuditEntry>) -> Result<bool, StoreError>;

    /// Changes a user, and ends sessions.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the user is no longer of the revision that the change is made on; nothing was written
    /// then.
    async fn change_user(&self, change: UserChange) -> Result<Changed, StoreError>;

    /// Counts an attempt to sign in before it is decided, unless it comes too early: until when to wait then. Attempts
    /// at the same moment are counted one after another, on every instance.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was counted then.
    async fn take_attempt(
        &self,
        keys: &[AttemptKey],
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Begins a session: the attempts on the name are forgotten, that of the client is taken back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the user is no longer of the revision that was let in; nothing was written then.
    async fn open_session(&self, session: NewSession) -> Result<(), StoreError>;

    /// The session of a token, with its user, if it is open.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn session(&self, token: TokenHash, open: Open) -> Result<Option<Session>, StoreError>;

    /// Notes that a session was used.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn session_seen(&self, token: TokenHash, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Ends a session; there may be none any more, and nothing is noted then.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn end_session(&self, token: TokenHash, noted: NewAuditEntry) -> Result<(), StoreError>;

    /// Ends every session of a user; tells how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn end_sessions(&self, user: &UserName, noted: NewAuditEntry) -> Result<u32, StoreError>;

    /// How many sessions are open, of a user or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn open_sessions(&self, of: Option<&UserName>, open: Open) -> Result<u32, StoreError>;

    /// Forgets sessions that are over, and attempts that no longer count.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_ended(&self, open: Open) -> Result<(), StoreError>;

    /// Whether the store can be asked right now.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn probe(&self) -> Result<(), StoreError>;
}

/// Which sessions are open at a moment: those that have not reached their end and were used within the idle limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// The moment.
    pub now: DateTime<Utc>,
    /// The limit.
    pub idle: TimeDelta,
}

impl Open {
    /// The moment in milliseconds, and that after which a session must have been used.
    pub(crate) fn columns(self) -> (i64, i64) {
        let now = self.now.timestamp_millis();
        (now, now - self.idle.num_milliseconds())
    }
}

/// A user in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// The user.
    pub user: User,
    /// Sessions that are open.
    pub sessions: u32,
}

/// Whether a user was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Yes.
    New,
    /// There is a user of this name.
    NameTaken,
    /// The provider knows another user as this subject.
    SubjectTaken,
}

/// A change of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// As the user is to be; `revision` is still that of the user that was read. Name, creation and last sign-in stay.
    pub user: User,
    /// Which sessions of the user end.
    pub ends: Ends,
    /// What is noted.
    pub noted: NewAuditEntry,
}

/// Which sessions of a user end with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// None.
    None,
    /// All of them.
    All,
    /// All but the one with this token.
    AllBut(TokenHash),
}

/// Whether a user was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Yes.
    Done {
        /// So many sessions were ended.
        ended: u32,
    },
    /// The provider knows another user as this subject.
    SubjectTaken,
    /// Nobody else could look after users then.
    LastAdministrator,
}

/// A session that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Of its token.
    pub token: TokenHash,
    /// Whose.
    pub user: UserName,
    /// The revision of the user that was let in.
    pub revision: u32,
    /// When it begins.
    pub at: DateTime<Utc>,
    /// When it ends at the latest.
    pub ends_at: DateTime<Utc>,
    /// What the attempt was counted by.
    pub attempt: Vec<AttemptKey>,
    /// What is noted.
    pub noted: NewAuditEntry,
}

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of its token.
    pub token: TokenHash,
    /// Whose.
    pub user: User,
    /// When it was used last, as far as it was noted.
    pub seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub ends_at: DateTime<Utc>,
}

/// The columns of a user that every store reads alike.
pub(crate) struct UserColumns {
    pub(crate) name: String,
    pub(crate) shown_name: String,
    pub(crate) roles: String,
    pub(crate) department: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) disabled: bool,
    pub(crate) password_hash: Option<String>,
    pub(crate) first_password: bool,
    pub(crate) openid_subject: Option<String>,
    pub(crate) created_at_ms: i64,
    pub(crate) last_sign_in_at_ms: Option<i64>,
    pub(crate) revision: i64,
}

/// Their names, in this order.
pub(crate) const USER_COLUMNS: &str = "users.name, shown_name, roles, department, agent, disabled, password_hash, \
    first_password, openid_subject, users.created_at_ms, last_sign_in_at_ms, revision";

/// The condition that a user can look after users, as [`User::administers`] says.
pub(crate) const ADMINISTERS: &str = "NOT disabled AND ',' || roles || ',' LIKE '%,administrator,%'";

impl UserColumns {
    pub(crate) fn of(user: &User) -> Self {
        let (password_hash, first_password, openid_subject) = match &user.signs_in {
            SignsIn::Password { hash, is_first } => (Some(hash.0.clone()), *is_first, None),
            SignsIn::Provider { subject } => (None, false, Some(plain(subject))),
        };
        let roles: Vec<&str> = user.roles.iter().map(|role| role.name()).collect();
        Self {
            name: plain(user.name.as_str()),
            shown_name: plain(&user.shown_name),
            roles: roles.join(","),
            department: user.department.as_ref().map(|id| plain(id.as_str())),
            agent: user.agent.as_ref().map(|agent| plain(agent.as_str())),
            disabled: user.disabled,
            password_hash,
            first_password,
            openid_subject,
            created_at_ms: user.created_at.timestamp_millis(),
            last_sign_in_at_ms: user.last_sign_in_at.map(|at| at.timestamp_millis()),
            revision: i64::from(user.revision),
        }
    }

    pub(crate) fn read(self) -> Result<User, StoreError> {
        let broken = || unreadable(&format!("the user {}", self.name));
        let signs_in = match (self.password_hash, self.openid_subject) {
            (Some(hash), None) => SignsIn::Password {
                hash: PasswordHash(hash),
                is_first: self.first_password,
            },
            (None, Some(subject)) => SignsIn::Provider { subject },
            _ => return Err(broken()),
        };
        let roles: Option<BTreeSet<Role>> = self.roles.split(',').map(Role::from_name).collect();
        Ok(User {
            roles: roles.ok_or_else(broken)?,
            revision: u32::try_from(self.revision).map_err(|_| broken())?,
            name: UserName::new(&self.name),
            shown_name: self.shown_name,
            department: self.department.map(domain::ids::DepartmentId::new),
            agent: self.agent.map(domain::ids::AgentName::new),
            disabled: self.disabled,
            signs_in,
            created_at: time(self.created_at_ms),
            last_sign_in_at: self.last_sign_in_at_ms.map(time),
        })
    }
}

/// A text without the character NUL, which PostgreSQL's texts cannot hold: the same in every store.
pub(crate) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(crate) fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// The user was changed by somebody else, or is not there.
pub(crate) fn changed_meanwhile(name: &UserName) -> StoreError {
    StoreError::Conflict(format!("the user {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_of_a_user_is_read_again() {
        let mut user = User {
            name: UserName::new("anna"),
            shown_name: "Anna Ärmel".to_owned(),
            roles: BTreeSet::from([Role::Agent, Role::Department]),
            department: Some(domain::ids::DepartmentId::new("umwelt")),
            agent: Some(domain::ids::AgentName::new("4711")),
            disabled: true,
            signs_in: SignsIn::Password {
                hash: PasswordHash("$argon2id$".to_owned()),
                is_first: true,
            },
            created_at: time(1_700_000_000_123),
            last_sign_in_at: Some(time(1_700_000_000_456)),
            revision: 7,
        };
        assert_eq!(UserColumns::of(&user).read().unwrap(), user);
        user.signs_in = SignsIn::Provider {
            subject: "a|b".to_owned(),
        };
        assert_eq!(UserColumns::of(&user).read().unwrap(), user);
    }
}
