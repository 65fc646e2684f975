//! The gRPC service `nrwdirekt.access.v1.Sessions`.

mod client;

use std::sync::Arc;

use domain::access::{AttemptKey, Principal, SignsIn, TokenHash, User, check_password, user_name};
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::ids::UserName;
use store::StoreError;
use store::users::{Changed, Ends, NewSession, Session, UserChange, UserStore};
use tonic::{Request, Response, Status};
use wire::access::{principal, principal_to_wire};
use wire::v1::access as proto;

use crate::metrics::{self, Outcome};
use crate::openid::{Claimed, OpenIdProvider};
use crate::passwords::fresh_token;
use crate::{AuditTrail, Caller, Clock, DEMO_USERS, Passwords, SessionLimits, refused};
pub use client::of as client_address;

/// What sessions work with.
#[derive(Clone)]
pub struct SessionsParts {
    /// Where users and sessions are.
    pub store: Arc<dyn UserStore>,
    /// Where it is noted who came and who was not let in.
    pub trail: AuditTrail,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// How people sign in.
    pub settings: SignInSettings,
    /// The provider, where there is one.
    pub openid: Option<Arc<OpenIdProvider>>,
    /// Tells the time.
    pub clock: Clock,
}

/// How people sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInSettings {
    /// How long sessions last.
    pub limits: SessionLimits,
    /// Whether there are local users with passwords.
    pub password: bool,
    /// An installation for trying out: demo users are named on the page for signing in.
    pub demo: bool,
}

/// Signing in and out.
#[derive(Clone)]
pub struct SessionsService {
    parts: SessionsParts,
}

impl SessionsService {
    /// The service with its parts.
    pub fn new(parts: SessionsParts) -> Self {
        Self { parts }
    }

    /// Counts an attempt, unless it comes too early.
    async fn take_attempt(&self, keys: &[AttemptKey]) -> Result<(), Status> {
        let now = (self.parts.clock)();
        let taken = self.parts.store.take_attempt(keys, now).await;
        match taken.map_err(|error| failed(&error))? {
            None => Ok(()),
            Some(until) => {
                metrics::sign_in(Outcome::HeldUp);
                let seconds = ((until - now).num_milliseconds() + 999) / 1000;
                Err(Status::resource_exhausted(format!(
                    "too many attempts failed; try again in {seconds} s"
                )))
            }
        }
    }

    /// Begins a session of a user who has proved who he or she is.
    async fn begin(
        &self,
        user: &User,
        attempt: Vec<AttemptKey>,
    ) -> Result<Response<proto::SignInResponse>, Status> {
        let at = (self.parts.clock)();
        let token = fresh_token().map_err(|error| Status::internal(error.to_string()))?;
        let session = Session {
            token: TokenHash::of(&token),
            user: user.clone(),
            seen_at: at,
            ends_at: at + self.parts.settings.limits.absolute,
        };
        let opened = self.parts.store.open_session(NewSession {
            token: session.token,
            user: user.name.clone(),
            revision: user.revision,
            at,
            ends_at: session.ends_at,
            attempt,
            noted: about(&user.principal(), AuditAction::SignedIn, &user.name, at),
        });
        match opened.await {
            Ok(()) => {}
            // Changed while the password was compared: what was right a moment ago no longer counts.
            Err(StoreError::Conflict(_)) => return self.turned_away(Some(user)).await,
            Err(error) => return Err(failed(&error)),
        }
        metrics::sign_in(Outcome::Done);
        let caller = Caller {
            principal: user.principal(),
            session: Some(session),
        };
        Ok(Response::new(proto::SignInResponse {
            token,
            principal: Some(self.told(&caller)),
        }))
    }

    /// Notes that somebody was not let in, and says no more than that.
    async fn turned_away<T>(&self, user: Option<&User>) -> Result<T, Status> {
        metrics::sign_in(Outcome::Refused);
        let at = (self.parts.clock)();
        // What was typed is not noted unless it is a user's name: it may be a password in the wrong field.
        let entry = match user {
            Some(user) => about(&user.principal(), AuditAction::SignInFailed, &user.name, at),
            None => {
                let nobody = Principal {
                    name: "unknown".to_owned(),
                    roles: std::collections::BTreeSet::new(),
                    ..Principal::operator()
                };
                NewAuditEntry::of(&nobody, AuditAction::SignInFailed, AuditSubject::none(), at)
            }
        };
        self.parts.trail.append(entry).await?;
        Err(Status::unauthenticated("name or password is wrong"))
    }

