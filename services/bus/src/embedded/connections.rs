//! Connections for reading, off the threads of the runtime.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{schema, stopped};
use crate::BusError;

/// Readings at the same time; more wait.
const CONNECTIONS: usize = 3;

pub(super) struct Connections {
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn open(file: &Path) -> Result<Arc<Self>, BusError> {
        let idle: Result<Vec<_>, _> = (0..CONNECTIONS).map(|_| schema::open_for_reading(file)).collect();
        Ok(Arc::new(Self {
            idle: Mutex::new(idle?),
            free: Arc::new(Semaphore::new(CONNECTIONS)),
        }))
    }

    /// Runs a reading on a connection.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        reading: impl FnOnce(&Connection) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let free = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .map_err(|_| stopped())?;
        let connections = Arc::clone(self);
        let read = move || {
            let connection = connections.idle().pop().ok_or_else(stopped)?;
            let result = reading(&connection);
            if !connections.free.is_closed() {
                connections.idle().push(connection);
            }
            drop(free);
            result
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| BusError::Unavailable(format!("reading was not finished: {error}")))?
    }

    /// # Errors
    /// [`BusError::Unavailable`] once the bus was closed.
    pub(super) fn check_open(&self) -> Result<(), BusError> {
        if self.free.is_closed() {
            return Err(stopped());
        }
        Ok(())
    }

    /// Closes the connections; readings that have begun end.
    pub(super) fn close(&self) {
        self.free.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
