//! The operator's own token: where it is kept, and where commands find it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
/// The operator's token of a data folder: made once, so that clients outlive a restart of the server.
pub(crate) fn operator_token(data: &Path) -> anyhow::Result<String> {
    let file = data.join("operator.token");
    if let Ok(token) = fs::read_to_string(&file) {
        return Ok(token.trim().to_owned());
    }
    let token = fresh_token()?;
    write_private(&file, &token)?;
    Ok(token)
}

/// 32 random bytes as text.
pub(crate) fn fresh_token() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Leaves the operator's token where commands of the same user find it by the server's port.
pub(crate) fn leave_token(port: u16, token: &str) -> anyhow::Result<PathBuf> {
    let file = token_file(port);
    let folder = file.parent().expect("a file in a folder");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the folder {} for tokens", folder.display()))?;
    write_private(&file, token)?;
    Ok(file)
}

/// The token that a server of this user left for its port.
pub(crate) fn left_token(port: u16) -> Option<String> {
    fs::read_to_string(token_file(port))
        .ok()
        .map(|token| token.trim().to_owned())
}

fn token_file(port: u16) -> PathBuf {
    state_folder().join(format!("operator-{port}.token"))
}

/// Where this program keeps what it has to remember for a user.
pub(crate) fn state_folder() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let state = state.or_else(|| std::env::home_dir().map(|home| home.join(".local/state")));
    state.unwrap_or_else(std::env::temp_dir).join("nrwdirekt")
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(file: &Path, content: &str) -> anyhow::Result<()> {
    let partial = file.with_extension(format!("{}.partial", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut handle = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&partial)?;
        writeln!(handle, "{content}")?;
        handle.sync_all()?;
        fs::rename(&partial, file)
    };
    write().with_context(|| format!("the token file {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("nrwdirekt-token-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let token = operator_token(&folder).unwrap();
        assert_eq!(operator_token(&folder).unwrap(), token);
        let mode = fs::metadata(folder.join("operator.token"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(&folder).unwrap();
    }
}
