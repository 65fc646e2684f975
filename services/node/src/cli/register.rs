//! `nrwdirekt register`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigSource;

#[derive(Args, Debug)]
pub(crate) struct RegisterArguments {
    #[command(subcommand)]
    pub(crate) action: RegisterAction,
}

/// None of these needs a server.
#[derive(Debug, Subcommand)]
pub(crate) enum RegisterAction {
    /// Check the register: every fault is listed. Exit code 2 if there is one.
    Check {
        #[command(flatten)]
        source: RegisterSource,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// All procedures.
    List {
        #[command(flatten)]
        source: RegisterSource,
        /// As JSON, with everything that is declared.
        #[arg(long)]
        json: bool,
    },
    /// A procedure: its fields, legal basis, recipients and retention.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        source: RegisterSource,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// The JSON Schema of the requests of a procedure, as departments read them.
    Schema {
        /// The id of the procedure.
        #[arg(long, value_name = "ID")]
        procedure: String,
        #[command(flatten)]
        source: RegisterSource,
    },
}

/// Which register: the built-in procedures, and those of a folder.
#[derive(Args, Debug)]
pub(crate) struct RegisterSource {
    #[command(flatten)]
    pub(crate) config: ConfigSource,
    /// A folder of further procedures, in place of the one that the configuration names.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
