//! `nrwdirekt privacy find` and what is done for a person who was found.

use clap::Args;

use crate::cli::ServerArguments;

/// By what a person is known: a number or an address, or both; a name narrows it down, or stands alone.
#[derive(Args, Debug)]
pub(crate) struct MarkArguments {
    /// Telephone number, in any spelling.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
    /// E-mail address.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Family name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// First name; only with a family name.
    #[arg(long)]
    pub(crate) first_name: Option<String>,
    /// Postal code of the home; only with a family name.
    #[arg(long)]
    pub(crate) postal_code: Option<String>,
    /// Whoever this ticket is of.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct FindArguments {
    #[command(flatten)]
    pub(crate) marks: MarkArguments,
    /// At most so many calls.
    #[arg(long, default_value_t = 500)]
    pub(crate) max: u32,
    /// As one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
