//! `nrwdirekt route`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigSource;
use super::calendar::local_time;

#[derive(Args, Debug)]
pub(crate) struct RouteArguments {
    #[command(subcommand)]
    pub(crate) action: RouteAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RouteAction {
    /// Which department a concern would go to, and why.
    ///
    /// A server answers by the rules that it works with. With --local, --config, --set or --rules no server is asked:
    /// the rules of the configuration are, else the built-in ones. So are they, with a note, where no server was named
    /// and none runs on this machine.
    Explain(Box<RouteExplainArguments>),
    /// Check the rules of a configuration: every fault is listed. Exit code 2 if there is one. Needs no server.
    Check(RouteCheckArguments),
}

/// Whose rules.
#[derive(Args, Debug)]
pub(crate) struct RulesSource {
    #[command(flatten)]
    pub(crate) config: ConfigSource,
    /// A file of departments, hotlines and rules, in place of the one that the configuration names.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RouteExplainArguments {
    /// The hotline that the citizen called; an unknown one goes on to the fallback.
    #[arg(long)]
    pub(crate) hotline: String,
    /// Category of the concern.
    #[arg(long)]
    pub(crate) category: Option<String>,
    /// The citizen's postal code.
    #[arg(long)]
    pub(crate) postal_code: Option<String>,
    /// What it is about: rules may look for keywords.
    #[arg(long)]
    pub(crate) concern: Option<String>,
    /// When it comes in, local, as 2026-12-23T16:30: rules may depend on service time. Default: now.
    #[arg(long, value_name = "TIME", value_parser = local_time)]
    pub(crate) at: Option<chrono::NaiveDateTime>,
    /// Ask no server.
    #[arg(long)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) source: RulesSource,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The server; unless it is given, one on this machine.
    #[arg(long, env = "NRWDIREKT_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RouteCheckArguments {
    #[command(flatten)]
    pub(crate) source: RulesSource,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
