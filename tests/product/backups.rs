//! Backups of nodes, and nodes made of them again.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Backend, Builder, Finished, TestNode, command, eventually};

/// A folder for backups and a key pair, away from any node.
pub(crate) struct Safe {
    folder: TempDir,
    recipient: String,
}

impl Safe {
    /// A new one.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut safe = Self {
            folder,
            recipient: String::new(),
        };
        let made = safe.run(&["backup", "key", "--json", "--to", &safe.key()]).await;
        let made = made.exits(0).json();
        made["recipient"]
            .as_str()
            .expect("a public key")
            .clone_into(&mut safe.recipient);
        safe
    }

    /// The file with the private key.
    pub(crate) fn key(&self) -> String {
        self.path("key.txt")
    }

    /// A path beside it.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.to_str().expect("a path of text").to_owned()
    }

    /// The folder of backups.
    pub(crate) fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    /// A node whose backups go here.
    pub(crate) fn node(&self, backend: Backend) -> Builder {
        Builder::on(backend)
            .set("backup.recipient", &self.recipient)
            .set("backup.folder", self.backups().to_str().expect("a path of text"))
    }

    /// Runs a command that needs no node.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Finished {
        command::finish(command::command(self.folder.path(), arguments)).await
    }

    /// Takes a backup of a running node, and gives its file.
    pub(crate) async fn back_up(&self, node: &TestNode) -> String {
        // The node may just make the first one by itself.
        let made = eventually("a backup", async || {
            let asked = node.run(&["backup", "--json"]).await;
            let waits = asked.stderr.contains("a backup is being made already");
            (!waits).then(|| asked.exits(0).json())
        })
        .await;
        let name = made["name"].as_str().expect("a name");
        let path = self.backups().join(name);
        path.to_str().expect("a path of text").to_owned()
    }

    /// Restores a backup into what the node will use.
    pub(crate) async fn restore(&self, backup: &str, into: &TestNode) -> Value {
        let restored = self.run(&words(&self.restoring(backup, into))).await;
        restored.exits(0).json()
    }

    /// The words of that command.
    pub(crate) fn restoring(&self, backup: &str, into: &TestNode) -> Vec<String> {
        let data = into.data();
        let data = data.to_str().expect("a path of text");
        let key = self.key();
        let restore = [
            "restore", "--json", "--from", backup, "--key", &key, "--data", data,
        ];
        let mut words: Vec<String> = restore.map(str::to_owned).to_vec();
        if let Some(store) = into.store() {
            words.extend(["--store".to_owned(), store.to_owned()]);
        }
        words
    }

    /// What `backup verify` says of a file, and its exit code.
    pub(crate) async fn verify(&self, backup: &str, key: Option<&str>) -> (Option<i32>, Value) {
        let mut words = vec!["backup", "verify", backup, "--json"];
        words.extend(key.iter().flat_map(|key| ["--key", key]));
        let said = self.run(&words).await;
        let told = serde_json::from_str(&said.stdout).unwrap_or_else(|_| Value::String(said.stderr.clone()));
        (said.code, told)
    }
}

/// Words as arguments.
pub(crate) fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// The names in a folder, sorted; none if it is not there.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("the folder can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
