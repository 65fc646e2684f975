//! `nrwdirekt privacy register`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::RegisterSource;

#[derive(Args, Debug)]
pub(crate) struct ProcessingRegisterArguments {
    /// Write it as a German document (HTML, to be read and printed) into this file.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) out: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The server that is asked; its token comes from NRWDIREKT_TOKEN, else from what a server of this user left here.
    #[arg(long, env = "NRWDIREKT_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Ask no server: told by the configuration.
    #[arg(long)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) source: RegisterSource,
}
