//! `nrwdirekt newsletter` and `nrwdirekt accreditation`.

use clap::{Args, Subcommand};

use super::{FormArguments, ServerArguments};

#[derive(Args, Debug)]
pub(crate) struct NewsletterArguments {
    #[command(subcommand)]
    pub(crate) action: NewsletterAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NewsletterAction {
    /// Newsletters, and how many have subscribed.
    List(OfferListArguments),
    /// Confirmed addresses of a newsletter, each with its link to unsubscribe and the address that its mails come back to.
    Export {
        /// The newsletter.
        #[arg(long, value_name = "ID")]
        list: String,
        #[command(flatten)]
        form: FormArguments,
        #[command(flatten)]
        server: ServerArguments,
    },
}

#[derive(Args, Debug)]
pub(crate) struct OfferListArguments {
    #[command(flatten)]
    pub(crate) form: FormArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Args, Debug)]
pub(crate) struct AccreditationArguments {
    #[command(subcommand)]
    pub(crate) action: AccreditationAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccreditationAction {
    /// Events, how many have registered, and what was exported and erased.
    List(OfferListArguments),
    /// Confirmed entries of an event with all fields.
    Export {
        /// The event.
        #[arg(long, value_name = "ID")]
        event: String,
        /// Erase the entries once the file is complete; only after the deadline.
        #[arg(long, requires = "output")]
        clear: bool,
        #[command(flatten)]
        form: FormArguments,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Erase all entries of an event that were exported after its deadline; a count remains.
    Clear {
        /// The event.
        #[arg(long, value_name = "ID")]
        event: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
}
