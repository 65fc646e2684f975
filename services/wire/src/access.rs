//! Who calls: the principal that the gate puts on every request, and its way to the wire.

use domain::access::{Principal, Role};
use domain::ids::{AgentName, DepartmentId};
use tonic::{Request, Status};

use crate::v1::access as proto;

/// Whoever a request is from, as the gate found out.
///
/// # Errors
/// `UNAUTHENTICATED` where no gate stands before the service: nothing is told then.
pub fn principal<T>(request: &Request<T>) -> Result<Principal, Status> {
    request
        .extensions()
        .get::<Principal>()
        .cloned()
        .ok_or_else(|| Status::unauthenticated("no token: send `authorization: Bearer TOKEN`"))
}

/// Marks a request that was made within the process, by the console; requests from the network never carry it, because
/// their extensions are made by the server.
#[derive(Clone, Copy, Debug)]
pub struct WithinProcess;

/// A request as the gate lets it through, for tests and for callers within the process.
pub fn by<T>(principal: Principal, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(principal);
    request
}

/// A principal as it is told. Sessions add when they end.
pub fn principal_to_wire(principal: &Principal) -> proto::Principal {
    proto::Principal {
        name: principal.name.clone(),
        shown_name: principal.shown_name.clone(),
        roles: principal
            .roles
            .iter()
            .map(|role| role.name().to_owned())
            .collect(),
        department: principal
            .department
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        agent: principal
            .agent
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        is_user: principal.is_user,
        ..proto::Principal::default()
    }
}

/// A principal as it was told; unknown roles are left out.
pub fn principal_from_wire(principal: &proto::Principal) -> Principal {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Principal {
        name: principal.name.clone(),
        shown_name: principal.shown_name.clone(),
        roles: principal
            .roles
            .iter()
            .filter_map(|role| Role::from_name(role))
            .collect(),
        department: given(&principal.department).map(DepartmentId::new),
        agent: given(&principal.agent).map(AgentName::new),
        is_user: principal.is_user,
    }
}
