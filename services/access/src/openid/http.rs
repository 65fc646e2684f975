//! How the provider is asked: by HTTP with TLS, or without it on this machine alone. Redirects are not followed.

use std::io::Cursor;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{HttpRequest, HttpResponse};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::OpenIdFault;

/// The provider has so long to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer is longer.
const BYTES_MAX: usize = 1 << 20;

/// Why the provider did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpFault {
    #[error("{0}: use https; http is for a provider on this machine alone")]
    Unsafe(String),
    #[error("no answer in time")]
    TooLate,
    #[error("no connection")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("the answer cannot be read: {0}")]
    Answer(String),
}

type Body = Full<Cursor<Vec<u8>>>;

/// Asks the provider.
#[derive(Clone)]
pub(super) struct HttpClient(Client<HttpsConnector<HttpConnector>, Body>);

/// An answer that is on its way.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFault>> + Send>>;

impl HttpClient {
    /// Trusts the system's authorities, and those of a PEM file.
    pub(super) fn new(authorities: Option<&[u8]>) -> Result<Self, OpenIdFault> {
        let fault = |fault: String| OpenIdFault {
            key: "ca_file",
            fault,
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in CertificateDer::pem_slice_iter(authorities.unwrap_or_default()) {
            let added = certificate.map(|certificate| roots.add(certificate));
            added
                .map_err(|error| fault(error.to_string()))?
                .map_err(|error| fault(error.to_string()))?;
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// As the library calls it.
    pub(super) fn calling(&self) -> impl Fn(HttpRequest) -> Answering + Send + Sync + use<> {
        let client = self.clone();
        move |request| {
            let client = client.clone();
            Box::pin(async move { client.answer(request).await })
        }
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpFault> {
        let (parts, body) = request.into_parts();
        // The provider itself may have named an address that is not safe.
        if !is_safe(parts.uri.scheme_str().unwrap_or_default(), parts.uri.host()) {
            return Err(HttpFault::Unsafe(parts.uri.to_string()));
        }
        let request = openidconnect::http::Request::from_parts(parts, Full::new(Cursor::new(body)));
        let asked = async {
            let (parts, body) = self.0.request(request).await?.into_parts();
            let read = Limited::new(body, BYTES_MAX).collect().await;
            let body = read.map_err(|error| HttpFault::Answer(error.to_string()))?;
            Ok(HttpResponse::from_parts(parts, body.to_bytes().to_vec()))
        };
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or(Err(HttpFault::TooLate))
    }
}

/// Whether what is sent there cannot be read on the way.
pub(super) fn is_safe(scheme: &str, host: Option<&str>) -> bool {
    let is_here = |host: &str| {
        let plain = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || plain
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    };
    match scheme {
        "https" => true,
        "http" => host.is_some_and(is_here),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn without_tls_only_this_machine_is_asked() {
        for (scheme, host, safe) in [
            ("https", "sso.example.org", true),
            ("http", "127.0.0.1", true),
            ("http", "[::1]", true),
            ("http", "localhost", true),
            ("http", "sso.example.org", false),
            ("http", "127.0.0.1.example.org", false),
            ("file", "localhost", false),
        ] {
            assert_eq!(is_safe(scheme, Some(host)), safe, "{scheme}://{host}");
        }
        assert!(!is_safe("http", None));
    }
}