    /// A caller, with when the session ends.
    fn told(&self, caller: &Caller) -> proto::Principal {
        let idle = self.parts.settings.limits.idle.num_seconds();
        let mut told = proto::Principal {
            demo: self.parts.settings.demo,
            ..principal_to_wire(&caller.principal)
        };
        if let Some(session) = &caller.session {
            told.must_change_password = session.user.must_change_password();
            told.session_until_unix_ms = Some(session.ends_at.timestamp_millis());
            told.session_idle_s = u32::try_from(idle).ok();
        }
        told
    }

    /// The user that the provider vouches for: known by the subject, or made by the claims where that is configured.
    async fn claimed_user(&self, claimed: &Claimed) -> Result<Option<User>, Status> {
        let found = self.parts.store.user_by_subject(&claimed.subject).await;
        if let Some(user) = found.map_err(|error| failed(&error))? {
            return Ok(Some(user));
        }
        let Some(provider) = &self.parts.openid else {
            return Ok(None);
        };
        let at = (self.parts.clock)();
        let Some(user) = provider.new_user(claimed, at) else {
            return Ok(None);
        };
        let noted = about(&user.principal(), AuditAction::UserAdded, &user.name, at)
            .because("first sign-in with the provider");
        let added = self.parts.store.add_user(user.clone(), noted).await;
        match added.map_err(|error| failed(&error))? {
            store::users::Added::New => Ok(Some(user)),
            // At the same moment by another browser.
            store::users::Added::SubjectTaken => {
                let found = self.parts.store.user_by_subject(&claimed.subject).await;
                found.map_err(|error| failed(&error))
            }
            store::users::Added::NameTaken => {
                tracing::warn!(
                    user = %user.name,
                    "the provider vouches for somebody whose name another user has: an administrator has to add the user \
                     with the subject of the provider"
                );
                Ok(None)
            }
        }
    }

    fn provider(&self) -> Result<&OpenIdProvider, Status> {
        self.parts.openid.as_deref().ok_or_else(|| {
            Status::failed_precondition("no OpenID Connect provider is configured: see [sign_in.openid]")
        })
    }
}

#[tonic::async_trait]
impl proto::sessions_server::Sessions for SessionsService {
    async fn ways(&self, _: Request<proto::WaysRequest>) -> Result<Response<proto::WaysResponse>, Status> {
        let settings = &self.parts.settings;
        let mut demo_users = Vec::new();
        if settings.demo {
            for (name, ..) in DEMO_USERS {
                let found = self.parts.store.user(&UserName::new(name)).await;
                let user = found.map_err(|error| refused(&error))?;
                demo_users.extend(user.filter(|user| !user.disabled).map(|user| proto::User {
                    name: user.name.to_string(),
                    shown_name: user.shown_name.clone(),
                    roles: user.roles.iter().map(|role| role.name().to_owned()).collect(),
                    ..proto::User::default()
                }));
            }
        }
        Ok(Response::new(proto::WaysResponse {
            password: settings.password,
            openid: self
                .parts
                .openid
                .as_ref()
                .map(|provider| provider.shown_name().to_owned())
                .unwrap_or_default(),
            demo: settings.demo,
            demo_users,
        }))
    }

    async fn sign_in(
        &self,
        request: Request<proto::SignInRequest>,
    ) -> Result<Response<proto::SignInResponse>, Status> {
        if !self.parts.settings.password {
            return Err(Status::failed_precondition(
                "nobody signs in with a password here (sign_in.password = false): use the provider",
            ));
        }
        let client = client::of(&request, |request| &request.client);
        let proto::SignInRequest { name, password, .. } = request.into_inner();
        let keys = [AttemptKey::of_name(&name), AttemptKey::of_client(&client)];
        self.take_attempt(&keys).await?;
        let user = match user_name(&name.trim().to_lowercase()) {
            Ok(name) => self
                .parts
                .store
                .user(&name)
                .await
                .map_err(|error| failed(&error))?,
            Err(_) => None,
        };
        let hash = user.as_ref().and_then(|user| match &user.signs_in {
            SignsIn::Password { hash, .. } if !user.disabled => Some(hash),
            _ => None,
        });
        let is_right = self.parts.passwords.is_right(&password, hash).await?;
        // Passwords of demo users are their names. Elsewhere nobody can have chosen such a one.
        let is_right = is_right && (self.parts.settings.demo || password != name.trim().to_lowercase());
        match user {
            Some(user) if is_right => self.begin(&user, keys.to_vec()).await,
            user => self.turned_away(user.as_ref()).await,
        }
    }

