//! One SQLite file: a connection that writes, some that read, each used by one task at a time.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use crate::StoreError;
use crate::scrub::Scrubbed;

/// Readers beside the writer: more would only wait for the two or four cores of a small machine.
const READERS: usize = 4;

/// After so many steps the log is copied back; together they write less than fills it.
const STEPS_TO_A_COPY: u32 = 8;

/// A file of more bytes is written anew beside a temporary file.
const SCRUBBED_IN_MEMORY: i64 = 256 << 20;

/// Pages in the log after which a commit brings them into the file.
const AUTOCHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 8000";
/// How long a connection waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long writers wait at a time for readers that keep the log from being emptied, and how often that is tried.
const READERS_AWAITED: Duration = Duration::from_millis(250);
const EMPTIED_AT_TRY: usize = 20;

/// A file of the store. Work runs on blocking threads, never on those of the runtime.
pub(super) struct File {
    writer: Arc<Mutex<Connection>>,
    readers: Arc<Mutex<Vec<Connection>>>,
    free_readers: Arc<Semaphore>,
    /// Steps that were taken.
    steps: AtomicU32,
}

impl File {
    /// Opens the file, creating it when it is not there, and brings its schema up to date.
    pub(super) fn open(
        path: &Path,
        migrate: impl FnOnce(&mut Connection) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let mut writer = connect(path)?;
        // The pages that a commit touches stay in memory until the next, and the write-ahead log collects several
        // commits before their pages go to the file: identities are random, so that pages are touched again and again.
        writer.execute_batch("PRAGMA cache_size = -64000;")?;
        writer.execute_batch(AUTOCHECKPOINT)?;
        migrate(&mut writer)?;
        let readers = (0..READERS)
            .map(|_| connect(path))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            readers: Arc::new(Mutex::new(readers)),
            free_readers: Arc::new(Semaphore::new(READERS)),
            steps: AtomicU32::new(0),
        })
    }

    /// Runs work on the writing connection. Whatever it leaves uncommitted is rolled back.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = Arc::clone(&self.writer);
        blocking(move || {
            let mut connection = writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            work(&mut connection)
        })
        .await
    }

    /// Runs a unit of work: all of it is committed, or nothing.
    pub(super) async fn unit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .await
    }

    /// As [`Self::write`], for a step of many, with how long nobody else could write.
    pub(super) async fn timed<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(T, Duration), StoreError> {
        let step = self.write(move |connection| {
            let begun = Instant::now();
            let done = work(connection)?;
            Ok((done, begun.elapsed()))
        });
        let done = step.await?;
        if self.steps.fetch_add(1, Ordering::Relaxed) % STEPS_TO_A_COPY == STEPS_TO_A_COPY - 1 {
            self.copy_log_back().await?;
        }
        Ok(done)
    }

    /// Copies what is in the write-ahead log into the file, beside whoever writes. Else the commit that fills the log does
    /// it, while all others wait.
    async fn copy_log_back(&self) -> Result<(), StoreError> {
        self.read(|connection| Ok(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?))
            .await
    }

    /// Writes the file anew and empties its log. Overwriting what is deleted (`secure_delete`) leaves bytes of rows that
    /// were moved from page to page before; a new file has none. Writers wait while the pages go into the log; they go from
    /// there into the file beside them.
    pub(super) async fn scrub(&self) -> Result<Scrubbed, StoreError> {
        let rewritten = self.write(|connection| rewrite(connection)).await;
        let emptied = match rewritten {
            Ok(()) => self.empty_log().await,
            Err(error) => Err(error),
        };
        self.write(|connection| Ok(connection.execute_batch(AUTOCHECKPOINT)?))
            .await?;
        emptied.map(|()| Scrubbed::default())
    }

    /// Most of the log beside the writers, what is left with them waiting; readers are not waited for long.
    async fn empty_log(&self) -> Result<(), StoreError> {
        self.read(|connection| checkpoint(connection, "PASSIVE").map(drop))
            .await?;
        for _ in 0..EMPTIED_AT_TRY {
            let is_read = self.write(|connection| {
                connection.busy_timeout(READERS_AWAITED)?;
                let is_read = checkpoint(connection, "TRUNCATE");
                connection.busy_timeout(BUSY_TIMEOUT)?;
                is_read
            });
            if !is_read.await? {
                return Ok(());
            }
            tokio::time::sleep(READERS_AWAITED).await;
        }
        Err(StoreError::Unavailable(
            "the log of a file could not be emptied while it was read".to_owned(),
        ))
    }

    /// Runs work on one of the reading connections.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _free = self
            .free_readers
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let readers = Arc::clone(&self.readers);
        blocking(move || {
            let take = || readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let connection = take().pop().expect("a permit stands for a free reader");
            let result = work(&connection);
            take().push(connection);
            result
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Unavailable(format!(
            "a unit of work was cut short: {error}"
        ))),
    }
}

/// Writes all pages anew, into the log alone: whoever commits next does not bring them into the file.
fn rewrite(connection: &Connection) -> Result<(), StoreError> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let bytes = number("PRAGMA page_count")? * number("PRAGMA page_size")?;
    // The new file is made beside: in memory, unless it is large.
    let place = if bytes > SCRUBBED_IN_MEMORY {
        "FILE"
    } else {
        "MEMORY"
    };
    connection.execute_batch(&format!(
        "PRAGMA temp_store = {place}; PRAGMA wal_autocheckpoint = 0;"
    ))?;
    let rewritten = connection.execute_batch("VACUUM");
    connection.execute_batch("PRAGMA temp_store = MEMORY")?;
    Ok(rewritten?)
}

/// Brings the log into the file. Returns whether something kept it from being done wholly.
fn checkpoint(connection: &Connection, how: &str) -> Result<bool, StoreError> {
    Ok(connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get(0))?)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    // A plan holds for every value: with a partial index in play SQLite would compile a statement anew whenever other
    // values are bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -4000;
         PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}
