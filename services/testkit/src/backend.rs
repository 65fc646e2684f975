use std::future::Future;

use tokio_postgres::NoTls;
use uuid::Uuid;

/// Where the tests find servers; `ops/test` starts them.
const POSTGRES: &str = "NRWDIREKT_TEST_POSTGRES";
pub(crate) const KAFKA: &str = "NRWDIREKT_TEST_KAFKA";

/// What a node keeps its data on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// SQLite and the embedded bus, in the data folder.
    Embedded,
    /// A database and topics of its own, on servers that the tests share.
    PostgresKafka,
}

impl Backend {
    /// Runs a case on each of them, one after the other.
    ///
    /// # Panics
    /// When a server is missing in CI.
    pub async fn each<F: Future<Output = ()>>(case: impl Fn(Backend) -> F) {
        case(Self::Embedded).await;
        Self::on_servers(case).await;
    }

    /// Runs a case on PostgreSQL and Apache Kafka alone: what it tries is theirs.
    ///
    /// # Panics
    /// When a server is missing in CI.
    pub async fn on_servers<F: Future<Output = ()>>(case: impl Fn(Backend) -> F) {
        if Self::servers_are_there() {
            eprintln!("on PostgreSQL and Apache Kafka:");
            case(Self::PostgresKafka).await;
        }
    }

    /// Runs a case on embedded storage alone: what it tries lies before any storage.
    pub async fn first<F: Future<Output = ()>>(case: impl Fn(Backend) -> F) {
        case(Self::Embedded).await;
    }

    fn servers_are_there() -> bool {
        let missing = [POSTGRES, KAFKA]
            .into_iter()
            .find(|name| std::env::var_os(name).is_none());
        let Some(missing) = missing else { return true };
        assert!(
            std::env::var_os("CI").is_none(),
            "{missing} is not set; ops/test starts a server and sets it"
        );
        eprintln!("left out on PostgreSQL and Apache Kafka: {missing} is not set");
        false
    }

    /// Makes an empty database; gives its URL.
    pub(crate) async fn new_database() -> String {
        let name = format!("product_{}", Uuid::new_v4().simple());
        let server = std::env::var(POSTGRES).expect("looked for before");
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        database_url(&server, &name)
    }

    /// The arguments that a new node needs to find its storage. Makes the database.
    pub(crate) async fn arguments(self) -> Vec<String> {
        match self {
            Self::Embedded => Vec::new(),
            Self::PostgresKafka => {
                let name = format!("product_{}", Uuid::new_v4().simple());
                let kafka = std::env::var(KAFKA).expect("looked for before");
                vec![
                    "--store".to_owned(),
                    Self::new_database().await,
                    "--bus".to_owned(),
                    format!("kafka://{kafka}"),
                    "--set".to_owned(),
                    format!("bus.topic_prefix={name}."),
                    // Few, so that a broker carries the topics of many tests.
                    "--set".to_owned(),
                    "bus.call_partitions=3".to_owned(),
                ]
            }
        }
    }
}

/// The server's URL with another database.
fn database_url(server: &str, name: &str) -> String {
    let (address, parameters) = match server.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let (host, _) = address
        .rsplit_once('/')
        .expect("the server's URL names a database");
    format!("{host}/{name}{parameters}")
}

async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a PostgreSQL");
    let connection = tokio::spawn(connection);
    client
        .batch_execute(sql)
        .await
        .expect("a role that may create databases");
    drop(client);
    connection
        .await
        .expect("no panic")
        .expect("the connection ends well");
}
