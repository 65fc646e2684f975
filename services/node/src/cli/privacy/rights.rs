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
    /// Why it is searched: it stands in the audit trail.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    /// The number of the case that it is done for.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: Option<i64>,
    /// As one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct TellArguments {
    #[command(flatten)]
    pub(crate) marks: MarkArguments,
    /// The file to write, readable for its owner only. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<std::path::PathBuf>,
    /// As JSON: `access` too tells its content as data then.
    #[arg(long)]
    pub(crate) json: bool,
    /// The case that it is done for.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: Option<i64>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RectifyArguments {
    /// The ticket.
    pub(crate) ticket: String,
    /// What is right: name=Mustermann; an empty value takes the field away. Of what was said in later calls: added.1.concern,
    /// added.1.phone, added.1.email, the first one being 1. May be repeated.
    #[arg(long = "field", value_name = "NAME=VALUE", required = true, value_parser = field)]
    pub(crate) fields: Vec<(String, String)>,
    /// Why; kept in the history, so nothing about the person.
    #[arg(long)]
    pub(crate) reason: String,
    /// The case that it is done for.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: Option<i64>,
    /// A repeated request with the same key is done once. Default: a new key.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write it as NAME=VALUE, such as name=Mustermann")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Tickets by number, with the calls that led to them; or all tickets and calls of one person.
#[derive(Args, Debug)]
pub(crate) struct RestrictArguments {
    /// A ticket; may be repeated.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Vec<String>,
    /// Of a person: telephone number, in any spelling.
    #[arg(long, value_name = "NUMBER", conflicts_with = "ticket")]
    pub(crate) phone: Option<String>,
    /// Of a person: e-mail address.
    #[arg(long, conflicts_with = "ticket")]
    pub(crate) email: Option<String>,
    /// Of a person: family name.
    #[arg(long, conflicts_with = "ticket")]
    pub(crate) name: Option<String>,
    /// Of a person: first name.
    #[arg(long, conflicts_with = "ticket")]
    pub(crate) first_name: Option<String>,
    /// Of a person: postal code.
    #[arg(long, conflicts_with = "ticket")]
    pub(crate) postal_code: Option<String>,
    /// Why; kept in the history, so nothing about the person.
    #[arg(long)]
    pub(crate) reason: String,
    /// The case that it is done for.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: Option<i64>,
    /// A repeated request with the same key is done once. Default: a new key.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RecipientArguments {
    /// Of this ticket.
    #[arg(long, value_name = "TICKET")]
    pub(crate) ticket: Option<String>,
    /// Only those that have not confirmed.
    #[arg(long)]
    pub(crate) waiting: bool,
    /// Only those that have not confirmed in time (`privacy.confirm_within_days`).
    #[arg(long)]
    pub(crate) overdue: bool,
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
pub(crate) struct ConfirmArguments {
    /// The ticket.
    pub(crate) ticket: String,
    /// Who has confirmed.
    #[arg(long)]
    pub(crate) department: String,
    /// What it was told of.
    #[arg(long, value_enum)]
    pub(crate) of: ToldOf,
    /// How, such as: letter of 23 December.
    #[arg(long)]
    pub(crate) reason: String,
    /// A repeated request with the same key is done once. Default: a new key.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum ToldOf {
    /// What the ticket says was put right.
    Rectified,
    /// The ticket is restricted.
    Restricted,
    /// The ticket was erased.
    Erased,
}
