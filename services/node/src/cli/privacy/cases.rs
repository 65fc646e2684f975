//! `nrwdirekt privacy case`.

use clap::{Args, Subcommand, ValueEnum};

use super::MarkArguments;
use crate::cli::ServerArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum CaseAction {
    /// Open a case: it is to be answered within a month of the calendar. By what the person is known is kept as keyed hashes
    /// alone.
    Open(CaseOpenArguments),
    /// Open cases, the one that is due first comes first.
    List {
        #[command(flatten)]
        marks: MarkArguments,
        /// Decided ones too, the newest first.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        max: u32,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// One case with its notes.
    Show {
        /// Its number.
        number: i64,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Note what happened; nothing about the person.
    Note {
        /// What happened.
        #[arg(long)]
        text: String,
        #[command(flatten)]
        act: CaseActArguments,
    },
    /// Note how it was made sure who asks.
    Check {
        /// How, such as: identity card seen.
        #[arg(long)]
        how: String,
        #[command(flatten)]
        act: CaseActArguments,
    },
    /// Take two months more, once (Art. 12(3) GDPR); the person has to be told within the first month.
    Extend {
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        act: CaseActArguments,
    },
    /// Approve what is asked for. Where `privacy.two_persons` is set an erasure needs two, each in his or her own name.
    Approve {
        #[command(flatten)]
        act: CaseActArguments,
    },
    /// Say what came of it.
    Decide {
        /// What came of it.
        #[arg(long, value_enum)]
        outcome: Outcome,
        /// Why not, or not all, such as: § 10 DSG NRW.
        #[arg(long)]
        grounds: Option<String>,
        #[command(flatten)]
        act: CaseActArguments,
    },
}

/// Something that is done with a case.
#[derive(Args, Debug)]
pub(crate) struct CaseActArguments {
    /// Its number.
    pub(crate) number: i64,
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
pub(crate) struct CaseOpenArguments {
    /// Which right.
    #[arg(long, value_enum)]
    pub(crate) kind: Kind,
    /// The local day on which the request came, as 2026-12-23. Default: today.
    #[arg(long, value_name = "DAY")]
    pub(crate) received: Option<String>,
    #[command(flatten)]
    pub(crate) marks: MarkArguments,
    /// A ticket that it is about; may be repeated.
    #[arg(long = "about", value_name = "TICKET")]
    pub(crate) about: Vec<String>,
    /// A first note; nothing about the person.
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// A repeated request with the same key gives the same case. Default: a new key.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Art. 15.
    Access,
    /// Art. 16.
    Rectification,
    /// Art. 17.
    Erasure,
    /// Art. 18.
    Restriction,
    /// Art. 20.
    Portability,
    /// Art. 21.
    Objection,
    /// Art. 7(3).
    ConsentWithdrawal,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Done.
    Granted,
    /// Done in part; --grounds say why not all.
    PartlyGranted,
    /// Not done; --grounds say why.
    Refused,
    /// Nothing is kept of the person.
    NothingKept,
    /// The person asks for it no longer.
    Dropped,
}
