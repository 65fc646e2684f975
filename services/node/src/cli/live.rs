//! `nrwdirekt report live`.

use clap::Args;

use super::{GroupBy, ServerArguments};

#[derive(Args, Debug)]
pub(crate) struct LiveArguments {
    /// Single hotlines, or the groups of the rules.
    #[arg(long, value_enum, default_value = "hotline")]
    pub(crate) by: GroupBy,
    /// Only this hotline; may be given several times.
    #[arg(long = "hotline", value_name = "NAME")]
    pub(crate) hotlines: Vec<String>,
    /// The zone that the running day and interval are cut in.
    #[arg(long, default_value = "Europe/Berlin", value_name = "ZONE")]
    pub(crate) zone: String,
    /// The length of the running interval: 15m, 30m, 1h or 1d.
    #[arg(long, default_value = "15m", value_name = "LENGTH")]
    pub(crate) interval: String,
    /// The service level policy, such as of-answered; the default one of the rules unless given.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    pub(crate) policy: String,
    /// Thresholds in whole seconds, inclusive, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "20,30", value_name = "SECONDS")]
    pub(crate) within: Vec<u32>,
    /// Task types, separated by commas.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "inbound_call",
        value_name = "TYPES"
    )]
    pub(crate) task_type: Vec<String>,
    /// Goes on until it is interrupted: again whenever something has changed, and each second.
    #[arg(long)]
    pub(crate) follow: bool,
    /// As JSON; with --follow a line each.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
