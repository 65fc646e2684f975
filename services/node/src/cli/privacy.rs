//! `nrwdirekt privacy`.

use clap::{Args, Subcommand};

use super::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct PrivacyArguments {
    #[command(subcommand)]
    pub(crate) action: PrivacyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PrivacyAction {
    /// Who has seen or done what.
    Audit {
        #[command(subcommand)]
        action: AuditAction,
    },
    /// Deleting what is kept no longer: what would go, letting it go, and the proof of what went.
    Retention {
        #[command(subcommand)]
        action: RetentionAction,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionAction {
    /// What would go by which rule. Deletes nothing.
    Plan {
        /// What would go at this local day or time instead of now.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Delete what is past, and wait for it. Figures stay as they are. A run that was cut short is gone on with.
    Run {
        /// One JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// What went in each run and by which rule, newest first. Names nobody.
    Runs {
        /// At most so many.
        #[arg(long, default_value_t = 20)]
        max: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditAction {
    /// Entries of the audit trail, newest first. That they were read is noted too.
    List(AuditListArguments),
    /// Read the whole trail again: an entry that is missing or was changed is named. Exit code 1 if there is one.
    Verify {
        /// A head that was noted down earlier: the entry that it belongs to must still be there, so that a cut end is found.
        #[arg(long, value_name = "HEX")]
        head: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Args, Debug)]
pub(crate) struct AuditListArguments {
    /// Only what this user or token did.
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Only what was done to this: the number of a ticket, the identity of a call, the name of a user.
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,
    /// Only this action, such as ticket_read.
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// Only from this local day on, as 2026-12-23, or from this time, as 2026-12-23T16:30:00+01:00.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// Only before this local day or time.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub(crate) max: u32,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
