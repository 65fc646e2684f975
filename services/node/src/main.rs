//! The binary: reads the configuration, wires the roles together, and is the command line.
//!
//! Owns configuration, wiring, the server, shutdown and what is printed. Only here are implementations known.

mod access_log;
mod auth;
mod backups;
mod cli;
mod client;
mod clock;
mod commands;
mod config;
mod demo;
mod exit;
#[cfg(debug_assertions)]
mod failpoints;
mod listener;
mod node;
mod output;
mod people;
mod roles;
mod rules;
mod server;
mod storage;
mod suppression;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

/// Every report takes some dozen small pieces of memory for a moment: the system's allocator would be a sixth of the work
/// of intake.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            return exit::report(&anyhow::Error::new(error).context("the runtime could not be started"));
        }
    };
    let result = runtime.block_on(commands::run(arguments));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match result {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
