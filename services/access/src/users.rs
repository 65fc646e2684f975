//! The gRPC service `nrwdirekt.access.v1.Users`.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::SubsecRound as _;
use domain::access::{Role, SignsIn, User, UserFault, check_password, user_name};
use domain::audit::AuditAction;
use domain::ids::{AgentName, DepartmentId, UserName};
use store::users::{Added, Changed, Ends, ListedUser, Open, UserChange, UserStore};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::access as proto;

use crate::passwords::fresh_password;
use crate::sessions::about;
use crate::{Clock, Passwords, SessionLimits, refused};

/// Whether there is such a department now.
pub type IsDepartment = Arc<dyn Fn(&DepartmentId) -> bool + Send + Sync>;

/// What the service works with.
#[derive(Clone)]
pub struct UsersParts {
    /// Where users are.
    pub store: Arc<dyn UserStore>,
    /// Hashes first passwords.
    pub passwords: Passwords,
    /// How long sessions last: which are open.
    pub limits: SessionLimits,
    /// Asks the rules of the moment.
    pub is_department: IsDepartment,
    /// Tells the time.
    pub clock: Clock,
}

/// Looking after users.
#[derive(Clone)]
pub struct UsersService {
    parts: UsersParts,
}

impl UsersService {
    /// The service with its parts.
    pub fn new(parts: UsersParts) -> Self {
        Self { parts }
    }

    fn open(&self) -> Open {
        Open {
            now: (self.parts.clock)(),
            idle: self.parts.limits.idle,
        }
    }

    async fn user(&self, name: &str) -> Result<User, Status> {
        let unknown = || Status::not_found(format!("name: there is no user {name:?}"));
        let name = user_name(name.trim()).map_err(|_| unknown())?;
        let found = self.parts.store.user(&name).await;
        found.map_err(|error| refused(&error))?.ok_or_else(unknown)
    }

    /// A user as it is listed, with the sessions that are open now.
    async fn listed(&self, name: &UserName) -> Result<proto::User, Status> {
        let user = self.user(name.as_str()).await?;
        let sessions = self.parts.store.open_sessions(Some(name), self.open()).await;
        Ok(user_to_wire(&ListedUser {
            user,
            sessions: sessions.map_err(|error| refused(&error))?,
        }))
    }

    /// Checks a user as it is to be, by its own rules and by those of the moment.
    fn check(&self, user: &User) -> Result<(), Status> {
        user.check().map_err(|fault| invalid(&fault))?;
        match &user.department {
            Some(department) if !(self.parts.is_department)(department) => {
                Err(Status::invalid_argument(format!(
                    "department: there is no {department}; `nrwdirekt config rules` names those that are there"
                )))
            }
            _ => Ok(()),
        }
    }

    /// A first password: the one that is given, or one that is made, which is told then.
    async fn first_password(&self, name: &UserName, given: String) -> Result<(SignsIn, String), Status> {
        let (password, told) = if given.is_empty() {
            let made = fresh_password().map_err(|error| Status::internal(error.to_string()))?;
            (made.clone(), made)
        } else {
            check_password(name, &given)
                .map_err(|fault| Status::invalid_argument(format!("password: {fault}")))?;
            (given, String::new())
        };
        let signs_in = SignsIn::Password {
            hash: self.parts.passwords.hash(password).await?,
            is_first: true,
        };
        Ok((signs_in, told))
    }

    async fn apply(&self, change: UserChange) -> Result<(), Status> {
        match self
            .parts
            .store
            .change_user(change)
            .await
            .map_err(|error| refused(&error))?
        {
            Changed::Done { .. } => Ok(()),
            Changed::SubjectTaken => Err(subject_taken()),
            Changed::LastAdministrator => Err(Status::failed_precondition(
                "this is the last administrator who can sign in: make somebody else one first",
            )),
        }
    }
}

