//! Files of the data folder, all as they stood at one moment.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use backup::archive::{PartHead, Writer};
use backup::folder::Listed;
use backup::{Manifest, StorageKind};
use privacy::backups::NotMade;
use store::sqlite::snapshot::{self, Snapshot};

use super::Written;

/// Small files of the data folder that belong to a backup. The operator's token does not: it lets in, and is made anew.
pub(crate) const FILES: [&str; 2] = ["demo-day", "demo-day.done"];

/// The databases of the data folder.
const DATABASES: [&str; 4] = ["calls.db", "tickets.db", "access.db", "bus.db"];

/// Whether a part is a database of the data folder.
pub(crate) fn is_database(name: &str) -> bool {
    DATABASES.contains(&name)
}

/// Removes the copies that a backup left which was killed while it made them.
///
/// # Errors
/// One cannot be removed.
pub(crate) fn remove_cut_copies(data: &Path) -> io::Result<()> {
    DATABASES
        .iter()
        .try_for_each(|name| remove_if_there(&copy_path(data, name)))
}

fn copy_path(data: &Path, name: &str) -> PathBuf {
    data.join(format!("{name}.copy"))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a backup of embedded storage.
pub(super) fn write(written: &Written) -> Result<(Listed, Manifest), NotMade> {
    let data = data(written)?;
    let snapshots = snapshot::take(data, &written.source.databases)?;
    let mut schemas = BTreeMap::new();
    for snapshot in &snapshots {
        let unit = snapshot.name().trim_end_matches(".db").to_owned();
        schemas.insert(unit, snapshot.schema_version()?);
    }
    let head = written.head(StorageKind::Files, schemas);
    let file = written.begin(&head)?;
    let mut writer = Writer::begin(file, &written.recipient, head)?;
    let figures = add(written, data, snapshots, &mut writer)?;
    let (manifest, file) = writer.finish(figures)?;
    let listed = file.complete(&manifest, &written.recipient.text())?;
    Ok((listed, manifest))
}

/// The data folder of a source that has databases in it.
pub(super) fn data(written: &Written) -> Result<&Path, NotMade> {
    let data = written.source.data.as_deref();
    data.ok_or_else(|| NotMade::Cut("there is no data folder".to_owned()))
}

/// Adds databases and small files; gives the sums of the counts of days.
pub(super) fn add(
    written: &Written,
    data: &Path,
    snapshots: Vec<Snapshot>,
    writer: &mut Writer<impl Write>,
) -> Result<BTreeMap<String, i64>, NotMade> {
    let mut figures = BTreeMap::new();
    let mut copies = Vec::with_capacity(snapshots.len());
    for snapshot in snapshots {
        written.tell(snapshot.name(), 0);
        figures.extend(snapshot.figures()?);
        let copy = nameless_copy(&snapshot, data)?;
        copies.push((snapshot.name().to_owned(), copy, snapshot.rows()?));
        // From here on the log of the file can be emptied again.
    }
    let mut done = 0;
    for (name, copy, rows) in copies {
        done = pour(written, writer, &name, copy, rows, done)?;
    }
    for name in FILES {
        match File::open(data.join(name)) {
            Ok(file) => done = pour(written, writer, name, file, BTreeMap::new(), done)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(NotMade::File(error.into())),
        }
    }
    Ok(figures)
}

/// A copy on the disk of the data folder that loses its name once it is made. What a kill leaves of one before that goes at the
/// next start.
fn nameless_copy(snapshot: &Snapshot, data: &Path) -> Result<File, NotMade> {
    let path = copy_path(data, snapshot.name());
    let made = (|| {
        remove_if_there(&path)?;
        crate::storage::private(path.clone()).map_err(|error| io::Error::other(format!("{error:#}")))?;
        File::open(&path)
    })();
    let file = made.map_err(|error| NotMade::File(error.into()))?;
    let copied = snapshot.copy_to(&path);
    fs::remove_file(&path).map_err(|error| NotMade::File(error.into()))?;
    copied?;
    Ok(file)
}

fn pour(
    written: &Written,
    writer: &mut Writer<impl Write>,
    name: &str,
    mut file: File,
    rows: BTreeMap<String, i64>,
    mut done: u64,
) -> Result<u64, NotMade> {
    writer.begin_part(PartHead {
        name: name.to_owned(),
        columns: Vec::new(),
    })?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(|error| NotMade::File(error.into()))?;
        if read == 0 {
            break;
        }
        writer.data(&buffer[..read])?;
        done += read as u64;
        written.tell(name, done);
    }
    writer.end_part(rows)?;
    Ok(done)
}
