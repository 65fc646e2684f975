//! A pool of connections, each with the settings that the store relies on.

use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{Config, NoTls};

use super::schema::{self, Schema};
use super::scrub;
use super::tls::{self, Tls};
use crate::StoreError;

/// Connections of one process. More instances each bring their own; a server's default is 100 in all.
const CONNECTIONS: usize = 12;
/// How long a unit of work waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a new connection may take, name look-up and TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After so long without a sign of life a connection counts as lost: the outcome of a commit is then unknown.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

/// What every session is set to, whatever the server's or role's defaults are. Commits are durable when they return.
/// Rows are found by key: without statistics (the partition of this month may be a minute old) the planner would
/// rather read all of them. Compiling a statement for a partitioned table costs more than running it.
const SESSION: &str = "-c synchronous_commit=on -c timezone=UTC -c enable_seqscan=off -c jit=off \
    -c statement_timeout=60s -c lock_timeout=20s -c idle_in_transaction_session_timeout=60s";

/// A PostgreSQL database, by its URL. Connects when it is first asked something.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
}

impl Database {
    /// Reads a URL `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`; connects to nothing yet.
    ///
    /// `sslmode` is `disable`, `prefer` or `require`; without it, TLS is required unless the server is on this
    /// machine. With TLS the server's certificate is always checked, against the system's authorities or those of
    /// the PEM file that `sslrootcert` names.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the URL cannot be read, or the authorities.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let (url, tls) = tls::take_from(url)?;
        let mut config = Config::from_str(&url).map_err(|error| {
            StoreError::Unusable(format!("the store's URL cannot be read: {}", cause(&error)))
        })?;
        let options = config.get_options().unwrap_or_default();
        config.options(format!("{options} {SESSION}").trim_start());
        if config.get_application_name().is_none() {
            config.application_name("nrwdirekt");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config
            .keepalives_idle(SILENCE_TIMEOUT / 2)
            .keepalives_interval(SILENCE_TIMEOUT / 6)
            .keepalives_retries(3)
            .tcp_user_timeout(SILENCE_TIMEOUT);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match tls.resolve(&mut config)? {
            Tls::Off => Manager::from_config(config, NoTls, recycling),
            Tls::On(connect) => Manager::from_config(config, connect, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .create_timeout(Some(ACQUIRE_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| StoreError::Unusable(error.to_string()))?;
        Ok(Self { pool })
    }

    /// Creates the tables, or brings them up to date. Several processes may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the database was written by a newer version.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(self).await
    }

    /// Settings of the server with which copies of what was erased stay longer than they need to, each with what to do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settings_at_fault(&self) -> Result<Vec<String>, StoreError> {
        let client = self.client().await?;
        scrub::settings_at_fault(&client).await
    }

    /// Whether the tables are there and of this version.
    pub(super) async fn check(&self, schema: &Schema) -> Result<(), StoreError> {
        let client = self.client().await?;
        schema::check(&client, schema).await
    }

    /// A connection. It goes back to the pool when it is dropped; what is uncommitted then is rolled back.
    pub(super) async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// Whether the database can be asked right now.
    pub(super) async fn probe(&self) -> Result<(), StoreError> {
        self.client().await?.simple_query("SELECT 1").await?;
        Ok(())
    }
}

/// What is behind an error that only says where it happened.
fn cause(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_read_is_refused_without_its_password() {
        let refused = Database::new("postgres://user:secret@host/db?sslmode=sometimes").err();
        let said = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("sslmode") && !said.contains("secret"), "{said}");
    }
}