#[tonic::async_trait]
impl proto::users_server::Users for UsersService {
    async fn list_users(
        &self,
        request: Request<proto::ListUsersRequest>,
    ) -> Result<Response<proto::ListUsersResponse>, Status> {
        let request = request.into_inner();
        let page = match request.page_size {
            0 => 100,
            size @ 1..=500 => size as usize,
            _ => return Err(Status::invalid_argument("page_size: use 1 to 500")),
        };
        let after = Some(request.page_token).filter(|token| !token.is_empty());
        let after = after.map(|token| user_name(&token)).transpose().map_err(|_| {
            Status::invalid_argument("page_token: use the next_page_token of the page before")
        })?;
        let users = self
            .parts
            .store
            .users(after.as_ref(), page + 1, self.open())
            .await;
        let mut users = users.map_err(|error| refused(&error))?;
        let has_more = users.len() > page;
        users.truncate(page);
        let last = users.last().map(|listed| listed.user.name.to_string());
        Ok(Response::new(proto::ListUsersResponse {
            users: users.iter().map(user_to_wire).collect(),
            next_page_token: last.filter(|_| has_more).unwrap_or_default(),
        }))
    }

    async fn add_user(
        &self,
        request: Request<proto::AddUserRequest>,
    ) -> Result<Response<proto::AddUserResponse>, Status> {
        let by = principal(&request)?;
        let request = request.into_inner();
        let name = user_name(request.name.trim()).map_err(|fault| invalid(&fault))?;
        let at = (self.parts.clock)().trunc_subsecs(3);
        let subject = request.openid_subject.trim().to_owned();
        if !subject.is_empty() && !request.password.is_empty() {
            return Err(Status::invalid_argument(
                "password: who signs in with the provider (openid_subject) has none here; give one of both",
            ));
        }
        let shown = request.shown_name.trim();
        let mut user = User {
            shown_name: if shown.is_empty() {
                name.to_string()
            } else {
                shown.to_owned()
            },
            roles: roles(&request.roles)?,
            department: given(&request.department).map(DepartmentId::new),
            agent: given(&request.agent).map(AgentName::new),
            disabled: false,
            signs_in: SignsIn::Provider {
                subject: if subject.is_empty() {
                    "-".to_owned()
                } else {
                    subject.clone()
                },
            },
            created_at: at,
            last_sign_in_at: None,
            revision: 1,
            name,
        };
        self.check(&user)?;
        let mut told = String::new();
        if subject.is_empty() {
            (user.signs_in, told) = self.first_password(&user.name, request.password).await?;
        }
        let noted = about(&by, AuditAction::UserAdded, &user.name, at);
        let added = self.parts.store.add_user(user.clone(), noted).await;
        match added.map_err(|error| refused(&error))? {
            Added::New => Ok(Response::new(proto::AddUserResponse {
                user: Some(user_to_wire(&ListedUser { user, sessions: 0 })),
                first_password: told,
            })),
            Added::NameTaken => Err(Status::already_exists(format!(
                "name: there is a user {} already; use another name",
                user.name
            ))),
            Added::SubjectTaken => Err(subject_taken()),
        }
    }

    async fn change_user(
        &self,
        request: Request<proto::ChangeUserRequest>,
    ) -> Result<Response<proto::User>, Status> {
        let by = principal(&request)?;
        let request = request.into_inner();
        let before = self.user(&request.name).await?;
        let mut user = before.clone();
        if let Some(shown) = request.shown_name {
            shown.trim().clone_into(&mut user.shown_name);
        }
        if let Some(list) = request.roles {
            user.roles = roles(&list.roles)?;
        }
        if let Some(department) = request.department {
            user.department = given(&department).map(DepartmentId::new);
        }
        if let Some(agent) = request.agent {
            user.agent = given(&agent).map(AgentName::new);
        }
        if let Some(disabled) = request.disabled {
            user.disabled = disabled;
        }
        match request.openid_subject.as_deref().map(str::trim) {
            None => {}
            Some("") if matches!(user.signs_in, SignsIn::Password { .. }) => {}
            Some("") => {
                return Err(Status::invalid_argument(
                    "openid_subject: who signs in with the provider needs one; to sign in with a password instead, \
                     use ResetPassword",
                ));
            }
            Some(subject) => {
                user.signs_in = SignsIn::Provider {
                    subject: subject.to_owned(),
                };
            }
        }
        self.check(&user)?;
        let ends = if user.has_same_rights_as(&before) {
            Ends::None
        } else {
            Ends::All
        };
        let name = user.name.clone();
        if user != before {
            let noted = about(&by, AuditAction::UserChanged, &name, (self.parts.clock)())
                .because(&changed_fields(&before, &user));
            self.apply(UserChange { user, ends, noted }).await?;
        }
        Ok(Response::new(self.listed(&name).await?))
    }

