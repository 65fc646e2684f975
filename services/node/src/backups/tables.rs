//! Tables of PostgreSQL, as they come.

use std::collections::BTreeMap;

use backup::archive::{PartHead, Writer};
use backup::folder::{Listed, Unfinished};
use backup::{Manifest, StorageKind};
use privacy::backups::NotMade;
use store::postgres::Piece;
use store::sqlite::snapshot;
use tokio::sync::mpsc;

use super::{Written, files};

/// Writes a backup of tables, and of an embedded bus beside them.
pub(super) fn write(
    written: &Written,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<(Listed, Manifest), NotMade> {
    let cut = || NotMade::Cut("the connection to PostgreSQL was lost".to_owned());
    let Some(Piece::Begin {
        schemas, sequences, ..
    }) = pieces.blocking_recv()
    else {
        return Err(cut());
    };
    let mut head = written.head(StorageKind::Tables, schemas);
    head.sequences = sequences;
    let file = written.begin(&head)?;
    let mut writer = Writer::begin(file, &written.recipient, head)?;
    if let Some(data) = &written.source.data {
        // After the moment of the tables, so that the bus has all that they have read.
        let snapshots = snapshot::take(data, &written.source.databases)?;
        files::add(written, data, snapshots, &mut writer)?;
    }
    let figures = tables(written, &mut writer, &mut pieces)?.ok_or_else(cut)?;
    let (manifest, file) = writer.finish(figures)?;
    let listed = file.complete(&manifest, &written.recipient.text())?;
    Ok((listed, manifest))
}

/// The sums at the end; `None` if the pieces ended early.
fn tables(
    written: &Written,
    writer: &mut Writer<Unfinished>,
    pieces: &mut mpsc::Receiver<Piece>,
) -> Result<Option<BTreeMap<String, i64>>, NotMade> {
    let (mut table, mut done) = (String::new(), 0);
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Begin { .. } => {}
            Piece::Table { name, columns } => {
                table.clone_from(&name);
                writer.begin_part(PartHead { name, columns })?;
            }
            Piece::Data(bytes) => {
                writer.data(&bytes)?;
                done += bytes.len() as u64;
                written.tell(&table, done);
            }
            Piece::TableEnd { rows } => writer.end_part(BTreeMap::from([(table.clone(), rows)]))?,
            Piece::End { figures } => return Ok(Some(figures)),
        }
    }
    Ok(None)
}
