//! How commands reach the server.

mod acts;
mod outage;

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Request, Status};

pub(crate) use acts::{Once, act};
pub(crate) use outage::Outage;

use crate::exit::Failure;

/// A connection that carries the token.
pub(crate) type Connection = InterceptedService<Channel, Bearer>;

/// Puts the token on every call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Connects to a server with the token that this user has for it.
pub(crate) async fn connect(server: &str) -> anyhow::Result<Connection> {
    connect_with(server, token(server).as_deref()).await
}

/// Connects to a server with a token.
pub(crate) async fn connect_with(server: &str, token: Option<&str>) -> anyhow::Result<Connection> {
    outage::patience()?;
    let uri = server.parse().map_err(|_| {
        Failure::usage(format!(
            "--server: {server} is not a URL like {}",
            crate::config::DEFAULT_URL
        ))
    })?;
    let endpoint = endpoint(uri)?;
    let channel = endpoint.connect().await.map_err(|error| {
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(" ({cause})"))
            .unwrap_or_default();
        Failure::server(format!(
            "no server at {server}{cause}; start one with `nrwdirekt up`, or name it with --server"
        ))
    })?;
    let bearer = match token.map(|token| format!("Bearer {token}").parse()) {
        None => None,
        Some(Ok(value)) => Some(value),
        Some(Err(_)) => {
            return Err(Failure::usage(
                "NRWDIREKT_TOKEN: not a token; it has characters that none has",
            ));
        }
    };
    Ok(InterceptedService::new(channel, Bearer(bearer)))
}

/// How a server is reached.
pub(crate) fn endpoint(server: Uri) -> anyhow::Result<Endpoint> {
    let is_tls = server.scheme_str() == Some("https");
    let endpoint = Endpoint::from(server)
        .connect_timeout(Duration::from_secs(5))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    Ok(if is_tls {
        endpoint.tls_config(authorities()?)?
    } else {
        endpoint
    })
}

/// Whose certificates are trusted: the system's authorities, and that of NRWDIREKT_CA, a PEM file.
fn authorities() -> anyhow::Result<ClientTlsConfig> {
    let config = ClientTlsConfig::new().with_native_roots();
    let Some(file) = std::env::var_os("NRWDIREKT_CA") else {
        return Ok(config);
    };
    let pem = std::fs::read(&file)
        .map_err(|error| Failure::usage(format!("NRWDIREKT_CA {}: {error}", file.to_string_lossy())))?;
    Ok(config.ca_certificate(Certificate::from_pem(pem)))
}

fn token(server: &str) -> Option<String> {
    if let Ok(token) = std::env::var("NRWDIREKT_TOKEN") {
        return Some(token.trim().to_owned());
    }
    // A token that a server of this user left belongs to this machine: no other host is to see it.
    let address: Uri = server.parse().ok()?;
    let here = matches!(address.host()?, "localhost" | "127.0.0.1" | "[::1]");
    address
        .port_u16()
        .filter(|_| here)
        .and_then(crate::auth::left_token)
}