    async fn reset_password(
        &self,
        request: Request<proto::ResetPasswordRequest>,
    ) -> Result<Response<proto::ResetPasswordResponse>, Status> {
        let by = principal(&request)?;
        let request = request.into_inner();
        let mut user = self.user(&request.name).await?;
        let (signs_in, told) = self.first_password(&user.name, request.password).await?;
        user.signs_in = signs_in;
        let noted = about(&by, AuditAction::PasswordReset, &user.name, (self.parts.clock)());
        self.apply(UserChange {
            user,
            ends: Ends::All,
            noted,
        })
        .await?;
        Ok(Response::new(proto::ResetPasswordResponse {
            first_password: told,
        }))
    }

    async fn end_sessions(
        &self,
        request: Request<proto::EndSessionsRequest>,
    ) -> Result<Response<proto::EndSessionsResponse>, Status> {
        let by = principal(&request)?;
        let user = self.user(&request.get_ref().name).await?;
        let noted = about(&by, AuditAction::SessionsEnded, &user.name, (self.parts.clock)());
        let ended = self.parts.store.end_sessions(&user.name, noted).await;
        Ok(Response::new(proto::EndSessionsResponse {
            ended: ended.map_err(|error| refused(&error))?,
        }))
    }
}

fn invalid(fault: &UserFault) -> Status {
    Status::invalid_argument(fault.to_string())
}

fn subject_taken() -> Status {
    Status::already_exists(
        "openid_subject: another user signs in as it; every user has one of his or her own",
    )
}

fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn roles(names: &[String]) -> Result<BTreeSet<Role>, Status> {
    let role = |name: &String| {
        let name = name.trim();
        Role::from_name(name).ok_or_else(|| invalid(&UserFault::UnknownRole(name.to_owned())))
    };
    names.iter().map(role).collect()
}

/// What of a user was changed, for the trail: names of fields, and roles as they are now.
fn changed_fields(before: &User, after: &User) -> String {
    let mut fields = Vec::new();
    if before.shown_name != after.shown_name {
        fields.push("shown_name".to_owned());
    }
    if before.roles != after.roles {
        let names: Vec<&str> = after.roles.iter().map(|role| role.name()).collect();
        fields.push(format!("roles: {}", names.join(" ")));
    }
    if before.department != after.department {
        let department = after.department.as_ref().map_or("none", DepartmentId::as_str);
        fields.push(format!("department: {department}"));
    }
    if before.agent != after.agent {
        fields.push("agent".to_owned());
    }
    if before.disabled != after.disabled {
        fields.push(if after.disabled { "disabled" } else { "enabled" }.to_owned());
    }
    if before.signs_in != after.signs_in {
        fields.push("openid_subject".to_owned());
    }
    fields.join(", ")
}

/// A user as administrators see it.
fn user_to_wire(listed: &ListedUser) -> proto::User {
    let user = &listed.user;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    proto::User {
        name: user.name.to_string(),
        shown_name: user.shown_name.clone(),
        roles: user.roles.iter().map(|role| role.name().to_owned()).collect(),
        department: text(user.department.as_ref().map(DepartmentId::as_str)),
        agent: text(user.agent.as_ref().map(AgentName::as_str)),
        disabled: user.disabled,
        openid_subject: match &user.signs_in {
            SignsIn::Provider { subject } => subject.clone(),
            SignsIn::Password { .. } => String::new(),
        },
        created_at_unix_ms: user.created_at.timestamp_millis(),
        last_sign_in_unix_ms: user.last_sign_in_at.map(|at| at.timestamp_millis()),
        sessions: listed.sessions,
        must_change_password: user.must_change_password(),
    }
}

#[cfg(test)]
mod tests;
