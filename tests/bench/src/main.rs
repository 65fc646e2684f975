//! Measures the product beside baselines, in the same run on the same machine: what a handler, hand-written SQL or a
//! bare client does with the same calls. Started by `ops/bench`, which builds it and starts the servers.
//!
//! Each figure is the median of several short rounds in which the product and its baseline take turns.

#![expect(clippy::print_stdout, reason = "the output of the program")]

mod assemble;
mod backup;
mod callback;
mod figures;
mod fixture;
mod growth;
mod history;
mod import;
mod instances;
mod intake;
mod kafka;
mod ledger;
mod live;
mod memory;
mod pages;
mod postgres;
mod suppression;
mod tickets;

mod unseen {
    #![allow(clippy::all, unreachable_pub, unused_qualifications, reason = "generated")]
    tonic::include_proto!("nrwdirekt.calls.v1");
}

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use figures::Figure;

/// Measures nrwdirekt beside baselines.
#[derive(Parser)]
struct Arguments {
    /// Print a JSON list instead of a table.
    #[arg(long)]
    json: bool,
    /// Only parse the first `--rows` of this export and print the peak memory: `import_memory` starts itself so.
    #[arg(long, hide = true, value_name = "FILE", requires = "rows")]
    peak_of: Option<PathBuf>,
    #[arg(long, hide = true)]
    rows: Option<usize>,
    /// What to measure; everything unless named.
    names: Vec<Name>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    IntakeKafka,
    LedgerSqlite,
    LedgerPostgres,
    LedgerGrowth,
    LedgerInstances,
    ReportDay,
    ReportYear,
    Live,
    AssembleEvents,
    Backup,
    CallbackPath,
    TicketsSqlite,
    TicketsPostgres,
    TicketSearch,
    ImportParse,
    ImportMemory,
    ImportWhole,
    Memory,
    Pages,
    Wallboard,
    Suppression,
    Scrub,
}

/// The same as the product's, for the baselines too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let (Some(file), Some(rows)) = (&arguments.peak_of, arguments.rows) {
        println!("{}", import::parse_and_tell_peak(file, rows)?);
        return Ok(());
    }
    let names = match arguments.names.as_slice() {
        [] => Name::value_variants(),
        names => names,
    };
    let mut figures: Vec<Figure> = Vec::new();
    for name in names {
        eprintln!("    measuring {name:?}");
        let measured = match name {
            Name::IntakeKafka => intake::measure().await,
            Name::LedgerSqlite => ledger::measure_sqlite().await,
            Name::LedgerPostgres => ledger::measure_postgres().await,
            Name::LedgerGrowth => growth::measure().await,
            Name::LedgerInstances => instances::measure().await,
            Name::ReportDay => history::measure_day().await,
            Name::ReportYear => history::measure_year().await,
            Name::Live => live::measure().await,
            Name::AssembleEvents => assemble::measure(),
            Name::Backup => backup::measure().await,
            Name::CallbackPath => callback::measure().await,
            Name::TicketsSqlite => tickets::measure_sqlite().await,
            Name::TicketsPostgres => tickets::measure_postgres().await,
            Name::TicketSearch => tickets::measure_search().await,
            Name::ImportParse => import::parse(),
            Name::ImportMemory => import::memory(),
            Name::ImportWhole => import::whole().await,
            Name::Memory => memory::measure().await,
            Name::Pages => pages::measure().await,
            Name::Wallboard => pages::measure_wallboard().await,
            Name::Suppression => suppression::measure().await,
            Name::Scrub => suppression::measure_scrub().await,
        }?;
        if !arguments.json {
            measured
                .iter()
                .for_each(|figure| println!("{}", figures::line(figure)));
        }
        figures.extend(measured);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    }
    Ok(())
}
