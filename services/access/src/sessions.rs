//! The gRPC service `nrwdirekt.access.v1.Sessions`.

use tonic::{Request, Response, Status};
use wire::access::{principal, principal_to_wire};
use wire::v1::access as proto;

/// What sessions work with.
#[derive(Clone)]
pub struct SessionsParts {
    /// Tells the time.
    pub clock: crate::Clock,
}

/// Signing in and out.
#[derive(Clone)]
pub struct SessionsService {
    _parts: SessionsParts,
}

impl SessionsService {
    /// The service with its parts.
    pub fn new(parts: SessionsParts) -> Self {
        Self { _parts: parts }
    }
}

#[tonic::async_trait]
impl proto::sessions_server::Sessions for SessionsService {
    async fn ways(&self, _: Request<proto::WaysRequest>) -> Result<Response<proto::WaysResponse>, Status> {
        Ok(Response::new(proto::WaysResponse {
            password: true,
            ..proto::WaysResponse::default()
        }))
    }

    async fn sign_in(
        &self,
        _: Request<proto::SignInRequest>,
    ) -> Result<Response<proto::SignInResponse>, Status> {
        Err(Status::unimplemented("no users yet"))
    }

    async fn begin_open_id(
        &self,
        _: Request<proto::BeginOpenIdRequest>,
    ) -> Result<Response<proto::BeginOpenIdResponse>, Status> {
        Err(Status::unimplemented("no provider yet"))
    }

    async fn finish_open_id(
        &self,
        _: Request<proto::FinishOpenIdRequest>,
    ) -> Result<Response<proto::SignInResponse>, Status> {
        Err(Status::unimplemented("no provider yet"))
    }

    async fn who_am_i(
        &self,
        request: Request<proto::WhoAmIRequest>,
    ) -> Result<Response<proto::Principal>, Status> {
        Ok(Response::new(principal_to_wire(&principal(&request)?)))
    }

    async fn sign_out(
        &self,
        _: Request<proto::SignOutRequest>,
    ) -> Result<Response<proto::SignOutResponse>, Status> {
        Err(Status::unimplemented("no sessions yet"))
    }

    async fn change_password(
        &self,
        _: Request<proto::ChangePasswordRequest>,
    ) -> Result<Response<proto::ChangePasswordResponse>, Status> {
        Err(Status::unimplemented("no users yet"))
    }
}
