//! A backup of tables, into an empty database.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use backup::archive::{Next, PartHead};
use backup::{BackupError, Manifest, Part};
use privacy::journal::JournalStores;
use store::calls::CallStore as _;
use store::postgres::{Database, PostgresAccess, PostgresCalls, PostgresTickets, Restoring};
use tokio::sync::mpsc;

use super::folder::Folder;
use super::{Brought, Restore, bring, open, refused};
use crate::backups::{FILES, is_database, restored_from};
use crate::exit::Failure;
use crate::output::note;

/// What is read of the backup.
enum Piece {
    Begin(PartHead),
    Data(Vec<u8>),
    End(Part),
    Whole(Box<Manifest>),
}

/// Loads the tables, and the files beside them. The database is given to nodes last.
pub(super) async fn restore(
    restore: &Arc<Restore>,
    database: &Database,
    folder: Folder,
) -> anyhow::Result<(Manifest, Brought)> {
    let mut restoring = Restoring::begin(database, &restore.head.schemas)
        .await
        .map_err(unusable)?;
    match fill(restore, database, &mut restoring, folder).await {
        Ok(done) => {
            restoring.finish().await?;
            Ok(done)
        }
        Err(error) => {
            // The database is as empty as it was.
            if let Err(why) = restoring.give_up().await {
                note!("--store: {why}; what is half in it no node takes, and the next restore begins anew");
            }
            Err(error)
        }
    }
}

/// Ends a restore of the same backup that was cut between its last two steps: the folder has its name, and the database is not
/// yet given to nodes. Says whether there was one.
pub(super) async fn finish_cut(restore: &Restore, database: &Database, data: &Path) -> anyhow::Result<bool> {
    let Some(note) = restored_from(data) else {
        return Ok(false);
    };
    Ok(note.backup == restore.restored.backup && Restoring::finish_cut(database).await.map_err(unusable)?)
}

async fn fill(
    restore: &Arc<Restore>,
    database: &Database,
    restoring: &mut Restoring,
    folder: Folder,
) -> anyhow::Result<(Manifest, Brought)> {
    super::unpack(restore, &folder).await?;
    let (pieces, coming) = mpsc::channel(16);
    let reading = {
        let restore = Arc::clone(restore);
        tokio::task::spawn_blocking(move || read(&restore, &pieces))
    };
    let manifest = load(restoring, coming).await;
    // What is wrong with the backup says more than what came of it.
    reading.await?.map_err(|error| refused(&restore.from, &error))?;
    let manifest = manifest?;
    if restoring.figures().await? != manifest.figures {
        return Err(Failure::usage(format!(
            "--from {}: the backup is damaged: its figures are not those of its manifest. Use another one",
            restore.from.display()
        )));
    }
    restoring
        .settle(&restore.head.sequences, &restore.restored)
        .await
        .map_err(unusable)?;
    let access = Arc::new(PostgresAccess::of_restore(database));
    let tickets = Arc::new(PostgresTickets::of_restore(database));
    let calls = Arc::new(PostgresCalls::of_restore(database));
    let key = calls.identity_key().await?;
    let stores = JournalStores {
        tickets: Arc::clone(&tickets) as _,
        acts: Arc::clone(&tickets) as _,
        calls,
        entries: Arc::clone(&tickets) as _,
        cases: Arc::clone(&access) as _,
    };
    let brought = bring(restore, access.as_ref(), &stores, tickets.as_ref(), &key).await?;
    restoring.seal().await?;
    folder.finish(&restore.restored)?;
    Ok((manifest, brought))
}

fn unusable(error: store::StoreError) -> anyhow::Error {
    match error {
        store::StoreError::Unusable(what) => Failure::usage(format!("--store: {what}")),
        error => anyhow::Error::new(error).context("--store"),
    }
}

async fn load(restoring: &mut Restoring, mut coming: mpsc::Receiver<Piece>) -> anyhow::Result<Manifest> {
    while let Some(piece) = coming.recv().await {
        match piece {
            Piece::Begin(part) => restoring
                .begin_table(&part.name, &part.columns)
                .await
                .with_context(|| part.name.clone())?,
            Piece::Data(bytes) => restoring.data(bytes).await?,
            Piece::End(part) => {
                let rows = restoring.end_table().await.with_context(|| part.name.clone())?;
                let expected = part.rows.get(&part.name).copied();
                anyhow::ensure!(
                    expected == Some(rows),
                    "{}: {rows} rows came in, not {expected:?}",
                    part.name
                );
            }
            Piece::Whole(manifest) => return Ok(*manifest),
        }
    }
    anyhow::bail!("the backup ended before its end")
}

/// Reads the tables of a backup; ends early when nobody takes the pieces any more.
fn read(restore: &Restore, pieces: &mpsc::Sender<Piece>) -> Result<(), BackupError> {
    let mut reader =
        open(&restore.from, &restore.key).map_err(|error| BackupError::NotABackup(format!("{error:#}")))?;
    let gone = || BackupError::Io(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    loop {
        match reader.next_item()? {
            Next::Part(part) if is_database(&part.name) || FILES.contains(&part.name.as_str()) => {
                reader.pour(|_| Ok(()))?;
            }
            Next::Part(part) => {
                if pieces.blocking_send(Piece::Begin(part)).is_err() {
                    return Ok(());
                }
                let mut is_taken = true;
                let part = reader.pour(|bytes| {
                    is_taken = pieces.blocking_send(Piece::Data(bytes.to_vec())).is_ok();
                    if is_taken { Ok(()) } else { Err(gone()) }
                });
                if !is_taken || pieces.blocking_send(Piece::End(part?)).is_err() {
                    return Ok(());
                }
            }
            Next::End(manifest) => {
                // Nobody there: something has failed, and says so.
                let _ = pieces.blocking_send(Piece::Whole(Box::new(manifest)));
                return Ok(());
            }
        }
    }
}
