//! What an old store, if it can still be read, knows of the time after the backup.

use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::erasure::ErasureOrder;
use privacy::journal::{Installation, JournalStores};
use store::StoreError;
use store::calls::CallStore;
use store::cases::CaseStore;
use store::erasure::ErasureStore;
use store::postgres::{Database, PostgresAccess, PostgresCalls, PostgresTickets};
use store::sqlite::{SqliteAccess, SqliteCalls, SqliteTickets};

use super::Restore;
use crate::cli::RestoreArguments;
use crate::config::{StoreChoice, store_choice};
use crate::exit::Failure;
use crate::output::note;
use crate::storage::lock_folder;

/// Orders that are read at once.
const ORDERS: usize = 500;
/// What was done about the time of the backup may be in it or not; what is, is passed over.
const ABOUT: TimeDelta = TimeDelta::days(1);

/// Adds what the old store knows that was named, if any was.
pub(super) async fn add(restore: &mut Restore, arguments: &RestoreArguments) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.old_data {
        of_folder(restore, folder).await?;
    }
    if let Some(url) = &arguments.old_store {
        of_database(restore, url).await?;
    }
    Ok(())
}

async fn of_folder(restore: &mut Restore, old: &Path) -> anyhow::Result<()> {
    let refused =
        |what: &dyn std::fmt::Display| Failure::usage(format!("--old-data {}: {what}", old.display()));
    let file = old.join("access.db");
    if !file.is_file() {
        return Err(refused(
            &"there is no access.db in it; leave it out if it cannot be read any more",
        ));
    }
    let _lock = lock_folder(old)?;
    let access = Arc::new(SqliteAccess::open(&file).map_err(|error| refused(&error))?);
    restore
        .erasures
        .extend(orders(access.as_ref()).await.map_err(|error| refused(&error))?);
    let (calls, tickets) = (old.join("calls.db"), old.join("tickets.db"));
    if !calls.is_file() || !tickets.is_file() {
        note!(
            "--old-data {}: calls.db or tickets.db is missing, so that of it only erasures are known",
            old.display()
        );
        return Ok(());
    }
    let open = || {
        let tickets = Arc::new(SqliteTickets::open(&tickets)?);
        let calls = Arc::new(SqliteCalls::open(&calls)?);
        Ok::<_, StoreError>((
            Arc::clone(&calls) as Arc<dyn CallStore>,
            JournalStores {
                tickets: Arc::clone(&tickets) as _,
                acts: Arc::clone(&tickets) as _,
                calls,
                entries: tickets,
                cases: access as Arc<dyn CaseStore>,
            },
        ))
    };
    let (calls, stores) = open().map_err(|error| refused(&error))?;
    acts(restore, calls.as_ref(), &stores)
        .await
        .map_err(|error| refused(&error))
}

async fn of_database(restore: &mut Restore, url: &str) -> anyhow::Result<()> {
    let refused = |error: StoreError| Failure::usage(format!("--old-store: {error}"));
    let StoreChoice::Postgres(url) = store_choice(url)? else {
        return Err(Failure::usage(
            "--old-store: use postgres://USER@HOST:PORT/DATABASE; an old data folder is given with --old-data",
        ));
    };
    let database = Database::new(&url).map_err(refused)?;
    let access = Arc::new(PostgresAccess::connect(&database).await.map_err(refused)?);
    restore
        .erasures
        .extend(orders(access.as_ref()).await.map_err(refused)?);
    let tickets = Arc::new(PostgresTickets::connect(&database).await.map_err(refused)?);
    let calls = Arc::new(PostgresCalls::connect(&database).await.map_err(refused)?);
    let stores = JournalStores {
        tickets: Arc::clone(&tickets) as _,
        acts: Arc::clone(&tickets) as _,
        calls: Arc::clone(&calls) as _,
        entries: tickets,
        cases: access,
    };
    acts(restore, calls.as_ref(), &stores).await.map_err(refused)
}

async fn orders(access: &dyn ErasureStore) -> Result<Vec<ErasureOrder>, StoreError> {
    let (mut orders, mut behind) = (Vec::new(), 0);
    loop {
        let page = access.orders_since(behind, ORDERS).await?;
        let Some(last) = page.last() else {
            return Ok(orders);
        };
        behind = last.sequence;
        orders.extend(page.into_iter().map(|kept| kept.order));
    }
}

async fn acts(
    restore: &mut Restore,
    calls: &dyn CallStore,
    stores: &JournalStores,
) -> Result<(), StoreError> {
    restore.old = Some(Installation::of(&calls.identity_key().await?));
    let since = restore.restored.made_at - ABOUT;
    restore.known = stores.gather(since, restore.restored.restored_at).await?;
    Ok(())
}
