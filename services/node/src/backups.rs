//! What a backup of this node is a copy of, and how it is made.
//!
//! Of embedded storage: the files, all as they stood at one moment. Of PostgreSQL: the tables, in one snapshot; where the bus is
//! embedded then, it is copied after that moment, so that it has all that the store has read. On Kafka nothing of the bus is
//! copied.

mod acts;
mod erasures;
mod files;
mod restored;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use backup::folder::{self, Listed, Unfinished};
use backup::{FORMAT, Head, Manifest, Recipient, StorageKind};
use chrono::{DateTime, Utc};
use privacy::backups::{BackupKeeper, BackupMaker, BackupSettings, NotMade, Progress};
use store::postgres::Database;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::config::{BusChoice, Config, StoreChoice};
use crate::storage::Storage;

pub(crate) use acts::acts;
pub(crate) use erasures::{JOURNAL, read as read_erasures};
pub(crate) use files::{FILES, is_database, remove_cut_copies};
pub(crate) use restored::{MARKER, Note, RESTORED, refuse_half_restored, restored_from};

/// What a node keeps, and where.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) data: Option<PathBuf>,
    /// The databases in the data folder that belong to it.
    databases: Vec<&'static str>,
    tables: Option<Database>,
}

impl Source {
    /// What a configuration calls for.
    pub(crate) fn of(config: &Config, data: Option<&Path>) -> anyhow::Result<Self> {
        let mut databases = Vec::new();
        let tables = match &config.store {
            StoreChoice::Sqlite => {
                databases.extend(["calls.db", "tickets.db", "access.db"]);
                None
            }
            StoreChoice::Postgres(url) => Some(Database::new(url)?),
        };
        if config.bus == BusChoice::Embedded {
            databases.push("bus.db");
        }
        Ok(Self {
            data: data.map(Path::to_path_buf),
            databases,
            tables,
        })
    }

    /// The tables of a database alone.
    pub(crate) fn of_database(url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            data: None,
            databases: Vec::new(),
            tables: Some(Database::new(url)?),
        })
    }

    /// Writes a backup to a path, and gives what is in it.
    pub(crate) async fn back_up(
        &self,
        to: Target,
        recipient: Recipient,
        now: DateTime<Utc>,
        progress: mpsc::Sender<Progress>,
    ) -> Result<(Listed, Manifest), NotMade> {
        let written = Written {
            source: self.clone(),
            to,
            recipient,
            now,
            progress,
        };
        let Some(database) = &self.tables else {
            return blocking(move || files::write(&written)).await;
        };
        let (pieces, coming) = mpsc::channel(16);
        let writing = blocking(move || tables::write(&written, coming));
        let (dumped, made) = tokio::join!(
            async {
                let dumped = database.dump(&pieces).await;
                drop(pieces);
                dumped
            },
            writing
        );
        dumped?;
        made
    }
}

/// Where a backup goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Under a name of its own.
    Folder(PathBuf),
    /// This file.
    File(PathBuf),
}

impl Target {
    /// What somebody named: a folder if there is one, or if it is written like one.
    pub(crate) fn named(path: &Path) -> Self {
        let is_folder = path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/');
        match is_folder {
            true => Self::Folder(path.to_owned()),
            false => Self::File(path.to_owned()),
        }
    }

    /// The file, for a backup of this name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::File(file) => file.clone(),
        }
    }
}

/// A backup that is being written.
struct Written {
    source: Source,
    to: Target,
    recipient: Recipient,
    now: DateTime<Utc>,
    progress: mpsc::Sender<Progress>,
}

impl Written {
    fn head(&self, storage: StorageKind, schemas: std::collections::BTreeMap<String, i32>) -> Head {
        Head {
            format: FORMAT,
            id: uuid::Uuid::new_v4().to_string(),
            created_at: self.now,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            storage,
            schemas,
            sequences: std::collections::BTreeMap::new(),
        }
    }

    fn begin(&self, head: &Head) -> Result<Unfinished, NotMade> {
        let name = folder::file_name(head.created_at, &head.id);
        Ok(Unfinished::create(&self.to.file(&name))?)
    }

    /// Whoever listens slowly misses some of it.
    fn tell(&self, part: &str, bytes: u64) {
        let progress = Progress {
            part: part.to_owned(),
            bytes,
        };
        let _ = self.progress.try_send(progress);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotMade> + Send + 'static,
) -> Result<T, NotMade> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(NotMade::Cut(error.to_string())))
}

/// Makes the backups of a node.
struct Maker {
    source: Source,
    folder: PathBuf,
    recipient: Option<Recipient>,
}

#[async_trait]
impl BackupMaker for Maker {
    async fn make(&self, now: DateTime<Utc>, progress: mpsc::Sender<Progress>) -> Result<Listed, NotMade> {
        let recipient = self.recipient.clone().ok_or(NotMade::NoRecipient)?;
        let to = Target::Folder(self.folder.clone());
        let (listed, _) = self.source.back_up(to, recipient, now, progress).await?;
        Ok(listed)
    }
}

/// Where erasures are written down: beside the backups, unless said otherwise.
pub(crate) fn journal(config: &Config, storage: &Storage) -> Option<PathBuf> {
    let beside = || {
        let folder = config.backup.folder(storage.source.data.as_deref())?;
        Some(folder.join(JOURNAL))
    };
    config.privacy.erasures_file.clone().or_else(beside)
}

/// The keeper of a node's backups; `None` where there is no folder for them.
pub(crate) fn keeper(config: &Config, storage: &Storage, clock: &Clock) -> Option<BackupKeeper> {
    let source = storage.source.clone();
    let folder = config.backup.folder(source.data.as_deref())?;
    let settings = BackupSettings {
        folder: folder.clone(),
        has_recipient: config.backup.recipient.is_some(),
        every: config.backup.every,
        kept: config.backup.kept,
    };
    let maker = Maker {
        source,
        folder,
        recipient: config.backup.recipient.clone(),
    };
    let ended = Arc::clone(&storage.clocks.access);
    Some(BackupKeeper::new(
        Arc::new(maker),
        settings,
        ended,
        Arc::clone(clock),
    ))
}
