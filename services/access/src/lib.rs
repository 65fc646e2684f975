//! Who is who: tokens, users and their sessions, and the gate that every call goes through.
//!
//! Owns how somebody proves who he or she is (by token, by password, by an OpenID Connect provider), and the audit trail's
//! way into the store. What a role may do is decided by `domain::access`; the gate applies it to methods, and services
//! apply it to what they answer. Must not know pages.

mod access_log;
mod first_users;
mod gate;
mod metrics;
mod openid;
mod passwords;
mod sessions;
mod sweep;
pub mod testing;
mod trail;
mod users;

pub use access_log::{AccessLog, AccessLogWriter, access_log, sweep_access_log};
pub use domain::access::TokenHash;
pub(crate) use first_users::DEMO_USERS;
pub use first_users::{FirstUsers, add_first_users};
pub use gate::{Caller, Gate, KnownToken, OpenSessions, SessionLimits};
pub use metrics::describe as describe_metrics;
pub use openid::{OpenIdFault, OpenIdParts, OpenIdProvider};
pub use passwords::{NoRandomBytes, Passwords, fresh_password};
pub use sessions::{SessionsParts, SessionsService, SignInSettings, client_address};
use store::StoreError;
pub use sweep::sweep;
use tonic::Status;
pub use trail::AuditTrail;
pub use users::{IsDepartment, UsersParts, UsersService};

/// Tells the time.
pub type Clock = std::sync::Arc<dyn Fn() -> chrono::DateTime<chrono::Utc> + Send + Sync>;

/// What the store's refusal means to whoever asked.
pub(crate) fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "the store of users refused");
    match error {
        StoreError::Unavailable(_) => Status::unavailable("the store is not available; try again"),
        StoreError::NoRoom => Status::unavailable("the store has no room on its disk"),
        StoreError::Conflict(_) => Status::aborted("somebody else changed it at the same time; try again"),
        StoreError::SlotTaken(_) | StoreError::UnknownVersion(_) | StoreError::Unusable(_) => {
            Status::internal("the store of users cannot be used; the log says why")
        }
    }
}
