use std::path::Path;
use std::time::Duration;

use domain::ids::{DepartmentId, TicketId};
use domain::ticket::TicketVersion;
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use store::tickets::HandOverKey;
use thiserror::Error;

use super::return_address::{ENTRY_DETAIL, ReturnAddress};

/// How a connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From its first byte.
    Wrapped,
    /// From STARTTLS on, which the server must offer.
    StartTls,
    /// Not at all.
    None,
}

/// What must be known to send mails.
pub struct MailParts<'a> {
    /// The server's name, as its certificate has it.
    pub server: &'a str,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// User and password, where the server asks for them.
    pub login: Option<(String, String)>,
    /// Who mails come from: an address, or `Name <address>`.
    pub from: &'a str,
    /// Authorities to trust beside the system's, as PEM.
    pub authorities: Option<&'a [u8]>,
    /// Where a ticket is shown; `{ticket}` stands for its number.
    pub link: Option<&'a str>,
}

/// Why mails cannot be sent with these settings.
#[derive(Debug, Error)]
pub enum MailFault {
    /// The sender is none.
    #[error("mail.from: use an address in ASCII, or a name and an address: Name <address@example.org>")]
    From,
    /// Bounces to the department could not come back.
    #[error(
        "mail.from: with ticket, version and `{0}` behind a plus its first part is longer than 64 characters; shorten it"
    )]
    Long(DepartmentId),
    /// Authorities that cannot be read.
    #[error("mail.ca_file: not certificates in PEM")]
    Authorities,
    /// TLS cannot be used.
    #[error("mail.server: TLS cannot be set up for this name")]
    Tls,
}

/// How mails are sent.
pub struct MailSettings {
    pub(super) server: String,
    pub(super) port: u16,
    pub(super) tls: MailTls,
    pub(super) tls_parameters: Option<TlsParameters>,
    pub(super) credentials: Option<Credentials>,
    pub(super) from: Mailbox,
    pub(super) link: Option<String>,
    /// How long the server may take for an answer.
    pub(super) patience: Duration,
}

impl MailSettings {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`MailFault`] names the setting.
    pub fn checked(parts: MailParts<'_>) -> Result<Self, MailFault> {
        let from: Mailbox = parts.from.parse().map_err(|_| MailFault::From)?;
        if !AsRef::<str>::as_ref(&from.email).is_ascii() {
            return Err(MailFault::From);
        }
        let tls_parameters = match parts.tls {
            MailTls::None => None,
            MailTls::Wrapped | MailTls::StartTls => Some(tls_parameters(parts.server, parts.authorities)?),
        };
        Ok(Self {
            server: parts.server.to_owned(),
            port: parts.port,
            tls: parts.tls,
            tls_parameters,
            credentials: parts
                .login
                .map(|(user, password)| Credentials::new(user, password)),
            from,
            link: parts.link.map(str::to_owned),
            patience: Duration::from_secs(30),
        })
    }

    /// Checks that what cannot be delivered to a department can come back.
    ///
    /// # Errors
    /// [`MailFault::Long`].
    pub fn check_department(&self, department: &DepartmentId) -> Result<(), MailFault> {
        let longest = HandOverKey {
            ticket: TicketId::new("T-7K3M-9QXW"),
            department: department.clone(),
            version: TicketVersion(99_999),
        };
        self.return_address(&longest)
            .map(|_| ())
            .ok_or_else(|| MailFault::Long(department.clone()))
    }

    /// Where a mail about an entry or a registration comes back to.
    pub fn entry_return_address(&self, id: &str) -> Option<Address> {
        let (user, domain) = (self.from.email.user(), self.from.email.domain());
        let user = format!("{user}+{ENTRY_DETAIL}.{id}");
        (user.len() <= 64).then(|| Address::new(user, domain).ok())?
    }

    /// Where a mail comes back to that cannot be delivered.
    pub(super) fn return_address(&self, key: &HandOverKey) -> Option<Address> {
        let (user, domain) = (self.from.email.user(), self.from.email.domain());
        let user = format!("{user}+{}", ReturnAddress::of(key));
        (user.len() <= 64).then(|| Address::new(user, domain).ok())?
    }
}

fn tls_parameters(server: &str, authorities: Option<&[u8]>) -> Result<TlsParameters, MailFault> {
    let mut builder = TlsParameters::builder(server.to_owned());
    if let Some(pem) = authorities {
        let certificate = Certificate::from_pem(pem).map_err(|_| MailFault::Authorities)?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|_| MailFault::Tls)
}

/// Whether a server is this machine, so that nothing of a mail can be read on the way to it.
pub fn is_loopback(server: &str) -> bool {
    server == "localhost"
        || server
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Reads a password from the first line of a file.
///
/// # Errors
/// The file cannot be read.
pub fn password(file: &Path) -> std::io::Result<String> {
    let text = std::fs::read_to_string(file)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
