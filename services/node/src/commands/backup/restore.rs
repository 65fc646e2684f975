//! `nrwdirekt restore`: a backup becomes a data folder or a database again.
//!
//! Everything is written beside the folder that it will be (`DIR.part`), checked, settled and made durable, and renamed at the
//! end. Whatever cuts it leaves no folder and no database that a node would take.

mod acts;
mod database;
mod folder;
mod old;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use backup::archive::Reader;
use backup::{BackupError, Head, Manifest, StorageKind};
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::erasure::ErasureOrder;
use domain::ids::IdentityKey;
use privacy::journal::{Installation, JournalStores, Record};
use serde_json::json;
use store::audit::AuditStore;
use store::backups::Restored;
use store::entries::EntryStore;
use store::erasure::{Entered, ErasureStore, NewOrder};
use store::postgres::Database;

use super::read_key;
use crate::backups::{JOURNAL, read_erasures};
use crate::cli::RestoreArguments;
use crate::clock;
use crate::config::{StoreChoice, store_choice};
use crate::exit::Failure;
use crate::output::{note, say};

/// What is being restored, and from what.
struct Restore {
    from: PathBuf,
    key: backup::Key,
    head: Head,
    restored: Restored,
    erasures: Vec<ErasureOrder>,
    /// What was done by right of persons since, as it lay beside the backup.
    acts: acts::Files,
    /// The same, as an old store knows it, and whose that is.
    known: Vec<Record>,
    old: Option<Installation>,
}

/// What was brought into a restored store of what came after its backup.
struct Brought {
    /// Orders to erase that it did not know.
    erasures: usize,
    /// What was done by right of persons.
    acts: acts::Redone,
}

/// Restores a backup.
pub(crate) async fn run(arguments: RestoreArguments) -> anyhow::Result<()> {
    let mut restore = read(&arguments)?;
    old::add(&mut restore, &arguments).await?;
    if restore.erasures.is_empty() && !arguments.json {
        note!(
            "no erasures were found beside the backup (erasures.jsonl): if there are any elsewhere, give them with --erasures, \
             --old-data or --old-store, or those people are back"
        );
    }
    if restore.acts.is_empty() && restore.known.is_empty() && !arguments.json {
        note!(
            "no acts of right were found beside the backup (acts/): what was rectified, restricted or ended since is not done \
             again; if there are any elsewhere, name them by --acts, --old-data or --old-store"
        );
    }
    let restore = Arc::new(restore);
    let database = database(&restore, &arguments)?;
    if let Some(database) = &database
        && database::finish_cut(&restore, database, &arguments.data).await?
    {
        note!("the restore before this one was cut at its last step, and that is done now");
        if arguments.json {
            say!(
                "{}",
                json!({ "backup": restore.restored.backup, "data": arguments.data, "was_cut": true })
            );
        }
        return Ok(());
    }
    let folder = folder::Folder::begin(&arguments.data)?;
    let (manifest, brought) = match &database {
        None => {
            let manifest = unpack(&restore, &folder).await?;
            let brought = folder::settle(&restore, &folder).await?;
            folder.finish(&restore.restored)?;
            (manifest, brought)
        }
        Some(database) => database::restore(&restore, database, folder).await?,
    };
    tell(&arguments, &restore, &manifest, &brought);
    Ok(())
}

/// The database that the backup goes into; `None` for a backup of files.
fn database(restore: &Restore, arguments: &RestoreArguments) -> anyhow::Result<Option<Database>> {
    match (&restore.head.storage, &arguments.store) {
        (StorageKind::Files, None) => refuse_newer(restore).map(|()| None),
        (StorageKind::Files, Some(_)) => Err(Failure::usage(
            "--store: the backup is one of files (sqlite), which go into the folder of --data; leave --store out",
        )),
        (StorageKind::Tables, None) => Err(Failure::usage(
            "--store: the backup is one of PostgreSQL; give the URL of an empty database",
        )),
        (StorageKind::Tables, Some(url)) => match store_choice(url)? {
            StoreChoice::Postgres(url) => Ok(Some(Database::new(&url).context("--store")?)),
            _ => Err(Failure::usage("--store: use postgres://USER@HOST:PORT/DATABASE")),
        },
    }
}

/// Of tables the database itself finds that out.
fn refuse_newer(restore: &Restore) -> anyhow::Result<()> {
    for (unit, known) in store::sqlite::newest_schemas() {
        let of_backup = restore.head.schemas.get(unit).copied().unwrap_or(0);
        if of_backup > known {
            return Err(Failure::usage(format!(
                "--from {}: the backup has tables of version {of_backup} ({unit}), this program knows {known} at most: use the \
                 newer nrwdirekt that made it",
                restore.from.display()
            )));
        }
    }
    Ok(())
}

