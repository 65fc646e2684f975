use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// The scripts that start and stop servers; `ops/test` sets it.
const OPS: &str = "NRWDIREKT_TEST_OPS";

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It ends what it does, and then itself.
    Orderly,
    /// As a crash would.
    Crash,
}

/// A PostgreSQL and an Apache Kafka of one test's own, which it may stop. They end with it.
pub struct OwnServers {
    ops: String,
    postgres: TempDir,
    kafka: TempDir,
    /// The URL of the database.
    pub store: String,
    /// The address of the broker, as a bus.
    pub bus: String,
}

/// Where the scripts are; none, and a word about it, where they are not at hand.
pub(crate) fn ops() -> Option<String> {
    let ops = std::env::var(OPS).ok();
    if ops.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{OPS} is not set; ops/test sets it"
        );
        eprintln!("left out: {OPS} is not set");
    }
    ops
}

/// Changes the configuration of a topic on the broker that the tests share: `add-config` or `delete-config`, and what.
///
/// # Panics
/// When the broker does not take it, or the scripts are not at hand.
pub fn configure_topic(topic: &str, change: &str, what: &str) {
    let broker = std::env::var(crate::backend::KAFKA).expect("a test on servers");
    let ops = ops().expect("ops/kafka/tool");
    let of_topic = ["--alter", "--entity-type", "topics", "--entity-name", topic];
    let change = ["--bootstrap-server", &broker, &format!("--{change}"), what];
    kafka_tool(&ops, "ConfigCommand", &[&of_topic[..], &change[..]].concat());
}

fn kafka_tool(ops: &str, class: &str, arguments: &[&str]) {
    let output = Command::new(format!("{ops}/kafka/tool"))
        .arg(class)
        .args(arguments)
        .output();
    let output = output.expect("the tool can be started");
    assert!(output.status.success(), "{class} {arguments:?}: {output:?}");
}

/// An Apache Kafka of one test's own that lets users do only what ACLs allow. It ends with the test.
pub struct GuardedKafka {
    ops: String,
    folder: TempDir,
    /// Where the administrator comes in, without a log-in.
    pub administration: String,
    /// Where users log in, by SCRAM-SHA-512.
    pub address: String,
}

impl GuardedKafka {
    /// Starts it; none where the scripts are not at hand.
    ///
    /// # Panics
    /// When it cannot be started, or the scripts are missing in CI.
    pub fn start() -> Option<Self> {
        let ops = ops()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let administration = run(&format!("{ops}/kafka/start"), &folder, &["--authorizer"]);
        let port = std::fs::read_to_string(folder.path().join("sasl-port")).expect("the port for users");
        Some(Self {
            ops,
            folder,
            administration,
            address: format!("127.0.0.1:{}", port.trim()),
        })
    }

    /// Makes users who log in with their name as password.
    ///
    /// # Panics
    /// When Kafka does not take them.
    pub fn add_users(&self, names: &[&str]) {
        for name in names {
            let password = format!("SCRAM-SHA-512=[password={name}]");
            let user = ["--alter", "--entity-type", "users", "--entity-name", name];
            let add = [
                "--bootstrap-server",
                &self.administration,
                "--add-config",
                &password,
            ];
            self.tool("ConfigCommand", &[&user[..], &add[..]].concat());
        }
    }

    /// Runs one of Kafka's command line programs.
    ///
    /// # Panics
    /// When it fails.
    pub fn tool(&self, class: &str, arguments: &[&str]) {
        kafka_tool(&self.ops, class, arguments);
    }
}

impl Drop for GuardedKafka {
    fn drop(&mut self) {
        let stop = format!("{}/kafka/stop", self.ops);
        let _ = command(&stop, &self.folder, &["--immediate"]).status();
    }
}

impl OwnServers {
    /// Starts both; none where the scripts are not at hand.
    ///
    /// # Panics
    /// When they cannot be started, or the scripts are missing in CI.
    pub fn start() -> Option<Self> {
        let ops = ops()?;
        let folder = || tempfile::tempdir().expect("a temporary folder");
        let mut servers = Self {
            ops,
            postgres: folder(),
            kafka: folder(),
            store: String::new(),
            bus: String::new(),
        };
        servers.store = servers.postgres("start", &[]);
        servers.bus = format!("kafka://{}", servers.kafka("start", &[]));
        Some(servers)
    }

    /// Where both keep their data.
    pub fn folders(&self) -> [PathBuf; 2] {
        [
            self.postgres.path().to_path_buf(),
            self.kafka.path().to_path_buf(),
        ]
    }

    /// Stops PostgreSQL.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop_postgres(&self, how: Stop) {
        let mode = match how {
            Stop::Orderly => "fast",
            Stop::Crash => "immediate",
        };
        self.postgres("stop", &["--mode", mode]);
    }

    /// Starts PostgreSQL again, on its data and port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_postgres(&self) {
        let store = self.postgres("start", &[]);
        assert_eq!(store, self.store, "PostgreSQL is back where it was");
    }

    /// Stops Kafka.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop_kafka(&self, how: Stop) {
        let options: &[&str] = match how {
            Stop::Orderly => &[],
            Stop::Crash => &["--immediate"],
        };
        self.kafka("stop", options);
    }

    /// Starts Kafka again, on its data and port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_kafka(&self) {
        let bus = format!("kafka://{}", self.kafka("start", &[]));
        assert_eq!(bus, self.bus, "Kafka is back where it was");
    }

    fn postgres(&self, script: &str, options: &[&str]) -> String {
        run(
            &format!("{}/postgres/{script}", self.ops),
            &self.postgres,
            options,
        )
    }

    fn kafka(&self, script: &str, options: &[&str]) -> String {
        run(&format!("{}/kafka/{script}", self.ops), &self.kafka, options)
    }
}

impl Drop for OwnServers {
    fn drop(&mut self) {
        let stop = |script: &str, folder: &TempDir, options: &[&str]| {
            let path = format!("{}/{script}/stop", self.ops);
            let _ = command(&path, folder, options).status();
        };
        stop("kafka", &self.kafka, &["--immediate"]);
        stop("postgres", &self.postgres, &["--mode", "immediate"]);
    }
}

fn command(script: &str, folder: &TempDir, options: &[&str]) -> Command {
    let mut command = Command::new(script);
    command.arg("--dir").arg(folder.path()).args(options);
    command
}

/// Runs a script; gives the last line that it prints.
pub(crate) fn run(script: &str, folder: &TempDir, options: &[&str]) -> String {
    let output = command(script, folder, options).output();
    let output = output.expect("the script can be started");
    assert!(output.status.success(), "{script}: {output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().last().unwrap_or_default().to_owned()
}
