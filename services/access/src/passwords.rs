//! Passwords: hashed by argon2id, on threads of their own, so many at once as the machine can bear.

use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use domain::access::PasswordHash;
use tokio::sync::Semaphore;
use tonic::Status;

/// As OWASP's cheat sheet on the storage of passwords asks for: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// So many may wait for their turn; who comes later is asked to come again.
const WAITING: usize = 32;

/// Longer input is not hashed: no password has so many bytes.
const BYTES_MAX: usize = 1024;

/// What passwords of users that are not there are compared with: nobody's, and as much work.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Letters and digits that nobody mistakes for others.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Hashes passwords and compares them.
#[derive(Clone)]
pub struct Passwords {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Passwords {
    /// For this machine; leaves half of its cores to everything else.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            working: Arc::new(Semaphore::new((cores / 2).max(1))),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when too many wait already, `INTERNAL` if the system has no random bytes.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, Status> {
        let hash = self.in_turn(move || hashed(&password)).await?;
        hash.ok_or_else(|| Status::internal("the password could not be hashed"))
    }

    /// Whether a password is the one of a hash. Without a hash it is not, and finding out takes as long.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when too many wait already.
    pub async fn is_right(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, Status> {
        let is_somebodys = hash.is_some();
        let hash = hash.cloned().unwrap_or_else(|| PasswordHash(NOBODYS.to_owned()));
        let fits = password.len() <= BYTES_MAX;
        let password = if fits { password.to_owned() } else { String::new() };
        let is_right = self.in_turn(move || verified(&password, &hash)).await?;
        Ok(is_right && is_somebodys && fits)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let too_many = || Status::resource_exhausted("too many sign-ins at once; try again in a moment");
        let waiting = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| too_many())?;
        let working = Arc::clone(&self.working);
        let turn = working.acquire_owned().await.map_err(|_| too_many())?;
        // The thread keeps its turn, whoever no longer waits for it.
        let worked = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((turn, waiting));
            result
        });
        worked
            .await
            .map_err(|_| Status::internal("the password could not be hashed"))
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system has no random bytes")]
pub struct NoRandomBytes;

/// A password of 80 random bits, in groups that can be read out.
///
/// # Errors
/// [`NoRandomBytes`].
pub fn fresh_password() -> Result<String, NoRandomBytes> {
    let letters = random_bytes::<16>()?.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// The token of a session: 32 random bytes, hexadecimal.
pub(crate) fn fresh_token() -> Result<String, NoRandomBytes> {
    let bytes = random_bytes::<32>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomBytes> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomBytes)?;
    Ok(bytes)
}

/// Hashes a password on this thread.
pub(crate) fn hashed(password: &str) -> Option<PasswordHash> {
    let hash: phc::PasswordHash = argon2().hash_password(password.as_bytes()).ok()?;
    Some(PasswordHash(hash.to_string()))
}

fn verified(password: &str, hash: &PasswordHash) -> bool {
    // The parameters are those of the hash: stronger ones for new passwords leave the old ones valid.
    phc::PasswordHash::new(&hash.0)
        .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

fn argon2() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within their limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_alone() {
        let passwords = Passwords::new();
        let hash = passwords.hash("korrekt pferd batterie".to_owned()).await.unwrap();
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        assert!(
            passwords
                .is_right("korrekt pferd batterie", Some(&hash))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .is_right("korrekt pferd batteri", Some(&hash))
                .await
                .unwrap()
        );
        assert!(!passwords.is_right("korrekt pferd batterie", None).await.unwrap());
        assert!(
            !passwords
                .is_right("", Some(&PasswordHash(String::new())))
                .await
                .unwrap()
        );
        assert!(!passwords.is_right(&"x".repeat(2000), Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Passwords::new();
        let held = Arc::clone(&passwords.waiting);
        let all = held.acquire_many(WAITING as u32).await.unwrap();
        let refused = passwords.is_right("x", None).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        drop(all);
        assert!(!passwords.is_right("x", None).await.unwrap());
    }

    #[test]
    fn nobody_s_hash_is_as_much_work_as_any() {
        let parameters = |hash: &str| hash.rsplitn(3, '$').nth(2).unwrap().to_owned();
        assert_eq!(parameters(NOBODYS), parameters(&hashed("x").unwrap().0));
        assert!(phc::PasswordHash::new(NOBODYS).is_ok());
    }

    #[test]
    fn made_passwords_are_long_enough_and_differ() {
        let (one, other) = (fresh_password().unwrap(), fresh_password().unwrap());
        assert_ne!(one, other);
        let name = domain::ids::UserName::new("admin");
        assert_eq!(domain::access::check_password(&name, &one), Ok(()));
        assert_eq!(one.len(), 19);
    }
}
