//! The gate: whose token a call carries, and whether the method is for him or her.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::access::{Admission, Principal, TokenHash, admission};
use store::users::{Open, Session, UserStore};
use tonic::Status;

use crate::{Clock, refused};

/// A session that is used is noted as such at most so often: a commit for every call would be too many.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What somebody whose password is a first one may do.
const WITH_FIRST_PASSWORD: [&str; 3] = [
    "/nrwdirekt.access.v1.Sessions/WhoAmI",
    "/nrwdirekt.access.v1.Sessions/SignOut",
    "/nrwdirekt.access.v1.Sessions/ChangePassword",
];

/// A token of the configuration, or the operator's, and who has it.
#[derive(Clone, Debug)]
pub struct KnownToken {
    /// Of the token.
    pub hash: TokenHash,
    /// Who has it.
    pub principal: Principal,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without being used.
    pub idle: TimeDelta,
    /// In all.
    pub absolute: TimeDelta,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle: TimeDelta::minutes(30),
            absolute: TimeDelta::hours(12),
        }
    }
}

/// Sessions as the gate and the services look them up: in the store, each time, so that one that was ended is gone at
/// once on every node.
#[derive(Clone)]
pub struct OpenSessions {
    store: Arc<dyn UserStore>,
    limits: SessionLimits,
    clock: Clock,
}

impl OpenSessions {
    /// Those of a store.
    pub fn new(store: Arc<dyn UserStore>, limits: SessionLimits, clock: Clock) -> Self {
        Self { store, limits, clock }
    }

    /// Which are open now.
    pub(crate) fn open(&self) -> Open {
        Open {
            now: (self.clock)(),
            idle: self.limits.idle,
        }
    }

    /// The session of a token, which counts as used.
    async fn of(&self, token: TokenHash) -> Result<Option<Session>, Status> {
        let open = self.open();
        let found = self.store.session(token, open).await;
        let Some(session) = found.map_err(|error| refused(&error))? else {
            return Ok(None);
        };
        if open.now - session.seen_at >= NOTED_EVERY.min(self.limits.idle / 4) {
            // A session that cannot be noted as used ends too early at worst.
            if let Err(error) = self.store.session_seen(token, open.now).await {
                tracing::warn!(%error, "that a session is used could not be noted");
            }
        }
        Ok(Some(session))
    }
}

/// Who calls, and by which session; the gate puts it on every request beside the [`Principal`].
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The session, of a user.
    pub session: Option<Session>,
}

/// Finds out who calls.
#[derive(Clone)]
pub struct Gate {
    tokens: Vec<KnownToken>,
    sessions: OpenSessions,
}

impl Gate {
    /// A gate that knows these tokens, and the sessions of users.
    pub fn new(tokens: Vec<KnownToken>, sessions: OpenSessions) -> Self {
        Self { tokens, sessions }
    }

    /// Whose token an `authorization` header carries; `None` if it is nobody's. Hashes are compared, so the time that it
    /// takes says nothing about the token.
    ///
    /// # Errors
    /// `UNAVAILABLE` while sessions cannot be looked up.
    pub async fn caller(&self, authorization: Option<&str>) -> Result<Option<Caller>, Status> {
        let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else {
            return Ok(None);
        };
        let hash = TokenHash::of(token);
        if let Some(known) = self.tokens.iter().find(|known| known.hash == hash) {
            return Ok(Some(Caller {
                principal: known.principal.clone(),
                session: None,
            }));
        }
        let session = self.sessions.of(hash).await?;
        Ok(session.map(|session| Caller {
            principal: session.user.principal(),
            session: Some(session),
        }))
    }

    /// Whether a session is still open; asking counts as using it. While the store cannot be asked it is.
    pub async fn is_open(&self, session: TokenHash) -> bool {
        !matches!(self.sessions.of(session).await, Ok(None))
    }

    /// Lets a call to a method through, with whoever it is from; open methods may be nobody's.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a valid token, `PERMISSION_DENIED` if the method is not for this role, `UNAVAILABLE`
    /// while sessions cannot be looked up.
    pub async fn admit(&self, method: &str, authorization: Option<&str>) -> Result<Option<Caller>, Status> {
        if admission(method) == Some(Admission::Open) {
            // Who it is does not matter: nobody is kept from signing in by what is wrong with a session.
            return Ok(None);
        }
        let Some(caller) = self.caller(authorization).await? else {
            return Err(Status::unauthenticated(
                "no valid token: send `authorization: Bearer TOKEN` (commands take it from NRWDIREKT_TOKEN)",
            ));
        };
        let must_change = |session: &Session| session.user.must_change_password();
        if caller.session.as_ref().is_some_and(must_change) && !WITH_FIRST_PASSWORD.contains(&method) {
            return Err(Status::permission_denied(
                "the password is a first one: change it before anything else",
            ));
        }
        let principal = &caller.principal;
        if principal.may_call(method) {
            return Ok(Some(caller));
        }
        tracing::info!(actor = principal.name, method, "refused: not for this role");
        let roles: Vec<&str> = principal.roles.iter().map(|role| role.name()).collect();
        Err(Status::permission_denied(format!(
            "{} is not for the role {}",
            method.rsplit('/').next().unwrap_or(method),
            roles.join(", ")
        )))
    }
}
