//! Connections of the server: plain on loopback, TLS where it is configured.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::Context;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Handshakes that may be on their way at once; further clients wait.
const HANDSHAKES: usize = 64;
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Out of file descriptors, most likely: some will be free soon.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Where the server takes connections.
pub(crate) struct Listener {
    address: SocketAddr,
    kind: Kind,
}

enum Kind {
    Plain(TcpListener),
    Tls(mpsc::Receiver<TlsStream<TcpStream>>),
}

/// A connection, whichever way it is carried.
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Listener {
    /// Binds the address; with certificate and key, connections are TLS.
    pub(crate) async fn bind(address: SocketAddr, tls: Option<&(PathBuf, PathBuf)>) -> anyhow::Result<Self> {
        let tcp = TcpListener::bind(address).await.with_context(|| {
            format!("{address} cannot be listened on; is another node running? Choose another with --listen")
        })?;
        let address = tcp.local_addr()?;
        let kind = match tls {
            None => Kind::Plain(tcp),
            Some((certificate, key)) => Kind::Tls(handshakes(tcp, acceptor(certificate, key)?)),
        };
        Ok(Self { address, kind })
    }

    /// The address, with the port that was given where none was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("server.tls_certificate {}", certificate.display()))?;
    let key =
        PrivateKeyDer::from_pem_file(key).with_context(|| format!("server.tls_key {}", key.display()))?;
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("server.tls_certificate and server.tls_key do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Does handshakes beside each other, so that a slow client does not hold up the others.
fn handshakes(tcp: TcpListener, acceptor: TlsAcceptor) -> mpsc::Receiver<TlsStream<TcpStream>> {
    let (done, ready) = mpsc::channel(HANDSHAKES);
    let free = Arc::new(tokio::sync::Semaphore::new(HANDSHAKES));
    tokio::spawn(async move {
        while !done.is_closed() {
            let permit = Arc::clone(&free)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let Ok((stream, _)) = tcp.accept().await else {
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            };
            let (acceptor, done) = (acceptor.clone(), done.clone());
            tokio::spawn(async move {
                let handshake = tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await;
                drop(permit);
                match handshake {
                    Ok(Ok(stream)) => drop(done.send(stream).await),
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            });
        }
    });
    ready
}

impl Listener {
    /// The next connection, through whatever goes wrong with single ones.
    pub(crate) async fn accept(&mut self) -> Connection {
        match &mut self.kind {
            Kind::Plain(tcp) => loop {
                match tcp.accept().await {
                    Ok((stream, _)) => {
                        // Small messages, both ways, that somebody waits for.
                        let _ = stream.set_nodelay(true);
                        return Connection::Plain(stream);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                }
            },
            Kind::Tls(ready) => match ready.recv().await {
                Some(stream) => Connection::Tls(Box::new(stream)),
                None => std::future::pending().await,
            },
        }
    }
}

impl Connection {
    /// The address of the other side.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        stream.peer_addr().ok()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut TaskContext<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
