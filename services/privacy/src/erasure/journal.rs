//! The file of erasures beside backups: a restored store does not know of the erasures since.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use domain::erasure::ErasureOrder;

use super::ErasureError;

/// Writes an order down, unless it is there; it is on the disk then.
pub(super) async fn write_down(path: &Path, order: &ErasureOrder) -> Result<(), ErasureError> {
    let (path, order) = (path.to_path_buf(), order.clone());
    let shown = path.display().to_string();
    let written = tokio::task::spawn_blocking(move || append(&path, &order)).await;
    let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    written.map_err(|why| ErasureError::Journal { path: shown, why })
}

fn append(path: &Path, order: &ErasureOrder) -> std::io::Result<()> {
    let is_this = |line: &str| serde_json::from_str::<ErasureOrder>(line).is_ok_and(|it| it.id == order.id);
    let known = match std::fs::read(path) {
        // A crash may have cut a line within a character.
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if known.lines().any(is_this) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let mut line = serde_json::to_string(order)?;
    line.push('\n');
    // A line that a crash cut is ended before the next one.
    if !known.is_empty() && !known.ends_with('\n') {
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes())?;
    file.sync_all()
}
