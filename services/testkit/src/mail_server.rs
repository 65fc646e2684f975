use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::servers::{ops, run};
use crate::{Builder, eventually};

/// A mail server of one test's own. It ends with the test.
pub struct MailServer {
    ops: String,
    folder: TempDir,
    /// Its port on `localhost`.
    pub port: String,
}

impl MailServer {
    /// Starts it; none where the scripts are not at hand.
    ///
    /// # Panics
    /// When it cannot be started, or the scripts are missing in CI.
    pub fn start() -> Option<Self> {
        let mut server = Self {
            ops: ops()?,
            folder: tempfile::tempdir().expect("a temporary folder"),
            port: String::new(),
        };
        server.start_again();
        Some(server)
    }

    /// Starts it, with its mails, where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let address = run(&format!("{}/mail/start", self.ops), &self.folder, &[]);
        let port = address.rsplit_once(':').expect("an address").1.to_owned();
        assert!(
            self.port.is_empty() || self.port == port,
            "it is back where it was"
        );
        self.port = port;
    }

    /// Stops it.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&self) {
        run(&format!("{}/mail/stop", self.ops), &self.folder, &[]);
    }

    /// Tells a node how to send mails by it.
    pub fn settings(&self, builder: Builder) -> Builder {
        let data = self.data();
        let path = |name: &str| data.join(name).to_str().expect("a path of text").to_owned();
        [
            ("server", "localhost"),
            ("port", &self.port),
            ("tls", "starttls"),
            ("user", "nrwdirekt"),
            ("password_file", &path("password")),
            ("ca_file", &path("server.pem")),
            ("from", "Nordrhein-Westfalen direkt <nrwdirekt@example.org>"),
        ]
        .into_iter()
        .fold(builder, |builder, (key, value)| {
            builder.set(&format!("mail.{key}"), value)
        })
    }

    /// The first mail to an address that begins so, as the server keeps it, once it is there.
    ///
    /// # Panics
    /// When none comes.
    pub async fn mail_to(&self, address: &str) -> Vec<u8> {
        eventually(&format!("a mail to {address}"), async || {
            self.mails_to(address).into_iter().next()
        })
        .await
    }

    /// The mails to an address that begins so, in no order.
    pub fn mails_to(&self, address: &str) -> Vec<Vec<u8>> {
        let Ok(files) = fs::read_dir(self.data().join("mail/new")) else {
            return Vec::new();
        };
        let mails = files.filter_map(|file| fs::read(file.ok()?.path()).ok());
        let wanted = format!("Envelope-to: {address}").to_lowercase();
        mails
            .filter(|mail| String::from_utf8_lossy(mail).to_lowercase().contains(&wanted))
            .collect()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = Command::new(format!("{}/mail/stop", self.ops))
            .arg("--dir")
            .arg(self.folder.path())
            .arg("--discard")
            .status();
    }
}