    async fn begin_open_id(
        &self,
        request: Request<proto::BeginOpenIdRequest>,
    ) -> Result<Response<proto::BeginOpenIdResponse>, Status> {
        let begun = self.provider()?.begin(&request.get_ref().redirect_url).await?;
        Ok(Response::new(proto::BeginOpenIdResponse {
            url: begun.url,
            binding: begun.binding,
        }))
    }

    async fn finish_open_id(
        &self,
        request: Request<proto::FinishOpenIdRequest>,
    ) -> Result<Response<proto::SignInResponse>, Status> {
        let provider = self.provider()?;
        let keys = [AttemptKey::of_client(&client::of(&request, |request| {
            &request.client
        }))];
        self.take_attempt(&keys).await?;
        let claimed = match provider.finish(request.get_ref()).await {
            Ok(claimed) => claimed,
            Err(status) if status.code() == tonic::Code::Unauthenticated => {
                tracing::info!(
                    reason = status.message(),
                    "a sign-in with the provider was refused"
                );
                return self.turned_away(None).await;
            }
            Err(status) => {
                metrics::sign_in(Outcome::Failed);
                return Err(status);
            }
        };
        match self.claimed_user(&claimed).await? {
            Some(user) if !user.disabled => self.begin(&user, keys.to_vec()).await,
            user => self.turned_away(user.as_ref()).await,
        }
    }

    async fn who_am_i(
        &self,
        request: Request<proto::WhoAmIRequest>,
    ) -> Result<Response<proto::Principal>, Status> {
        Ok(Response::new(self.told(&caller(&request)?)))
    }

    async fn sign_out(
        &self,
        request: Request<proto::SignOutRequest>,
    ) -> Result<Response<proto::SignOutResponse>, Status> {
        // A program's token has no session that could end.
        if let Caller {
            principal,
            session: Some(session),
        } = caller(&request)?
        {
            let at = (self.parts.clock)();
            let noted = about(&principal, AuditAction::SignedOut, &session.user.name, at);
            let ended = self.parts.store.end_session(session.token, noted).await;
            ended.map_err(|error| refused(&error))?;
        }
        Ok(Response::new(proto::SignOutResponse {}))
    }

    async fn change_password(
        &self,
        request: Request<proto::ChangePasswordRequest>,
    ) -> Result<Response<proto::ChangePasswordResponse>, Status> {
        let Caller {
            principal,
            session: Some(session),
        } = caller(&request)?
        else {
            return Err(Status::failed_precondition(
                "a program has a token, no password: the configuration names it",
            ));
        };
        let proto::ChangePasswordRequest {
            old_password,
            new_password,
        } = request.into_inner();
        let mut user = session.user;
        let SignsIn::Password { hash, .. } = &user.signs_in else {
            return Err(Status::failed_precondition(
                "you sign in with the provider: the password is changed there",
            ));
        };
        check_password(&user.name, &new_password)
            .map_err(|fault| Status::invalid_argument(format!("new_password: {fault}")))?;
        if old_password == new_password {
            return Err(Status::invalid_argument(
                "new_password: it is the old one; use another one",
            ));
        }
        // Who holds a session must not find out the password by trying.
        self.take_attempt(&[AttemptKey::of_name(user.name.as_str())])
            .await?;
        if !self.parts.passwords.is_right(&old_password, Some(hash)).await? {
            return Err(Status::invalid_argument("old_password: it is not the password"));
        }
        user.signs_in = SignsIn::Password {
            hash: self.parts.passwords.hash(new_password).await?,
            is_first: false,
        };
        let at = (self.parts.clock)();
        let noted = about(&principal, AuditAction::PasswordChanged, &user.name, at);
        let changed = self.parts.store.change_user(UserChange {
            user,
            ends: Ends::AllBut(session.token),
            noted,
        });
        match changed.await.map_err(|error| refused(&error))? {
            Changed::Done { .. } => Ok(Response::new(proto::ChangePasswordResponse {})),
            Changed::SubjectTaken | Changed::LastAdministrator => {
                Err(Status::internal("a new password changed more than it should"))
            }
        }
    }
}

/// An entry of the trail about a user.
pub(crate) fn about(
    who: &Principal,
    action: AuditAction,
    user: &UserName,
    at: chrono::DateTime<chrono::Utc>,
) -> NewAuditEntry {
    NewAuditEntry::of(who, action, AuditSubject::new("user", user.as_str()), at)
}

fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    match request.extensions().get::<Caller>() {
        Some(caller) => Ok(caller.clone()),
        None => Ok(Caller {
            principal: principal(request)?,
            session: None,
        }),
    }
}

/// The store did not answer an attempt to sign in.
fn failed(error: &StoreError) -> Status {
    metrics::sign_in(Outcome::Failed);
    refused(error)
}

#[cfg(test)]
mod tests;
