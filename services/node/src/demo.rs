//! The simulated day that a new installation shows.

use std::fs;
use std::path::Path;

use anyhow::Context;
use chrono::NaiveDate;
use domain::local_time;

use crate::client;
use crate::commands::simulate::{Play, last_service_day};

/// The file that says which day was chosen.
const CHOSEN: &str = "demo-day";

/// Whether a day was chosen for an installation.
pub(crate) fn was_chosen(data: &Path) -> bool {
    data.join(CHOSEN).exists()
}

/// Plays a day into an installation that is still empty, or goes on where a first start was cut: the day is chosen
/// once, and what was reported before counts once.
pub(crate) async fn show(data: &Path, url: &str, token: &str, empty: bool) -> anyhow::Result<()> {
    let chosen = data.join(CHOSEN);
    let done = data.join("demo-day.done");
    let known = fs::read_to_string(&chosen)
        .ok()
        .and_then(|text| text.trim().parse::<NaiveDate>().ok());
    let day = match known {
        _ if done.exists() => return Ok(()),
        Some(day) => day,
        None if !empty => return Ok(()),
        None => last_service_day(local_time::day_of(chrono::Utc::now())),
    };
    fs::write(&chosen, day.to_string()).with_context(|| chosen.display().to_string())?;
    tracing::info!(%day, "playing a simulated hotline day");
    let connection = client::connect_with(url, Some(token)).await?;
    let played = Play::demo(day)?.send(&connection).await?;
    fs::write(&done, "").with_context(|| done.display().to_string())?;
    tracing::info!(%day, reports = played.reports(), callbacks = played.callbacks(), "the simulated day is reported");
    Ok(())
}
