//! Logs to standard error, metrics for Prometheus.

use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Seconds: from a fast commit to a slow one.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Seconds that citizens wait.
const WAITING_SECONDS: [f64; 13] = [
    5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0,
];

/// Logs go to standard error: text for people, JSON where NRWDIREKT_LOG_FORMAT=json; NRWDIREKT_LOG filters them.
pub(crate) fn start_logs() {
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter(std::env::var("NRWDIREKT_LOG").ok().as_deref()))
        .with_writer(std::io::stderr);
    let json = std::env::var("NRWDIREKT_LOG_FORMAT").is_ok_and(|format| format == "json");
    // A second start in one process, as in tests, keeps the first.
    let _ = if json {
        logs.json().try_init()
    } else {
        logs.with_ansi(false).try_init()
    };
}

/// What is logged, as asked for. What reads telephone numbers writes them out at its finest level, so that is never logged.
fn filter(asked: Option<&str>) -> EnvFilter {
    let asked = asked.and_then(|asked| asked.parse::<EnvFilter>().ok());
    let filter = asked.unwrap_or_else(|| EnvFilter::new("info,refinery_core=warn"));
    match "rlibphonenumber=info".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

/// Installs the recorder of metrics.
pub(crate) fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| {
            let times = Matcher::Prefix("nrwdirekt_time_to_".to_owned());
            builder.set_buckets_for_metric(times, &WAITING_SECONDS)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .context("metrics could not be set up")?;
    describe_metrics();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Describes the metrics of every role.
fn describe_metrics() {
    access::describe_metrics();
    intake::metrics::describe();
    ledger::metrics::describe();
    ticketing::metrics::describe();
    handover::metrics::describe();
    reporting::describe_metrics();
    privacy::metrics::describe();
}

#[cfg(test)]
mod tests;
