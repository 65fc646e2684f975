//! TLS towards the database, by the parameters of its URL.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// Where systems keep the certificates of the authorities they trust.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whether and how to connect with TLS.
pub(super) enum Tls {
    Off,
    On(MakeRustlsConnect),
}

/// What a URL says about TLS.
pub(super) struct Asked {
    mode_given: bool,
    authorities: Option<PathBuf>,
}

/// Takes `sslrootcert` out of a URL: the driver does not know it. `verify-ca` and `verify-full` are what `require`
/// always does here.
pub(super) fn take_from(url: &str) -> Result<(String, Asked), StoreError> {
    let mut asked = Asked {
        mode_given: false,
        authorities: None,
    };
    let Some((address, parameters)) = url.split_once('?') else {
        return Ok((url.to_owned(), asked));
    };
    let mut kept: Vec<String> = Vec::new();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslrootcert", path)) => asked.authorities = Some(PathBuf::from(decoded(path)?)),
            Some(("sslmode", mode)) => {
                asked.mode_given = true;
                let mode = match mode {
                    "verify-ca" | "verify-full" => "require",
                    other => other,
                };
                kept.push(format!("sslmode={mode}"));
            }
            _ => kept.push(parameter.to_owned()),
        }
    }
    let url = match kept.is_empty() {
        true => address.to_owned(),
        false => format!("{address}?{}", kept.join("&")),
    };
    Ok((url, asked))
}

impl Asked {
    /// Decides for the servers of a configuration, and sets its mode.
    pub(super) fn resolve(self, config: &mut Config) -> Result<Tls, StoreError> {
        if !self.mode_given {
            let near = config.get_hosts().iter().all(is_on_this_machine)
                && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
            config.ssl_mode(if near { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_ssl_mode() == SslMode::Disable {
            return Ok(Tls::Off);
        }
        let mut roots = RootCertStore::empty();
        let path = self.authorities.or_else(system_authorities).ok_or_else(|| {
            StoreError::Unusable(
                "no certificates of authorities found; name a PEM file: sslrootcert=FILE".to_owned(),
            )
        })?;
        for certificate in read(&path)? {
            // Certificates that this TLS library cannot use are left out, as elsewhere; the others still count.
            let _ = roots.add(certificate);
        }
        if roots.is_empty() {
            return Err(unreadable(&path, "no certificate in it"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Unusable(format!("TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Tls::On(MakeRustlsConnect::new(client)))
    }
}

fn is_on_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn system_authorities() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let usual = SYSTEM_AUTHORITIES.iter().map(PathBuf::from);
    named.into_iter().chain(usual).find(|path| path.is_file())
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(path, &error.to_string()))
}

fn unreadable(path: &Path, why: &str) -> StoreError {
    StoreError::Unusable(format!(
        "the authorities in {} cannot be read: {why}",
        path.display()
    ))
}

/// Undoes the percent encoding of a URL's parameter.
fn decoded(text: &str) -> Result<String, StoreError> {
    let wrong = || StoreError::Unusable("the store's URL cannot be read: sslrootcert".to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => {
                let (high, low) = digit(rest.next()).zip(digit(rest.next())).ok_or_else(wrong)?;
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn mode(url: &str) -> SslMode {
        let (url, asked) = take_from(url).unwrap();
        let mut config = Config::from_str(&url).unwrap();
        // Authorities may be missing here; the mode is decided before they are looked for.
        let _ = asked.resolve(&mut config);
        config.get_ssl_mode()
    }

    #[test]
    fn a_server_elsewhere_is_asked_with_tls_unless_told_otherwise() {
        assert_eq!(mode("postgres://u@127.0.0.1/db"), SslMode::Disable);
        assert_eq!(mode("postgres://u@localhost:5433/db"), SslMode::Disable);
        assert_eq!(mode("postgres://u@db.example/db"), SslMode::Require);
        assert_eq!(
            mode("postgres://u@db.example/db?sslmode=disable"),
            SslMode::Disable
        );
        assert_eq!(
            mode("postgres://u@localhost/db?sslmode=verify-full"),
            SslMode::Require
        );
    }

    #[test]
    fn authorities_are_read_from_the_file_that_the_url_names() {
        let (url, asked) =
            take_from("postgres://u@h/db?sslrootcert=/no%20such.pem&connect_timeout=3").unwrap();
        assert_eq!(url, "postgres://u@h/db?connect_timeout=3");
        let refused = asked.resolve(&mut Config::from_str(&url).unwrap()).err();
        let said = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("/no such.pem"), "{said}");
    }
}
