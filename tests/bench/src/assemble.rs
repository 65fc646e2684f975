//! `assemble_events`: what it costs to make calls, visits and counts of life-cycle events, in memory and on one core.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{NaiveDate, Utc};
use domain::assembly::CallState;
use domain::counts::Movements;
use domain::ids::{Identity, IdentityKey, ImportRun, SourceKey, SourceName};
use domain::report::{CallReport, ReportBody};
use prost::Message;
use simulator::{Feed, FeedKind, FeedPayload, Profile, Simulation};
use wire::calls::Stored;
use wire::v1::calls::StoredReport;

use crate::figures::{Figure, median, rate};
use crate::fixture::SOURCE;

/// Messages that the ledger applies together.
const A_BATCH: usize = 4096;
const ROUNDS: usize = 5;

/// Events of a day, as they lie on the bus: those of many calls among each other.
pub(crate) fn measure() -> anyhow::Result<Vec<Figure>> {
    let messages = messages()?;
    let (mut decoded, mut assembled) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        decoded.push(rate(messages.len(), decode(&messages)?));
        assembled.push(rate(messages.len(), assemble(&messages)?));
    }
    Ok(vec![
        Figure::new("assemble_events", median(assembled), "events/s")
            .beside("merely decoding the same messages", median(decoded))
            .at_least(0.1),
    ])
}

fn messages() -> anyhow::Result<Vec<Vec<u8>>> {
    let date = NaiveDate::from_ymd_opt(2026, 3, 2).context("a date")?;
    let simulation = Simulation::new(3, Profile::default())?;
    let key = IdentityKey::new([7; 32]);
    let (source, run, received_at) = (SourceName::new(SOURCE), ImportRun::new("bench"), Utc::now());
    let feed = Feed::new(std::iter::once(simulation.day(date)), FeedKind::Events);
    let message = |item: simulator::FeedItem| {
        let FeedPayload::Event(event) = item.payload else {
            return None;
        };
        let report = CallReport {
            identity: key.identity(&source, &SourceKey::Call(item.call_id.clone())),
            source: source.clone(),
            call_id: Some(item.call_id),
            run: run.clone(),
            received_at,
            confirms: false,
            body: ReportBody::Event(event),
        };
        Some(wire::calls::encode_report(&report))
    };
    Ok(feed.filter_map(message).collect())
}

fn decode(messages: &[Vec<u8>]) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    for message in messages {
        black_box(StoredReport::decode(message.as_slice())?);
    }
    Ok(begun.elapsed())
}

/// As the ledger does it: batch by batch, each call of a batch once, with the difference that it makes.
fn assemble(messages: &[Vec<u8>]) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut calls: HashMap<Identity, CallState> = HashMap::new();
    for batch in messages.chunks(A_BATCH) {
        let mut told: HashMap<Identity, Vec<ReportBody>> = HashMap::new();
        for message in batch {
            if let Stored::Call(report) = wire::calls::decode_stored(message)? {
                told.entry(report.identity).or_default().push(report.body);
            }
        }
        let mut movements = Movements::default();
        for (identity, bodies) in told {
            let state = calls.entry(identity).or_default();
            let before = state.contribution();
            for body in bodies {
                state.apply(body);
            }
            movements.replace(&before, &state.contribution());
        }
        black_box(movements);
    }
    black_box(calls);
    Ok(begun.elapsed())
}
