//! The program under test as a command that ends.

use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::{PATIENCE, binary};

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Fails unless it ended with this exit code.
    ///
    /// # Panics
    /// When it did not; shows everything that it said.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "exit code of nrwdirekt {}\n--- standard output\n{}\n--- standard error\n{}",
            self.arguments.join(" "),
            self.stdout,
            self.stderr
        );
        self
    }

    /// It failed, and said this on standard error.
    ///
    /// # Panics
    /// Otherwise.
    #[track_caller]
    pub fn fails_with(self, text: &str) -> Self {
        assert!(
            self.code != Some(0) && self.stderr.contains(text),
            "{text:?} is not what it failed with: {self:?}"
        );
        self
    }

    /// The whole standard output as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("standard output is not JSON: {error}\n{}", self.stdout))
    }

    /// Every line of standard output as JSON.
    ///
    /// # Panics
    /// When one is none.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let read = |line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("a line is not JSON: {error}\n{line}"))
        };
        self.stdout.lines().map(read).collect()
    }
}

/// The command with an environment of its own: nothing of the tests' but the way to programs.
///
/// `home` takes the place of the user's folders, also the one where servers leave their tokens.
pub fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary::path());
    in_home(&mut command, home);
    command.args(arguments);
    command
}

/// Gives a process an environment of its own.
pub(crate) fn in_home(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true);
}

/// Runs a command to its end.
///
/// # Panics
/// When it cannot be started, or takes longer than [`PATIENCE`].
pub async fn finish(mut command: Command) -> Finished {
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} takes longer than {PATIENCE:?}"));
    finished(&command, output.expect("the program can be started"))
}

/// Runs a command to its end that reads `input`.
///
/// # Panics
/// Like [`finish`].
pub async fn finish_with_input(mut command: Command, input: &[u8]) -> Finished {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program can be started");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let feeding = async move {
        // A program that ends early does not want the rest.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let (_, output) = tokio::join!(feeding, tokio::time::timeout(PATIENCE, child.wait_with_output()));
    let output = output.unwrap_or_else(|_| panic!("{command:?} takes longer than {PATIENCE:?}"));
    finished(&command, output.expect("the program can be waited for"))
}

/// Runs a command without any server, in a home of its own.
///
/// # Panics
/// Like [`finish`].
pub async fn alone(arguments: &[&str]) -> Finished {
    let home = tempfile::tempdir().expect("a temporary folder");
    finish(command(home.path(), arguments)).await
}

fn finished(command: &Command, output: Output) -> Finished {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    let arguments = command.as_std().get_args();
    Finished {
        arguments: arguments
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        code: ExitStatus::code(&status),
        stdout: text(stdout),
        stderr: text(stderr),
    }
}
