//! Key pairs. The public key is all that a node has; who has the private one can read every backup.

use std::str::FromStr as _;

use age::secrecy::ExposeSecret as _;
use age::x25519;

use crate::BackupError;

/// What opens backups: the private key.
pub struct Key(x25519::Identity);

/// For whom backups are encrypted: the public key.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl Key {
    /// A new one.
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads a key file: lines of comments, and one with the key.
    ///
    /// # Errors
    /// [`BackupError::Key`] when there is no key in it.
    pub fn read(text: &str) -> Result<Self, BackupError> {
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'));
        let identity = line.and_then(|line| x25519::Identity::from_str(line).ok());
        identity.map(Self).ok_or_else(|| {
            BackupError::Key(
                "this is no key file: it has no line AGE-SECRET-KEY-1…; `nrwdirekt backup key` makes one"
                    .to_owned(),
            )
        })
    }

    /// The public key of the pair.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// The key file, as [`Key::read`] and `age` read it.
    pub fn file(&self) -> String {
        format!(
            "# opens backups of nrwdirekt; whoever has it can read them\n# public key: {}\n{}\n",
            self.recipient().text(),
            self.0.to_string().expose_secret()
        )
    }

    pub(crate) fn identity(&self) -> &dyn age::Identity {
        &self.0
    }
}

impl Recipient {
    /// Reads a public key.
    ///
    /// # Errors
    /// [`BackupError::Key`] when it is none.
    pub fn read(text: &str) -> Result<Self, BackupError> {
        x25519::Recipient::from_str(text.trim()).map(Self).map_err(|_| {
            BackupError::Key(
                "use the public key age1… of a key pair; `nrwdirekt backup key` makes one".to_owned(),
            )
        })
    }

    /// As it is written in the configuration.
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    pub(crate) fn age(&self) -> &dyn age::Recipient {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_read_again() {
        let key = Key::generate();
        let again = Key::read(&key.file()).expect("a key file");
        assert_eq!(again.recipient().text(), key.recipient().text());
        assert!(Recipient::read(&key.recipient().text()).is_ok());
    }

    #[test]
    fn a_public_key_opens_nothing() {
        let public = Key::generate().recipient().text();
        assert!(matches!(Key::read(&public), Err(BackupError::Key(_))));
        assert!(matches!(Recipient::read("age1nobody"), Err(BackupError::Key(_))));
    }
}
