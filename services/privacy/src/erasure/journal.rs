//! The file of erasures beside backups: a restored store does not know of the erasures since.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
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
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    // Whoever enters an order and whoever carries it out may both write it down, also from two nodes. It ends with the file.
    file.lock()?;
    let mut known = Vec::new();
    file.read_to_end(&mut known)?;
    // A crash may have cut a line within a character.
    let known = String::from_utf8_lossy(&known);
    let is_this = |line: &str| serde_json::from_str::<ErasureOrder>(line).is_ok_and(|it| it.id == order.id);
    if known.lines().any(is_this) {
        return Ok(());
    }
    let mut line = serde_json::to_string(order)?;
    line.push('\n');
    // A line that a crash cut is ended before the next one.
    if !known.is_empty() && !known.ends_with('\n') {
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes())?;
    file.sync_all()
}
