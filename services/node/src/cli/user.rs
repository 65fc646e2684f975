//! `nrwdirekt user`.

use clap::{Args, Subcommand};

use super::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct UserArguments {
    #[command(subcommand)]
    pub(crate) action: UserAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// All users, by name, with their roles and open sessions.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Add a user. Prints the first password that was made; it must be changed at the first sign-in.
    Add(UserAddArguments),
    /// Change what a user is. What is not given stays; sessions end unless only the shown name changes.
    Change(UserChangeArguments),
    /// Give a user a first password again, also to one who signed in with the provider. All sessions of the user end.
    ResetPassword {
        /// Who.
        name: String,
        /// Read the first password from standard input instead of making one.
        #[arg(long)]
        password_stdin: bool,
        /// A JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// End every session of a user, at once.
    EndSessions {
        /// Whose.
        name: String,
        /// A JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Args, Debug)]
pub(crate) struct UserAddArguments {
    /// What the user signs in with: lower-case letters, digits, dots and hyphens.
    pub(crate) name: String,
    /// agent, supervisor, department, data_protection or administrator; may be given several times.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    pub(crate) roles: Vec<String>,
    /// For people to read. Default: the name.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) shown_name: String,
    /// Whose tickets the user may see, with the role department.
    #[arg(
        long,
        value_name = "DEPARTMENT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) department: String,
    /// As what the telephone system knows the user.
    #[arg(long, value_name = "AGENT", default_value = "", hide_default_value = true)]
    pub(crate) agent: String,
    /// Read the first password from standard input instead of making one.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// The user signs in with the provider, which knows him or her as this subject (the claim sub).
    #[arg(
        long,
        value_name = "SUBJECT",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "password_stdin"
    )]
    pub(crate) openid_subject: String,
    /// A JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct UserChangeArguments {
    /// Who.
    pub(crate) name: String,
    /// The roles from now on; may be given several times.
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// For people to read.
    #[arg(long)]
    pub(crate) shown_name: Option<String>,
    /// Whose tickets the user may see; empty: none.
    #[arg(long, value_name = "DEPARTMENT")]
    pub(crate) department: Option<String>,
    /// As what the telephone system knows the user; empty: not at all.
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// May not sign in.
    #[arg(long, conflicts_with = "enable")]
    pub(crate) disable: bool,
    /// May sign in again.
    #[arg(long)]
    pub(crate) enable: bool,
    /// Signs in with the provider from now on, which knows the user as this subject.
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) openid_subject: Option<String>,
    /// A JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
