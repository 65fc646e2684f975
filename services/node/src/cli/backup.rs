//! `nrwdirekt backup` and `nrwdirekt restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigSource, ServerArguments};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BackupArguments {
    #[command(subcommand)]
    pub(crate) action: Option<BackupAction>,
    /// Fetch it to this file or into this folder, too. With --data or without a server: write it there.
    #[arg(long, value_name = "FILE|FOLDER")]
    pub(crate) to: Option<PathBuf>,
    /// Without a server: of this data folder, whose node is stopped. Needs --to and --recipient, or a configuration.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Without a server: of this database, whose nodes may run.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<String>,
    /// Without a server: the public key that it is encrypted for.
    #[arg(long, value_name = "KEY")]
    pub(crate) recipient: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigSource,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupAction {
    /// Read a whole backup, without restoring it: whether it can be opened, and is as it was written and in itself in order.
    /// Without a key only whether a byte has changed. Exit code 1 if it is not whole.
    Verify(BackupVerifyArguments),
    /// The backups that a node keeps, newest first.
    List(BackupListArguments),
    /// Make a key pair. The private key goes into a file that is kept apart from the node: who has it can read every backup, and
    /// without it nobody can.
    Key(BackupKeyArguments),
}

#[derive(Args, Debug)]
pub(crate) struct BackupVerifyArguments {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The key file.
    #[arg(long, env = "NRWDIREKT_BACKUP_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct BackupListArguments {
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub(crate) max: u32,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct BackupKeyArguments {
    /// Where the private key goes; must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The key file.
    #[arg(long, env = "NRWDIREKT_BACKUP_KEY", value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The new data folder: not there yet, or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// For a backup of PostgreSQL: an empty database, postgres://USER@HOST:PORT/DATABASE.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<String>,
    /// Erasures since the backup was made: journals beside those that stand beside the backup; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) erasures: Vec<PathBuf>,
    /// What was done by right of persons since: folders `acts` beside the one that stands beside the backup; may be given several
    /// times.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) acts: Vec<PathBuf>,
    /// Both, too, as this old data folder knows it, if it can still be read. It is brought up to date, and otherwise left as it is.
    #[arg(long, value_name = "DIR")]
    pub(crate) old_data: Option<PathBuf>,
    /// The same of an old database, postgres://USER@HOST:PORT/DATABASE. It is read alone.
    #[arg(long, value_name = "STORE", conflicts_with = "old_data")]
    pub(crate) old_store: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