fn read(arguments: &RestoreArguments) -> anyhow::Result<Restore> {
    let key = read_key(&arguments.key)?;
    let head = open(&arguments.from, &key)?.head().clone();
    let beside = arguments
        .from
        .parent()
        .map(|folder| folder.join(JOURNAL))
        .filter(|journal| journal.exists());
    let journals = beside.iter().chain(&arguments.erasures).map(PathBuf::as_path);
    let erasures = read_erasures(journals)?;
    let acts = acts::open(arguments, &key)?;
    Ok(Restore {
        from: arguments.from.clone(),
        restored: Restored {
            backup: head.id.clone(),
            made_at: head.created_at,
            restored_at: clock::clock()?(),
        },
        key,
        head,
        erasures,
        acts,
        known: Vec::new(),
        old: None,
    })
}

fn open(from: &Path, key: &backup::Key) -> anyhow::Result<Reader<std::fs::File>> {
    let file = std::fs::File::open(from)
        .map_err(|error| Failure::usage(format!("--from {}: {error}", from.display())))?;
    Reader::open(file, key).map_err(|error| refused(from, &error))
}

/// What is wrong with the backup, or with the disk.
fn refused(from: &Path, error: &BackupError) -> anyhow::Error {
    match error {
        BackupError::WrongKey => Failure::usage(format!("--key: {error}")),
        BackupError::Io(_) | BackupError::NoRoom => anyhow::anyhow!("{error}"),
        error => Failure::usage(format!("--from {}: {error}", from.display())),
    }
}

/// Unpacks the files of a backup, and checks each.
async fn unpack(restore: &Arc<Restore>, folder: &folder::Folder) -> anyhow::Result<Manifest> {
    let (restore, part) = (Arc::clone(restore), folder.part.clone());
    tokio::task::spawn_blocking(move || {
        folder::unpack(&restore, &part).map_err(|error| refused(&restore.from, &error))
    })
    .await?
}

/// Enters the erasures that the backup does not know, as open ones: a node carries them out before it serves anything. Gives how
/// many there were.
async fn enter(orders: &dyn ErasureStore, restore: &Restore) -> anyhow::Result<usize> {
    let mut entered = 0;
    for order in &restore.erasures {
        let new = NewOrder {
            order: order.clone(),
            idempotency_key: None,
            digest: None,
        };
        let outcome = orders.enter_order(new).await;
        let outcome = outcome.with_context(|| format!("the order to erase {}", order.id))?;
        entered += usize::from(outcome == Entered::New);
    }
    Ok(entered)
}

/// Notes the restore in the trail that came back with it.
async fn note_restore(audit: &dyn AuditStore, restored: &Restored) -> anyhow::Result<()> {
    let subject = AuditSubject::new("backup", restored.backup.clone());
    let operator = Principal::operator();
    let entry = NewAuditEntry::of(
        &operator,
        AuditAction::BackupRestored,
        subject,
        restored.restored_at,
    );
    audit
        .append(vec![entry])
        .await
        .context("the audit trail could not be written")
}

/// Brings into the restored store what came after the backup.
async fn bring(
    restore: &Restore,
    access: &(impl ErasureStore + AuditStore),
    stores: &JournalStores,
    entries: &dyn EntryStore,
    key: &IdentityKey,
) -> anyhow::Result<Brought> {
    let installation = Installation::of(key);
    if restore.old.as_ref().is_some_and(|old| *old != installation) {
        return Err(Failure::usage(
            "--old-data, --old-store: this is the store of another installation than the backup is of; give the one that the \
             backup was made of, or leave it out",
        ));
    }
    let erasures = enter(access, restore).await?;
    let acts = acts::redo_all(restore, stores, entries, &installation).await?;
    note_restore(access, &restore.restored).await?;
    Ok(Brought { erasures, acts })
}

fn tell(arguments: &RestoreArguments, restore: &Restore, manifest: &Manifest, brought: &Brought) {
    if arguments.json {
        say!(
            "{}",
            json!({
                "backup": restore.restored.backup,
                "made_at": restore.restored.made_at,
                "data": arguments.data,
                "rows": manifest.rows(),
                "figures": manifest.figures,
                "erasures_read": restore.erasures.len(),
                "erasures_entered": brought.erasures,
                "acts_redone": brought.acts.object(),
            })
        );
        return;
    }
    say!(
        "{}: restored as of {}, {} rows; {} erasures since are carried out before anything is served",
        arguments.data.display(),
        restore.restored.made_at.to_rfc3339(),
        manifest.rows(),
        brought.erasures
    );
    brought.acts.tell();
}
