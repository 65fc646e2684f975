//! The gate: whose token a call carries, and whether the method is for him or her.

use domain::access::{Admission, Principal, TokenHash, admission};
use tonic::Status;

/// A token of the configuration, or the operator's, and who has it.
#[derive(Clone, Debug)]
pub struct KnownToken {
    /// Of the token.
    pub hash: TokenHash,
    /// Who has it.
    pub principal: Principal,
}

/// Finds out who calls.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    tokens: Vec<KnownToken>,
}

impl Gate {
    /// A gate that knows these tokens.
    pub fn new(tokens: Vec<KnownToken>) -> Self {
        Self { tokens }
    }

    /// Whose token an `authorization` header carries; `None` if it is nobody's. Hashes are compared, so the time that it
    /// takes says nothing about the token.
    ///
    /// # Errors
    /// `UNAVAILABLE` while sessions cannot be looked up.
    pub async fn principal(&self, authorization: Option<&str>) -> Result<Option<Principal>, Status> {
        let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) else {
            return Ok(None);
        };
        let hash = TokenHash::of(token);
        let known = self.tokens.iter().find(|known| known.hash == hash);
        Ok(known.map(|known| known.principal.clone()))
    }

    /// Lets a call to a method through, with whoever it is from; open methods may be nobody's.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a valid token, `PERMISSION_DENIED` if the method is not for this role, `UNAVAILABLE`
    /// while sessions cannot be looked up.
    pub async fn admit(
        &self,
        method: &str,
        authorization: Option<&str>,
    ) -> Result<Option<Principal>, Status> {
        let is_open = admission(method) == Some(Admission::Open);
        match self.principal(authorization).await? {
            Some(principal) if principal.may_call(method) => Ok(Some(principal)),
            Some(principal) if !is_open => {
                tracing::info!(actor = principal.name, method, "refused: not for this role");
                let roles: Vec<&str> = principal.roles.iter().map(|role| role.name()).collect();
                Err(Status::permission_denied(format!(
                    "{} is not for the role {}",
                    method.rsplit('/').next().unwrap_or(method),
                    roles.join(", ")
                )))
            }
            _ if is_open => Ok(None),
            _ => Err(Status::unauthenticated(
                "no valid token: send `authorization: Bearer TOKEN` (commands take it from NRWDIREKT_TOKEN)",
            )),
        }
    }
}
