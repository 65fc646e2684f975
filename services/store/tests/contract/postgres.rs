//! A PostgreSQL database for a case, dropped afterwards.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt;
use store::postgres::Database;
use tokio_postgres::NoTls;

/// Where the tests find a server, as a role that may create databases: `postgres://…`.
const SERVER: &str = "NRWDIREKT_TEST_POSTGRES";

/// Runs a case on an empty database of its own. Without a server it is left out, but not in CI.
pub(crate) async fn on_an_empty_database<F>(case: impl FnOnce(String) -> F)
where
    F: Future<Output = ()>,
{
    static CASES: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var(SERVER) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{SERVER} is not set: start one with ops/postgres/start"
        );
        eprintln!("left out on PostgreSQL: {SERVER} is not set");
        return;
    };
    let name = format!(
        "nrwdirekt_test_{}_{}",
        std::process::id(),
        CASES.fetch_add(1, Ordering::Relaxed)
    );
    execute(&server, &format!("CREATE DATABASE {name}")).await;
    let outcome = AssertUnwindSafe(case(with_database(&server, &name)))
        .catch_unwind()
        .await;
    // Not by force: that would end the server's vacuum too, which only its own role may. The server stops it by itself.
    let end_sessions = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND usename = current_user"
    );
    execute(&server, &end_sessions).await;
    execute(&server, &format!("DROP DATABASE {name}")).await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Runs a case on a database with tables.
pub(crate) async fn on_a_database<F>(case: impl FnOnce(Database) -> F)
where
    F: Future<Output = ()>,
{
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        case(database).await;
    })
    .await;
}

/// Does something to a database by hand.
pub(crate) async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = match server.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let (host, _) = address
        .rsplit_once('/')
        .expect("the server's URL names a database");
    format!("{host}/{name}{parameters}")
}
