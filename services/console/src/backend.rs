//! The way to the gRPC services: within the process, or over the network. Both take the same calls and check the same
//! tokens.

use std::convert::Infallible;

use axum::Router;
use http::{Request, Response};
use tonic::body::Body;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request as GrpcRequest, Status};
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};
use wire::access::WithinProcess;
use wire::v1::access::sessions_client::SessionsClient;
use wire::v1::access::users_client::UsersClient;
use wire::v1::calls::intake_client::IntakeClient;
use wire::v1::privacy::access_log_client::AccessLogClient;
use wire::v1::privacy::audit_client::AuditClient;
use wire::v1::privacy::erasures_client::ErasuresClient;
use wire::v1::privacy::register_client::RegisterClient;
use wire::v1::privacy::retention_client::RetentionClient;
use wire::v1::privacy::rights_client::RightsClient;
use wire::v1::reporting::figures_client::FiguresClient;
use wire::v1::reporting::live_client::LiveClient;
use wire::v1::reporting::records_client::RecordsClient;
use wire::v1::reporting::rejected_items_client::RejectedItemsClient;
use wire::v1::reporting::reporting_client::ReportingClient;
use wire::v1::tickets::handover_client::HandoverClient;
use wire::v1::tickets::registrations_client::RegistrationsClient;
use wire::v1::tickets::rules_client::RulesClient;
use wire::v1::tickets::ticketing_client::TicketingClient;

/// The gRPC services.
#[derive(Clone)]
pub struct Backend(BoxCloneSyncService<Request<Body>, Response<Body>, Status>);

impl Backend {
    /// Those of this process, with the gate before them.
    pub fn within(services: Router) -> Self {
        let services = service_fn(move |request| answered(services.clone(), request));
        Self(BoxCloneSyncService::new(services))
    }

    /// Those of another node, but for signing in and users, which this process answers from the same store.
    pub fn beside(services: Router, others: Channel) -> Self {
        let services = service_fn(move |request: Request<Body>| {
            let (services, others) = (services.clone(), others.clone());
            async move {
                if request.uri().path().starts_with("/nrwdirekt.access.") {
                    return answered(services, request).await;
                }
                let answer = others.oneshot(request).await;
                answer.map_err(|error| Status::from_error(error.into()))
            }
        });
        Self(BoxCloneSyncService::new(services))
    }

    /// The services as somebody calls them, by the token of the session; without one, the open methods alone.
    pub(crate) fn by(&self, token: Option<&str>) -> Services {
        let token = token.and_then(|token| format!("Bearer {token}").parse().ok());
        Services(InterceptedService::new(self.0.clone(), Bearer(token)))
    }
}

/// The answer of a service of this process.
async fn answered(services: Router, mut request: Request<Body>) -> Result<Response<Body>, Status> {
    request.extensions_mut().insert(WithinProcess);
    let answered: Result<_, Infallible> = services.oneshot(request).await;
    let Ok(response) = answered;
    Ok(response.map(Body::new))
}

/// Puts the token of a session on every call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: GrpcRequest<()>) -> Result<GrpcRequest<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A connection that carries the session of whoever looks.
pub(crate) type Connection =
    InterceptedService<BoxCloneSyncService<Request<Body>, Response<Body>, Status>, Bearer>;

/// The services as somebody calls them.
#[derive(Clone)]
pub(crate) struct Services(Connection);

macro_rules! clients {
    ($($name:ident: $client:ident),* $(,)?) => {
        #[allow(dead_code, reason = "pages use what they need")]
        impl Services {
            $(
                pub(crate) fn $name(&self) -> $client<Connection> {
                    $client::new(self.0.clone())
                }
            )*
        }
    };
}

clients! {
    sessions: SessionsClient,
    users: UsersClient,
    access_log: AccessLogClient,
    audit: AuditClient,
    retention: RetentionClient,
    register: RegisterClient,
    rights: RightsClient,
    erasures: ErasuresClient,
    intake: IntakeClient,
    ticketing: TicketingClient,
    rules: RulesClient,
    registrations: RegistrationsClient,
    handover: HandoverClient,
    reporting: ReportingClient,
    figures: FiguresClient,
    live: LiveClient,
    records: RecordsClient,
    rejected: RejectedItemsClient,
}
