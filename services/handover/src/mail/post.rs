//! The connection to the mail server.

use std::error::Error as _;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;

use super::message::Letter;
use super::settings::{MailSettings, MailTls};

/// Characters of what a server says that are kept at most.
const SAID_LENGTH_MAX: usize = 200;
/// Refusals that are about the log-in, whenever they come: nothing is wrong with the mail.
const ABOUT_THE_LOG_IN: &[&str] = &["530", "534", "535", "538"];

/// Why a mail was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server cannot be used now, for any mail.
    Away(String),
    /// Not this mail, not now.
    Later(String),
    /// Not this mail, ever.
    Never {
        /// The status code.
        status: String,
        /// What the server said.
        said: String,
    },
}

/// A connection that is made when there is a mail to send.
pub(crate) struct Post<'s> {
    settings: &'s MailSettings,
    connection: Option<AsyncSmtpConnection>,
}

impl<'s> Post<'s> {
    pub(crate) fn new(settings: &'s MailSettings) -> Self {
        Self {
            settings,
            connection: None,
        }
    }

    /// Hands a mail to the server; on success the server answers for it.
    pub(crate) async fn send(&mut self, letter: &Letter) -> Result<(), Refusal> {
        let patience = self.settings.patience;
        let late = || "no answer in time".to_owned();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => tokio::time::timeout(patience, connect(self.settings))
                .await
                .map_err(|_| Refusal::Away(late()))?
                .map_err(|error| Refusal::Away(said(&error)))?,
        };
        let sending = connection.send(&letter.envelope, &letter.content);
        match tokio::time::timeout(patience, sending).await {
            Ok(Ok(_)) => {
                self.connection = Some(connection);
                Ok(())
            }
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(Refusal::Later(late())),
        }
    }

    /// Takes leave of the server.
    pub(crate) async fn close(mut self) {
        if let Some(mut connection) = self.connection.take() {
            let _ = tokio::time::timeout(self.settings.patience, connection.quit()).await;
        }
    }
}

async fn connect(settings: &MailSettings) -> Result<AsyncSmtpConnection, SmtpError> {
    let hello = ClientId::Domain(settings.from.email.domain().to_owned());
    let tls = settings.tls_parameters.clone();
    let (wrapped, starttls) = match settings.tls {
        MailTls::Wrapped => (tls, None),
        MailTls::StartTls => (None, tls),
        MailTls::None => (None, None),
    };
    let place = (settings.server.as_str(), settings.port);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(place, Some(settings.patience), &hello, wrapped, None).await?;
    if let Some(tls) = starttls {
        connection.starttls(tls, &hello).await?;
    }
    if let Some(credentials) = &settings.credentials {
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
            .await?;
    }
    Ok(connection)
}

fn refusal(error: &SmtpError) -> Refusal {
    let code = error.status().map(|code| code.to_string());
    match code {
        Some(code) if ABOUT_THE_LOG_IN.contains(&code.as_str()) => Refusal::Away(said(error)),
        Some(code) if error.is_permanent() => Refusal::Never {
            status: status(&code, &said(error)),
            said: said(error),
        },
        // Also a connection that broke while it was sent: if the server is away, the next connection tells.
        _ => Refusal::Later(said(error)),
    }
}

/// The enhanced status code (RFC 3463) if the server gave one, else the code of the answer.
fn status(code: &str, said: &str) -> String {
    let enhanced = said.split_whitespace().find(|word| is_status(word));
    enhanced.map_or_else(|| code.to_owned(), |enhanced| format!("{code} {enhanced}"))
}

/// Whether a text is an enhanced status code such as 5.1.1.
pub fn is_status(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let digits =
        |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && matches!(parts[0], "2" | "4" | "5") && parts.iter().all(digits)
}

/// What went wrong, on one line.
fn said(error: &SmtpError) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.contains(&cause_said) {
            said = format!("{said}: {cause_said}");
        }
        source = cause.source();
    }
    let words: Vec<&str> = said.split_whitespace().collect();
    words.join(" ").chars().take(SAID_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enhanced_status_is_preferred() {
        assert_eq!(status("550", "permanent error (550): 5.1.1 Unknown"), "550 5.1.1");
        assert_eq!(status("550", "permanent error (550): Unknown 1.2"), "550");
        assert!(is_status("4.2.2") && !is_status("5.1") && !is_status("5.1.x") && !is_status("9.1.1"));
    }
}
