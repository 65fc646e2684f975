//! Key pairs. The public key is all that a node has; who has the private one can read every backup.

use std::str::FromStr as _;

use age::secrecy::ExposeSecret as _;
use age::x25519;

use crate::BackupError;

/// What opens backups: the private key, and those of before, as long as there is something that was made for them.
pub struct Key {
    key: x25519::Identity,
    before: Vec<x25519::Identity>,
}

/// For whom backups are encrypted: the public key.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl Key {
    /// A new one.
    pub fn generate() -> Self {
        Self {
            key: x25519::Identity::generate(),
            before: Vec::new(),
        }
    }

    /// Reads a key file: lines of comments, and one with the key; further ones have keys of before.
    ///
    /// # Errors
    /// [`BackupError::Key`] when there is no key in it.
    pub fn read(text: &str) -> Result<Self, BackupError> {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<x25519::Identity>, _> = lines.map(x25519::Identity::from_str).collect();
        let mut keys = keys.unwrap_or_default().into_iter();
        let key = keys.next().ok_or_else(|| {
            BackupError::Key(
                "this is no key file: it has lines AGE-SECRET-KEY-1… alone, beside comments; `nrwdirekt backup key` makes one"
                    .to_owned(),
            )
        })?;
        Ok(Self {
            key,
            before: keys.collect(),
        })
    }

    /// The public key of the pair.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.key.to_public())
    }

    /// The key file, as [`Key::read`] and `age` read it.
    pub fn file(&self) -> String {
        format!(
            "# opens backups of nrwdirekt; whoever has it can read them\n# public key: {}\n{}\n",
            self.recipient().text(),
            self.key.to_string().expose_secret()
        )
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = &dyn age::Identity> {
        let all = std::iter::once(&self.key).chain(&self.before);
        all.map(|key| key as &dyn age::Identity)
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
