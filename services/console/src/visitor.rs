//! Whoever looks at a page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::access::{Principal, Role};
use wire::v1::access as proto;

use crate::backend::Services;
use crate::trouble::Trouble;

/// Who looks, with the services as he or she may call them. The guard puts it on every request but those of open pages.
#[derive(Clone)]
#[allow(dead_code, reason = "pages use what they need")]
pub(crate) struct Visitor {
    /// Who.
    pub(crate) principal: Principal,
    /// The services, with the session of the visitor.
    pub(crate) services: Services,
    /// When the session ends at the latest, in milliseconds since 1970.
    pub(crate) session_until_unix_ms: Option<i64>,
    /// Nothing but changing the password is allowed.
    pub(crate) must_change_password: bool,
    /// An installation for trying out.
    pub(crate) is_demo: bool,
}

#[allow(dead_code, reason = "pages use what they need")]
impl Visitor {
    pub(crate) fn new(told: &proto::Principal, services: Services) -> Self {
        Self {
            principal: wire::access::principal_from_wire(told),
            services,
            session_until_unix_ms: told.session_until_unix_ms,
            must_change_password: told.must_change_password,
            is_demo: told.demo,
        }
    }

    /// Whether the visitor has a role.
    pub(crate) fn is(&self, role: Role) -> bool {
        self.principal.is(role)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Trouble> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Trouble::SignIn(None))
    }
}
