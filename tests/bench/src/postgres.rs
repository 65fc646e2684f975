//! Databases to measure in.

use anyhow::Context;
use store::postgres::Database;
use tokio_postgres::{Client, NoTls};

/// Where the server is; set by `ops/bench`.
const URL: &str = "NRWDIREKT_TEST_POSTGRES";

/// Makes an empty database, which goes with the server. Returns its URL.
pub(crate) async fn create() -> anyhow::Result<String> {
    let (server, name) = (server()?, format!("bench_{}", uuid::Uuid::new_v4().simple()));
    connect(&server)
        .await?
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await?;
    let (host, _) = server
        .rsplit_once('/')
        .context("the server's URL names a database")?;
    Ok(format!("{host}/{name}"))
}

/// A database with the tables of the product.
pub(crate) async fn migrated(url: &str) -> anyhow::Result<Database> {
    let database = Database::new(url)?;
    database.migrate().await?;
    Ok(database)
}

/// A bare connection.
pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends with its client.
    tokio::spawn(connection);
    Ok(client)
}

fn server() -> anyhow::Result<String> {
    std::env::var(URL).with_context(|| format!("{URL} is not set; start this with ops/bench"))
}
