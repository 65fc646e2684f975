use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use wire::v1::calls::intake_client::IntakeClient;
use wire::v1::reporting::reporting_client::ReportingClient;
use wire::v1::reporting::{AwaitFiguresRequest, Position, TotalsRequest, TotalsResponse};

use crate::client::{Connection, Token, connect};
use crate::{Answer, Backend, Dice, Finished, PATIENCE, binary, command, http};

/// A node may take so long to serve, also after a kill.
const UNTIL_READY: Duration = Duration::from_secs(120);
/// A node may take so long to end when it is asked to.
const UNTIL_ENDED: Duration = Duration::from_secs(60);

/// How a node is to be started.
pub struct Builder {
    /// None beside a node: its storage is in the arguments.
    backend: Option<Backend>,
    /// How the program is called.
    call: Vec<String>,
    port: Option<u16>,
    launcher: Vec<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Builder {
    /// On storage that no other node has. Nothing is deleted by the hour at which the tests happen to run.
    pub fn on(backend: Backend) -> Self {
        let node = Self {
            backend: Some(backend),
            call: ["up", "--empty"].map(str::to_owned).to_vec(),
            port: None,
            launcher: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
        };
        node.set("retention.at", "")
    }

    /// Overrides a setting of the configuration.
    pub fn set(self, key: &str, value: &str) -> Self {
        self.argument("--set").argument(&format!("{key}={value}"))
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Adds a variable of the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves the choice of the port to the node.
    pub fn any_port(mut self) -> Self {
        self.port = Some(0);
        self
    }

    /// Starts the node by a program that ends in `exec "$@"`, so that it keeps the process id.
    pub fn launched_by(mut self, launcher: &[&str]) -> Self {
        self.launcher = launcher.iter().map(|&part| part.to_owned()).collect();
        self
    }

    /// Starts the node, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready in time.
    pub async fn start(self) -> TestNode {
        let mut node = self.prepare().await;
        node.start_again().await;
        node
    }

    /// Everything but the start.
    pub async fn prepare(mut self) -> TestNode {
        if let Some(backend) = self.backend {
            self.arguments.extend(backend.arguments().await);
        }
        let home = tempfile::Builder::new().prefix("nrwdirekt-node.").tempdir();
        TestNode {
            home: home.expect("a temporary folder"),
            port: self.port.unwrap_or_else(free_port),
            builder: self,
            child: None,
            said: Vec::new(),
        }
    }
}

/// A node in a process of its own, with a home of its own. Ends with the test; when the test fails, its log is shown.
pub struct TestNode {
    home: TempDir,
    port: u16,
    builder: Builder,
    child: Option<Child>,
    said: Vec<String>,
}

impl TestNode {
    /// Starts a node as most tests want it.
    ///
    /// # Panics
    /// When it does not become ready in time.
    pub async fn start(backend: Backend) -> Self {
        Builder::on(backend).start().await
    }

    /// A node of some roles, separated by commas, on the same storage and with the same settings.
    pub fn beside(&self, roles: &str) -> Builder {
        Builder {
            backend: None,
            call: ["serve", "--role", roles].map(str::to_owned).to_vec(),
            port: None,
            launcher: Vec::new(),
            arguments: self.builder.arguments.clone(),
            environment: self.builder.environment.clone(),
        }
    }

    /// A node that is to take the place of this one, not started: with the same settings and bus, and with a data folder and a
    /// database of its own, which are empty.
    pub async fn successor(&self) -> Self {
        let mut builder = Builder {
            backend: None,
            call: self.builder.call.clone(),
            port: None,
            launcher: Vec::new(),
            arguments: self.builder.arguments.clone(),
            environment: self.builder.environment.clone(),
        };
        if let Some(store) = builder.arguments.iter().position(|it| it == "--store") {
            builder.arguments[store + 1] = Backend::new_database().await;
        }
        builder.prepare().await
    }

    /// The URL of its database, if it has one.
    pub fn store(&self) -> Option<&str> {
        let arguments = &self.builder.arguments;
        let store = arguments.iter().position(|it| it == "--store")?;
        arguments.get(store + 1).map(String::as_str)
    }

    /// Starts it on the data and the port of before, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready in time.
    pub async fn start_again(&mut self) {
        if let Err(status) = self.try_to_start().await {
            panic!("the node ended before it was ready: {status}\n{}", self.log());
        }
    }

    /// The same, for a node that may end before it is ready.
    ///
    /// # Errors
    /// How it ended.
    ///
    /// # Panics
    /// When it neither ends nor becomes ready in time.
    pub async fn try_to_start(&mut self) -> Result<(), ExitStatus> {
        assert!(self.child.is_none(), "the node is running");
        let mut child = self.start_command().spawn().expect("the program can be started");
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let child = self.child.insert(child);
        let mut lines = BufReader::new(stdout).lines();
        self.said.clear();
        let line = loop {
            let line = tokio::time::timeout(UNTIL_READY, lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("not ready within {UNTIL_READY:?}"));
            let Some(line) = line.expect("standard output can be read") else {
                let status = child.wait().await.expect("the process can be waited for");
                self.child = None;
                return Err(status);
            };
            if line.starts_with("ready ") {
                break line;
            }
            self.said.push(line);
        };
        let url = line.strip_prefix("ready http://127.0.0.1:");
        self.port = url
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("not a line `ready URL`: {line:?}"));
        Ok(())
    }

    /// Sets a variable of the environment for the next start; `None` takes it away.
    pub fn set_variable(&mut self, name: &str, value: Option<&str>) {
        let environment = &mut self.builder.environment;
        environment.retain(|(known, _)| known != name);
        environment.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    /// What it said on standard output before it was ready, at its last start.
    pub fn said(&self) -> &[String] {
        &self.said
    }

    /// How it ended by itself; `None` while it runs.
    ///
    /// # Panics
    /// When it was not started.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let child = self.child.as_mut().expect("the node was started");
        let status = child.try_wait().expect("the process can be waited for")?;
        self.child = None;
        Some(status)
    }

    /// The command that starts it.
    pub fn start_command(&self) -> Command {
        let builder = &self.builder;
        let mut words = builder.launcher.iter().map(PathBuf::from).collect::<Vec<_>>();
        words.push(binary::path());
        let mut command = Command::new(&words[0]);
        command::in_home(&mut command, self.home.path());
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file());
        command
            .args(&words[1..])
            .args(&builder.call)
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--data"])
            .arg(self.data())
            .args(&builder.arguments)
            .envs(builder.environment.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log can be written"));
        command
    }

    /// Ends it by SIGKILL, as a power failure would.
    ///
    /// # Panics
    /// When it is not running.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("the node is running");
        child.kill().await.expect("the process can be killed");
    }

