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

impl OwnServers {
    /// Starts both; none where the scripts are not at hand.
    ///
    /// # Panics
    /// When they cannot be started, or the scripts are missing in CI.
    pub fn start() -> Option<Self> {
        let Ok(ops) = std::env::var(OPS) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "{OPS} is not set; ops/test sets it"
            );
            eprintln!("left out: {OPS} is not set");
            return None;
        };
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
fn run(script: &str, folder: &TempDir, options: &[&str]) -> String {
    let output = command(script, folder, options).output();
    let output = output.expect("the script can be started");
    assert!(output.status.success(), "{script}: {output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().last().unwrap_or_default().to_owned()
}
