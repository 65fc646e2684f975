//! One process has the file open: a lock on a file beside it, which ends with the process.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::BusError;

/// A predecessor that is ending gets this long.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN: Duration = Duration::from_millis(20);

/// Takes the lock for as long as the result lives.
pub(super) fn take(file: &Path) -> Result<File, BusError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let beside = Path::new(&name);
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside)
        .map_err(|error| BusError::Unavailable(format!("{}: {error}", beside.display())))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => {
                return Err(BusError::Unavailable(format!("{}: {error}", beside.display())));
            }
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                return Err(BusError::Refused(format!(
                    "another process has {} open; stop it first",
                    file.display()
                )));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
        }
    }
}