    /// Ends it by SIGTERM: it must end by itself, in time, and say that all is well.
    ///
    /// # Panics
    /// When it does not.
    pub async fn stop(&mut self) {
        let status = self.terminate().await;
        assert!(status.success(), "after SIGTERM: {status}\n{}", self.log());
    }

    /// Ends it by SIGTERM; gives how it ended.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let mut child = self.child.take().expect("the node is running");
        let status = tokio::time::timeout(UNTIL_ENDED, child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("not ended {UNTIL_ENDED:?} after SIGTERM"));
        status.expect("the process can be waited for")
    }

    /// Lets it go on after it was paused.
    ///
    /// # Panics
    /// When it is not running.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // A process that has just ended by itself is a zombie until it is waited for: it takes signals too.
        rustix::process::kill_process(self.pid(), signal).expect("the process takes signals");
    }

    /// Lets no file of the running node grow beyond so many bytes; `None` lifts the limit. The node must have been
    /// started with SIGXFSZ ignored.
    ///
    /// # Panics
    /// When the limit cannot be set.
    pub fn limit_file_size(&self, bytes: Option<u64>) {
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        rustix::process::prlimit(Some(self.pid()), Resource::Fsize, limit).expect("the limit can be set");
    }

    /// Its process.
    ///
    /// # Panics
    /// When it is not running.
    pub fn pid(&self) -> Pid {
        let id = self
            .child
            .as_ref()
            .and_then(Child::id)
            .expect("the node is running");
        Pid::from_raw(id.try_into().expect("a process id")).expect("not 0")
    }

    /// Whether a signal has stopped it, and it waits for another one to go on.
    ///
    /// # Panics
    /// When it is not running.
    pub fn is_paused(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero()));
        let status = status.expect("a running process has a status");
        let state = status.lines().find_map(|line| line.strip_prefix("State:"));
        state.is_some_and(|state| state.trim_start().starts_with('T'))
    }

    /// Memory that the process holds now, in bytes.
    ///
    /// # Panics
    /// When it is not running.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero()));
        let status = status.expect("a running process has a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.expect("the status tells the memory") * 1024
    }

    /// Processor time that the process has taken so far.
    ///
    /// # Panics
    /// When it is not running.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid().as_raw_nonzero()));
        let stat = stat.expect("a running process has times");
        // Behind the name of the program, which may hold blanks, in parentheses; in ticks of 10 ms.
        let fields = stat
            .rsplit_once(')')
            .map(|(_, fields)| fields)
            .unwrap_or_default();
        let ticks = |field: usize| -> u64 {
            let ticks = fields
                .split_whitespace()
                .nth(field)
                .and_then(|ticks| ticks.parse().ok());
            ticks.expect("a number of ticks")
        };
        Duration::from_millis(10 * (ticks(11) + ticks(12)))
    }

    /// What it wrote to standard error, from its first start on.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.home.path().join("stderr.log")
    }

    /// What it is started with, beside the address and the data folder: its storage and its settings.
    pub fn arguments(&self) -> &[String] {
        &self.builder.arguments
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The folder that takes the place of the user's.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, as `ready` tells it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Writes a file into its home.
    ///
    /// # Panics
    /// When it cannot.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, content).expect("the home can be written");
        path.to_str().expect("a path of text").to_owned()
    }

    /// The operator's token, as it was left for commands.
    ///
    /// # Panics
    /// When there is none.
    pub fn token(&self) -> String {
        let file = format!("state/nrwdirekt/operator-{}.token", self.port);
        let token = fs::read_to_string(self.home.path().join(file)).expect("the operator's token");
        token.trim().to_owned()
    }

    /// A connection with the operator's token.
    pub fn connection(&self) -> Connection {
        self.connection_by(&self.url())
    }

    /// A connection with the operator's token, by another way.
    pub fn connection_by(&self, url: &str) -> Connection {
        connect(url, Token::of(&self.token()))
    }

    /// A client of intake.
    pub fn intake(&self) -> IntakeClient<Connection> {
        IntakeClient::new(self.connection())
    }

    /// A client of reporting.
    pub fn reporting(&self) -> ReportingClient<Connection> {
        ReportingClient::new(self.connection())
    }

    /// Asks for a page.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        http::get(self.port, path, token).await.expect("an answer")
    }

    /// Asks for a page of the console as whoever has the token, or sends a form.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn page(&self, path: &str, token: Option<&str>, form: Option<&str>) -> Answer {
        let cookie = token.map(|token| format!("nrwdirekt={token}"));
        let headers: Vec<_> = cookie.iter().map(|value| ("Cookie", value.as_str())).collect();
        let asked = http::Asked {
            path,
            headers: &headers,
            form,
        };
        http::ask(self.port, &asked).await.expect("an answer")
    }

    /// Sends an empty form as a page of another site would have the browser of somebody do it.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn foreign_form(&self, path: &str, token: &str, origin: &str) -> Answer {
        let cookie = format!("nrwdirekt={token}");
        let asked = http::Asked {
            path,
            headers: &[
                ("Cookie", &cookie),
                ("Origin", origin),
                ("Sec-Fetch-Site", "cross-site"),
            ],
            form: Some(""),
        };
        http::ask(self.port, &asked).await.expect("an answer")
    }

    /// A command that finds this node.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command::command(self.home.path(), arguments);
        command.env("NRWDIREKT_SERVER", self.url());
        command
    }

    /// Runs a command that finds this node, to its end.
    pub async fn run(&self, arguments: &[&str]) -> Finished {
        command::finish(self.command(arguments)).await
    }

    /// The figures of a range of local days, by hotline.
    ///
    /// # Panics
    /// When the node does not tell them.
    pub async fn totals(&self, from: &str, to: &str) -> TotalsResponse {
        let request = TotalsRequest {
            from: from.to_owned(),
            to: to.to_owned(),
            by_hotline: true,
            within_seconds: vec![20, 30],
            ..TotalsRequest::default()
        };
        let totals = self.reporting().totals(request).await;
        totals.expect("totals").into_inner()
    }

    /// Waits until the figures contain everything before the positions.
    ///
    /// # Panics
    /// When they do not in time.
    pub async fn await_figures(&self, positions: Vec<Position>) {
        let mut client = self.reporting();
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let request = AwaitFiguresRequest {
                positions: positions.clone(),
                wait_ms: 5_000,
            };
            let answer = client
                .await_figures(request)
                .await
                .expect("an answer")
                .into_inner();
            if answer.reached {
                return;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "the figures lag behind for {PATIENCE:?}"
            );
        }
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Already ended, if it fails.
            let _ = child.start_kill();
        }
        if std::thread::panicking() {
            eprintln!("--- log of the node\n{}--- end of the log", self.log());
        }
    }
}

/// A port that nobody listens on, and that neither the system gives to connections nor `ops/` to servers: a node that is started again
/// finds it free.
fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Drawn anew in each process: others on this machine may test too.
    let mut dice = Dice::of_seed(rand::random());
    loop {
        let port = dice.between(12_000, 20_000) as u16;
        if !given.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            given.push(port);
            return port;
        }
    }
}
