//! `pages`: what the server takes for each page of the console with a million calls and tickets behind it, beside the same
//! page with ten thousand. `wallboard`: what two hundred open wallboards cost while calls come in.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, Days, TimeDelta, Utc};
use console::pages::{Verb, pages};
use domain::local_time;
use testkit::{Backend, Builder, TestNode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::figures::{Figure, median};
use crate::{history, live, tickets};

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
const ROUNDS: usize = 15;
/// Below this a ratio tells of the machine's noise alone.
const LEAST_MS: f64 = 2.0;
const BEHIND: &str = "the page that grows most, with 10,000 calls and tickets behind it; less is better";
/// Pages that answer with what was asked for, not with a page of figures or tickets.
const LEFT_OUT: [&str; 4] = ["/", "/anmelden/openid", "/anmelden/openid/zurueck", "/kennwort"];

const VIEWERS: usize = 200;
const WATCHED: Duration = Duration::from_secs(20);

/// The slowest page, and the page that grows most.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut few = filled_node(FEW).await?;
    let mut many = filled_node(MANY).await?;
    let (mut slowest, mut growing): (f64, Option<(f64, f64, f64)>) = (0.0, None);
    for path in paths() {
        let (mut with_few, mut with_many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with_few.push(ask_ms(&few, &path).await?);
            with_many.push(ask_ms(&many, &path).await?);
        }
        let (with_few, with_many) = (median(with_few), median(with_many));
        eprintln!("    {path}: {with_many:.1} ms, {with_few:.1} ms with few");
        slowest = slowest.max(with_many);
        let grown = with_many.max(LEAST_MS) / with_few.max(LEAST_MS);
        if growing.is_none_or(|(most, ..)| grown > most) {
            growing = Some((grown, with_many.max(LEAST_MS), with_few.max(LEAST_MS)));
        }
    }
    few.stop().await;
    many.stop().await;
    let (_, with_many, with_few) = growing.context("there are pages")?;
    let grown = Figure::new("pages_growth", with_many, "ms").beside(BEHIND, with_few);
    Ok(vec![
        Figure::new("pages_slowest", slowest, "ms").at_most(100.0),
        grown.at_most(2.0),
    ])
}

/// Every page that is asked for by its address alone, and those of a period with calls in it.
fn paths() -> Vec<String> {
    let is_whole = |path: &str| !path.contains('{') && !path.contains("/strom") && !path.contains("/export");
    let plain = pages()
        .filter(|page| page.method == Verb::Get && is_whole(page.path) && !LEFT_OUT.contains(&page.path))
        .map(|page| page.path.to_owned());
    let day = local_time::day_of(Utc::now()) - Days::new(30);
    let month = day - Days::new(30);
    let of_periods = [
        format!("/verlauf?von={day}&bis={day}&intervall=15m"),
        format!("/verlauf?von={month}&bis={day}&intervall=1d"),
        format!("/anrufe?von={}&bis={day}", day - Days::new(330)),
    ];
    plain.chain(of_periods).collect()
}

/// A node on embedded storage that so many calls and tickets lie behind, over the year before today.
async fn filled_node(count: usize) -> anyhow::Result<TestNode> {
    let mut node = Builder::on(Backend::Embedded).prepare().await;
    fs::create_dir_all(node.data())?;
    drop(history::filled(&node.data().join("calls.db"), count, in_the_last_year).await?);
    tickets::fill(&node.data().join("tickets.db"), u32::try_from(count)?).await?;
    node.start_again().await;
    Ok(node)
}

/// 25 hotlines, on every day of the last year, each day at another quarter-hour: 10,000 calls fill every row of figures that a
/// million fill, so that pages show as much.
fn in_the_last_year(n: usize) -> (usize, DateTime<Utc>) {
    let (day, hotline) = (n % 365, n / 365 % 25);
    let date = local_time::day_of(Utc::now()) - Days::new(1 + day as u64);
    let quarter = ((day + hotline) % 40) as i64;
    (
        hotline,
        local_time::start_of(date)
            + TimeDelta::minutes(8 * 60 + 15 * quarter)
            + TimeDelta::seconds((n / 9125 % 900) as i64),
    )
}

async fn ask_ms(node: &TestNode, path: &str) -> anyhow::Result<f64> {
    let token = node.token();
    let begun = Instant::now();
    let answer = node.page(path, Some(&token), None).await;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    ensure!(
        matches!(answer.status, 200 | 303 | 403 | 404 | 412 | 422),
        "{path} answered {}",
        answer.status
    );
    Ok(took)
}

/// Processor time of the node, in cores, while two hundred look and calls come in.
pub(crate) async fn measure_wallboard() -> anyhow::Result<Vec<Figure>> {
    let mut node = Builder::on(Backend::Embedded).start().await;
    let token = node.token();
    let mut viewers = Vec::new();
    for _ in 0..VIEWERS {
        let (port, token) = (node.port(), token.clone());
        viewers.push(tokio::spawn(async move { look(port, &token).await }));
    }
    let alone = cores_while(&node, live::feed(&node, 0)).await?;
    let busy = cores_while(&node, live::feed(&node, 50)).await?;
    let mut bytes = 0;
    for viewer in viewers {
        ensure!(!viewer.is_finished(), "a wallboard was cut off");
        viewer.abort();
        bytes += 1;
    }
    ensure!(bytes == VIEWERS, "every wallboard was open to the end");
    node.stop().await;
    Ok(vec![
        Figure::new("wallboard_quiet", alone, "cores"),
        Figure::new("wallboard", busy, "cores").at_most(1.0),
    ])
}

/// Reads the stream of a wallboard until it is cut.
async fn look(port: u16, token: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "GET /warteschlangen/strom HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: nrwdirekt={token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 65_536];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// The processor time that the node takes a second, on average.
async fn cores_while(node: &TestNode, feed: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<f64> {
    let before = node.processor_time();
    let begun = Instant::now();
    tokio::time::timeout(WATCHED, feed).await.unwrap_or(Ok(()))?;
    tokio::time::sleep(WATCHED.saturating_sub(begun.elapsed())).await;
    let used = node.processor_time().saturating_sub(before);
    Ok(used.as_secs_f64() / begun.elapsed().as_secs_f64())
}
