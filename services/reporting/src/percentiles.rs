//! Percentiles of the times to answer and to abandon: of a range, and of each of its intervals.

use domain::counts::{Figure, Histogram};
use domain::percentile::{Percentile, percentile};
use domain::span::Span;
use tonic::Status;
use wire::v1::reporting as proto;

use crate::counted::Counted;
use crate::figures::{Asking, CHUNK, places, spans, step};
use crate::scope::{Scope, invalid};
use crate::sum::Sum;

/// Percentiles that are told unless others are asked for.
const USUAL_PER_CENTS: [u8; 5] = [50, 80, 90, 95, 99];

/// Those of a range.
pub(crate) async fn whole(
    asking: &Asking,
    request: proto::PercentilesRequest,
) -> Result<proto::PercentilesResponse, Status> {
    if !request.interval.is_empty() {
        return Err(invalid("interval: ask for PercentilesByInterval"));
    }
    let scope = asking.scope(request.scope).await?;
    let per_cents = per_cents(&request.per_cents)?;
    let counted = asking.figures(&scope, &[scope.span()]).await?;
    Ok(response(&scope, &counted, &per_cents))
}

/// Those of a range, and then those of every interval: of the total, and of each group.
pub(crate) async fn by_interval(
    asking: &Asking,
    request: proto::PercentilesRequest,
) -> Result<impl Iterator<Item = proto::PercentilesChunk> + Send + use<>, Status> {
    let scope = asking.scope(request.scope).await?;
    let per_cents = per_cents(&request.per_cents)?;
    let step = step(&request.interval)?;
    let spans = spans(&scope, step)?;
    let counted = asking.figures(&scope, &spans).await?;
    let head = proto::PercentilesChunk {
        head: Some(proto::PercentilesResponse {
            interval: step.name().to_owned(),
            ..response(&scope, &counted, &per_cents)
        }),
        intervals: Vec::new(),
    };
    Ok(std::iter::once(head).chain(chunks(spans, counted, per_cents)))
}

/// Made as they are sent.
fn chunks(
    spans: Vec<Span>,
    counted: Counted,
    per_cents: Vec<u8>,
) -> impl Iterator<Item = proto::PercentilesChunk> + Send {
    let rows: Vec<_> = std::iter::once(counted.total)
        .chain(counted.groups.into_values())
        .collect();
    places(rows.len(), spans.len()).map(move |(group, first)| {
        let sums = spans.iter().zip(rows[group].sums()).skip(first).take(CHUNK);
        let intervals = sums.map(|(span, sum)| {
            let [time_to_answer, time_to_abandon] = times(sum, &per_cents);
            proto::IntervalPercentiles {
                group: u32::try_from(group).unwrap_or(u32::MAX),
                start_unix_s: span.start.timestamp(),
                end_unix_s: span.end.timestamp(),
                time_to_answer: Some(time_to_answer),
                time_to_abandon: Some(time_to_abandon),
            }
        });
        proto::PercentilesChunk {
            head: None,
            intervals: intervals.collect(),
        }
    })
}

fn response(scope: &Scope, counted: &Counted, per_cents: &[u8]) -> proto::PercentilesResponse {
    let of = |name: &str, sum: &Sum| {
        let [time_to_answer, time_to_abandon] = times(sum, per_cents);
        proto::GroupPercentiles {
            group: name.to_owned(),
            time_to_answer: Some(time_to_answer),
            time_to_abandon: Some(time_to_abandon),
        }
    };
    proto::PercentilesResponse {
        from: scope.from.to_string(),
        to: scope.to.to_string(),
        zone: scope.zone_name(),
        as_of: counted.version.to_string(),
        interval: String::new(),
        total: Some(of("", &counted.total.whole())),
        groups: counted
            .groups
            .iter()
            .map(|(name, row)| of(name, &row.whole()))
            .collect(),
    }
}

fn per_cents(asked: &[u32]) -> Result<Vec<u8>, Status> {
    if asked.is_empty() {
        return Ok(USUAL_PER_CENTS.to_vec());
    }
    let checked = asked.iter().map(|per_cent| {
        u8::try_from(*per_cent)
            .ok()
            .filter(|per_cent| (1..=100).contains(per_cent))
            .ok_or_else(|| invalid("per_cents: use whole numbers from 1 to 100"))
    });
    checked.collect()
}

/// To answer, and to abandon.
fn times(sum: &Sum, per_cents: &[u8]) -> [proto::Percentiles; 2] {
    let of = |histogram: &Histogram, without: Figure| proto::Percentiles {
        visits: histogram.bins().map(|(_, count)| count).sum(),
        without_time: sum.tally.counts.get(without),
        percentiles: per_cents
            .iter()
            .filter_map(|per_cent| Some(told(*per_cent, percentile(histogram, *per_cent)?)))
            .collect(),
    };
    [
        of(&sum.tally.time_to_answer, Figure::AnsweredWithoutTime),
        of(&sum.tally.time_to_abandon, Figure::AbandonedWithoutTime),
    ]
}

fn told(per_cent: u8, value: Percentile) -> proto::Percentile {
    let (seconds, error_seconds, above) = match value {
        Percentile::AtMost {
            seconds,
            error_seconds,
        } => (seconds, error_seconds, false),
        Percentile::Above { seconds } => (seconds, 0, true),
    };
    proto::Percentile {
        per_cent: u32::from(per_cent),
        seconds,
        error_seconds,
        above,
    }
}
