use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// A connection that carries a token, or none.
pub type Connection = InterceptedService<Channel, Token>;

/// Puts a token on every call.
#[derive(Clone, Debug, Default)]
pub struct Token(Option<MetadataValue<Ascii>>);

impl Token {
    /// No token at all.
    pub fn none() -> Self {
        Self(None)
    }

    /// This one.
    ///
    /// # Panics
    /// When it has characters that none has.
    pub fn of(token: &str) -> Self {
        let value = format!("Bearer {token}").parse();
        Self(Some(value.expect("a token of visible characters")))
    }
}

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Connects at the first call, and again after the connection was lost.
///
/// # Panics
/// When `url` is none.
pub fn connect(url: &str, token: Token) -> Connection {
    let endpoint = Endpoint::from_shared(url.to_owned()).expect("a URL");
    let channel = endpoint.connect_timeout(Duration::from_secs(5)).connect_lazy();
    InterceptedService::new(channel, token)
}
